"""Every batch source class of Feast 0.67."""
from datetime import timedelta

from feast import (
    AthenaSource,
    BigQuerySource,
    ChrononSource,
    FileSource,
    KafkaSource,
    KinesisSource,
    OracleSource,
    PushSource,
    RedshiftSource,
    RequestSource,
    SnowflakeSource,
)
from feast.credentials import ConnectionRef
from feast.data_format import AvroFormat, DeltaFormat, JsonFormat, ParquetFormat, ProtoFormat
from feast.field import Field
from feast.infra.data_sources.contrib.lance.lance_source import LanceSource
from feast.infra.data_sources.mlflow.mlflow_dataset_source import MlflowDatasetSource
from feast.infra.offline_stores.contrib.clickhouse_offline_store.clickhouse_source import ClickhouseSource
from feast.infra.offline_stores.contrib.couchbase_offline_store.couchbase_source import CouchbaseColumnarSource
from feast.infra.offline_stores.contrib.mssql_offline_store.mssqlserver_source import MsSqlServerSource
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.infra.offline_stores.contrib.ray_offline_store.ray_source import RaySource
from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
from feast.infra.offline_stores.contrib.trino_offline_store.trino_source import TrinoSource
from feast.table_format import DeltaFormat as DeltaTable
from feast.table_format import HudiFormat, IcebergFormat, LanceFormat
from feast.types import Array, Float64, Int64, String

file_plain = FileSource(path="data/plain.parquet")
file_full = FileSource(
    name="file_full",
    path="s3://bucket/full",
    file_format=DeltaFormat(),
    timestamp_field="ts",
    created_timestamp_column="created",
    field_mapping={"a": "b"},
    s3_endpoint_override="http://minio:9000",
    description="all of it",
    tags={"k": "v"},
    owner="me",
    connection_ref=ConnectionRef(
        provider="kubernetes", name="secret", namespace="ns", connection_type="spark", params={"account": "x"}
    ),
)
file_parquet = FileSource(name="file_parquet", path="/abs/p.parquet", file_format=ParquetFormat(), timestamp_field="t")

bigquery_table = BigQuerySource(
    table="project.set.table", timestamp_field="ts", date_partition_column="day", timestamp_field_type="DATE"
)
bigquery_query = BigQuerySource(name="bq", query="SELECT 1", timestamp_field="ts")
redshift_table = RedshiftSource(table="t", timestamp_field="ts", database="db")
redshift_query = RedshiftSource(name="rq", query="SELECT 'x'", schema="s")
snowflake_table = SnowflakeSource(table="T", database="DB", timestamp_field="TS")
snowflake_query = SnowflakeSource(name="sq", query="SELECT 2", warehouse="W", schema="S")
athena_table = AthenaSource(table="at", data_source="cat", timestamp_field="ts", date_partition_column="d")
athena_query = AthenaSource(name="aq", query="SELECT 3", database="adb")
trino_table = TrinoSource(table="c.s.t", timestamp_field="ts")
trino_query = TrinoSource(name="tq", query="SELECT 4", description="d", tags={"a": "b"}, owner="o")

spark_table = SparkSource(table="st", timestamp_field="ts")
spark_query = SparkSource(name="spq", query="SELECT 5", date_partition_column="d", date_partition_column_format="%Y")
spark_path = SparkSource(name="spp", path="s3://b/p", file_format="parquet", timestamp_field="ts")
spark_iceberg = SparkSource(name="spi", path="c.d.t", table_format=IcebergFormat(catalog="c", namespace="d"))
spark_delta = SparkSource(
    name="spd", path="s3://b/d", table_format=DeltaTable(checkpoint_location="s3://b/c", properties={"x": "y"})
)
spark_hudi = SparkSource(
    name="sph",
    path="s3://b/h",
    table_format=HudiFormat(table_type="COPY_ON_WRITE", record_key="id", precombine_field="ts"),
)

postgres_query = PostgreSQLSource(name="pg", query="SELECT * FROM t -- é", timestamp_field="ts", tags={"x": "y"})
postgres_table = PostgreSQLSource(table="public.t", timestamp_field="ts", created_timestamp_column="c")
clickhouse = ClickhouseSource(name="ch", table="t", timestamp_field="ts")
couchbase = CouchbaseColumnarSource(name="cb", query="SELECT 6", collection="coll", timestamp_field="ts")
mssql = MsSqlServerSource(name="ms", table_ref="dbo.t", event_timestamp_column="ts", connection_str="c")
oracle = OracleSource(name="ora", table_ref="S.T", event_timestamp_column="TS", date_partition_column="D")
ray = RaySource(name="ray", reader_type="csv", path="p.csv", reader_options={"a": 1, "b": [True, None], "c": 1.5})
chronon = ChrononSource(materialization_path="/m", timestamp_field="ts", chronon_join="j", online_endpoint="http://e")
lance_uri = LanceSource(uri="s3://b/x.lance", table_format=LanceFormat(version=3), timestamp_field="ts")
lance_table = LanceSource(
    table="t",
    table_format=LanceFormat(catalog="c", namespace="n", tag="good"),
    namespace_impl="dir",
    namespace_properties={"root": "/r"},
    storage_options={"region": "eu"},
)
mlflow = MlflowDatasetSource(name="ml", dataset_name="d", batch_source=file_full)

request = RequestSource(
    name="request",
    schema=[Field(name="amount", dtype=Float64), Field(name="ids", dtype=Array(Int64), description="d", tags={"t": "u"})],
    description="from the caller",
    owner="me",
    tags={"a": "b"},
)
push = PushSource(name="push", batch_source=file_full, tags={"p": "q"})
push_bare = PushSource(name="push_bare")
kafka = KafkaSource(
    name="kafka",
    kafka_bootstrap_servers="a:9092,b:9092",
    topic="t",
    timestamp_field="ts",
    created_timestamp_column="c",
    message_format=AvroFormat(schema_json='{"type": "record"}'),
    batch_source=FileSource(name="kafka_batch", path="k.parquet", timestamp_field="ts"),
    watermark_delay_threshold=timedelta(minutes=5, milliseconds=1),
    field_mapping={"x": "y"},
)
kafka_json = KafkaSource(name="kafka_json", timestamp_field="ts", message_format=JsonFormat("a int"))
kinesis = KinesisSource(
    name="kinesis",
    region="eu-west-1",
    stream_name="s",
    record_format=ProtoFormat(class_path="a.B"),
    timestamp_field="ts",
    batch_source=file_parquet,
)
UNUSED = String
