"""Writes a registry that holds an object of every kind, made by Feast 0.67.

python - OUT < every_kind.py    (from standard input, so that pickled functions name no file)
"""

import sys
from datetime import datetime, timedelta, timezone

from feast import (
    BatchFeatureView, Entity, FeatureService, FeatureView, Field, FileSource, KafkaSource,
    KinesisSource, OnDemandFeatureView, Project, PushSource, RequestSource,
)
from feast.data_format import AvroFormat, DeltaFormat, JsonFormat, ParquetFormat, ProtoFormat
from feast.feature_logging import LoggingConfig
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from feast.infra.offline_stores.bigquery_source import BigQuerySource
from feast.infra.offline_stores.contrib.athena_offline_store.athena_source import AthenaSource
from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.infra.offline_stores.redshift_source import RedshiftSource
from feast.infra.offline_stores.snowflake_source import SnowflakeSource
from feast.labeling import LabelView
from feast.permissions.action import AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import (
    CombinedGroupNamespacePolicy, GroupBasedPolicy, NamespaceBasedPolicy, RoleBasedPolicy,
)
from feast.protos.feast.core.DataSource_pb2 import DataSource
from feast.protos.feast.core.FeatureService_pb2 import FeatureService as ServiceMessage
from feast.protos.feast.core.FeatureService_pb2 import LoggingConfig as Logging
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.table_format import IcebergFormat
from feast.types import (
    Array, Bool, Decimal, Float32, Float64, Int32, Int64, Map, String, Struct, Uuid,
)
from feast.value_type import ValueType

PROJECT = "every"
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
CONTRIB = "feast.infra.offline_stores.contrib."
registry = Registry(registry_schema_version="1")


def add(objects, message, **meta):
    message.spec.project = PROJECT
    for name, value in meta.items():
        setattr(message.meta, name, value)
    objects.append(message)


def stamped(thing):
    thing.created_timestamp = thing.last_updated_timestamp = AT
    return thing


files = FileSource(
    name="files", path="data/a.parquet", timestamp_field="ts", created_timestamp_column="c",
    field_mapping={"x": "y"}, description="d", tags={"k": "v"}, owner="o",
    s3_endpoint_override="http://s3:9000", file_format=ParquetFormat(),
)
push = PushSource(name="pushed", batch_source=files, description="d")
formats = {"avro": AvroFormat('{"type":"record"}'), "json": JsonFormat("a int"),
           "proto": ProtoFormat("a.b.C")}
kafka = [
    KafkaSource(
        name=f"kafka_{name}", kafka_bootstrap_servers="h:9092", topic="t", timestamp_field="ts",
        message_format=form, batch_source=files,
        watermark_delay_threshold=timedelta(minutes=5, milliseconds=1),
    )
    for name, form in formats.items()
]
sources = [
    files,
    FileSource(name="delta", path="s3://b/d", timestamp_field="ts", file_format=DeltaFormat()),
    push,
    PushSource(name="pushed_bare"),
    RequestSource(name="request", schema=[Field(name="a", dtype=Float64),
                                          Field(name="b", dtype=Array(String))]),
    *kafka,
    KinesisSource(name="kinesis", region="eu", stream_name="s", timestamp_field="ts",
                  record_format=JsonFormat("a int"), batch_source=files),
    BigQuerySource(name="bigquery", table="a.b.c", timestamp_field="ts"),
    RedshiftSource(name="redshift", table="t", schema="s", database="d", timestamp_field="ts"),
    SnowflakeSource(name="snowflake", table="t", schema="s", database="d", timestamp_field="ts"),
    AthenaSource(name="athena", query="select 1", database="d", data_source="ds",
                 timestamp_field="ts"),
    SparkSource(name="spark", path="s3://b/p", file_format="parquet", timestamp_field="ts",
                table_format=IcebergFormat(catalog="c", namespace="n", properties={"p": "q"})),
    IcebergSource(name="iceberg", catalog_type="rest", catalog_name="c", endpoint="http://x",
                  warehouse="w", namespace="n", table="t", timestamp_field="ts"),
]
for source in sources:
    message = stamped(source).to_proto()
    message.project = PROJECT
    message.data_source_class_type = f"{type(source).__module__}.{type(source).__name__}"
    registry.data_sources.append(message)
# The classes of these two need drivers; their messages do not.
registry.data_sources.append(DataSource(
    name="trino", type=DataSource.BATCH_TRINO, timestamp_field="ts", project=PROJECT,
    trino_options=DataSource.TrinoOptions(table="t", query="q"),
    data_source_class_type=CONTRIB + "trino_offline_store.trino_source.TrinoSource",
))
registry.data_sources.append(DataSource(
    name="postgres", type=DataSource.CUSTOM_SOURCE, timestamp_field="ts", project=PROJECT,
    custom_options=DataSource.CustomSourceOptions(configuration=b'{"query": "select 1"}'),
    data_source_class_type=CONTRIB + "postgres_offline_store.postgres_source.PostgreSQLSource",
))

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64, description="d",
              tags={"a": "b"}, owner="o")
item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
for entity in (user, item):
    add(registry.entities, stamped(entity).to_proto())

user_id = Field(name="user_id", dtype=Int64)
plain = FeatureView(
    name="plain", entities=[user, item], source=files, online=True, offline=True,
    ttl=timedelta(days=1, seconds=2, microseconds=3), description="d", tags={"t": "1"}, owner="o",
    schema=[
        user_id, Field(name="item_id", dtype=String),
        Field(name="score", dtype=Float32, description="d", tags={"x": "y"}),
        Field(name="embedding", dtype=Array(Float32), vector_index=True,
              vector_search_metric="COSINE", vector_length=3),
        Field(name="map", dtype=Map), Field(name="struct", dtype=Struct({"a": Int64})),
        Field(name="nested", dtype=Array(Array(Int64))), Field(name="uuid", dtype=Uuid),
        Field(name="decimal", dtype=Decimal), Field(name="flag", dtype=Bool),
    ],
)
hour = timedelta(hours=1)
plain.materialization_intervals = [(AT, AT + hour), (AT + 2 * hour, AT)]
plain.current_version_number = 3
message = stamped(plain).to_proto()
message.spec.disabled, message.spec.org, message.spec.enable_validation = True, "org", True
add(registry.feature_views, message, state=4, version_id="id")
count = [user_id, Field(name="count", dtype=Int32)]
pushed = FeatureView(name="pushed", entities=[user], ttl=None, source=push, schema=count)
add(registry.feature_views, pushed.to_proto())
function = {"mode": "python", "udf": lambda rows: rows, "udf_string": "lambda rows: rows"}
batch = BatchFeatureView(name="batch", entities=[user], source=files, schema=count, **function)
add(registry.feature_views, batch.to_proto())
derived = BatchFeatureView(name="derived", entities=[user], source=[plain], sink_source=files,
                           schema=count, **function)
add(registry.feature_views, derived.to_proto())
for name, source in (("labels", files), ("labels_pushed", push)):
    labels = LabelView(
        name=name, entities=[user], source=source, ttl=timedelta(0), labeler_field="who",
        schema=[user_id, Field(name="label", dtype=String), Field(name="who", dtype=String)],
    )
    add(registry.label_views, stamped(labels).to_proto())

request = RequestSource(name="request", schema=[Field(name="a", dtype=Float64)])
computed = OnDemandFeatureView(
    name="computed", sources=[plain[["score"]], request], singleton=True, entities=[user],
    schema=[Field(name="out", dtype=Float64)], description="d", tags={"a": "b"}, owner="o",
    **function,
)
add(registry.on_demand_feature_views, computed.to_proto(), current_version_number=2, state=1)

service = FeatureService(
    name="service", description="d", tags={"a": "b"}, owner="o", precompute_online=True,
    features=[
        plain[["score"]].with_name("alias").with_join_key_map({"user_id": "buyer_id"}), pushed,
    ],
    logging_config=LoggingConfig(sample_rate=0.25, destination=FileLoggingDestination(
        path="logs", s3_endpoint_override="http://s3", partition_by=["d"])),
)
message = stamped(service).to_proto()
message.spec.features[0].version_tag = 0
add(registry.feature_services, message)
for logging in (
    Logging(bigquery_destination=Logging.BigQueryDestination(table_ref="t")),
    Logging(redshift_destination=Logging.RedshiftDestination(table_name="t")),
    Logging(snowflake_destination=Logging.SnowflakeDestination(table_name="t")),
    Logging(athena_destination=Logging.AthenaDestination(table_name="t")),
    Logging(custom_destination=Logging.CustomDestination(kind="k", config={"a": "b"})),
    Logging(couchbase_columnar_destination=Logging.CouchbaseColumnarDestination(
        database="d", scope="s", collection="c")),
):
    other = ServiceMessage()
    other.CopyFrom(message)
    other.spec.name = logging.WhichOneof("destination")
    other.spec.logging_config.CopyFrom(logging)
    add(registry.feature_services, other)

for policy in (
    RoleBasedPolicy(["r"]), GroupBasedPolicy(["g"]), NamespaceBasedPolicy(["n"]),
    CombinedGroupNamespacePolicy(["g"], ["n"]),
):
    permission = Permission(
        name=type(policy).__name__, types=[FeatureView, Entity], name_patterns=["a.*"],
        policy=policy, actions=[AuthzedAction.CREATE, AuthzedAction.READ_ONLINE],
        tags={"a": "b"}, required_tags={"c": "d"},
    )
    add(registry.permissions, permission.to_proto())

project = Project(name=PROJECT, description="d", tags={"a": "b"}, owner="o")
registry.projects.append(project.to_proto())
with open(sys.argv[1], "wb") as out:
    out.write(registry.SerializeToString(deterministic=True))
