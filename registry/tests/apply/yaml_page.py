"""What docs/yaml-definitions.md defines, in Python."""
from datetime import timedelta

from feast import (
    Aggregation,
    AthenaSource,
    BatchFeatureView,
    BigQuerySource,
    ChrononSource,
    ConflictPolicy,
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    KafkaSource,
    KinesisSource,
    LabelView,
    OnDemandFeatureView,
    OracleSource,
    Project,
    PushSource,
    RedshiftSource,
    RequestSource,
    SnowflakeSource,
    StreamFeatureView,
    ValueType,
)
from feast.credentials import ConnectionRef
from feast.data_format import JsonFormat, ParquetFormat, ProtoFormat
from feast.feature_logging import LoggingConfig
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from feast.infra.data_sources.contrib.iceberg_catalog.unity_catalog_source import UnityCatalogSource
from feast.infra.data_sources.contrib.lance.lance_source import LanceSource
from feast.infra.data_sources.mlflow.mlflow_dataset_source import MlflowDatasetSource
from feast.infra.offline_stores.bigquery_source import BigQueryLoggingDestination
from feast.infra.offline_stores.contrib.clickhouse_offline_store.clickhouse_source import ClickhouseSource
from feast.infra.offline_stores.contrib.couchbase_offline_store.couchbase_source import CouchbaseColumnarSource
from feast.infra.offline_stores.contrib.mssql_offline_store.mssqlserver_source import MsSqlServerSource
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.infra.offline_stores.contrib.ray_offline_store.ray_source import RaySource
from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
from feast.infra.offline_stores.contrib.trino_offline_store.trino_source import TrinoSource
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.permissions.action import READ, AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import CombinedGroupNamespacePolicy, RoleBasedPolicy
from feast.table_format import IcebergFormat, LanceFormat
from feast.types import Array, Bool, Float32, Float64, Int64, String, Struct

project = Project(name="shop", description="Shopping features", tags={"team": "growth"})
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64, owner="growth@shop.example")
product = Entity(name="product", join_keys=["product_id"], value_type=ValueType.STRING)

user_events = FileSource(
    name="user_events",
    path="data/user_events.parquet",
    file_format=ParquetFormat(),
    timestamp_field="event_timestamp",
    created_timestamp_column="created_at",
    field_mapping={"avg_stars": "avg_rating"},
    tags={"refresh": "daily"},
)
products = FileSource(
    path="data/products.parquet",
    timestamp_field="ts",
    connection_ref=ConnectionRef(provider="kubernetes", name="lake", params={"account": "x"}),
)
user_pushes = PushSource(name="user_pushes", batch_source=user_events)
basket = RequestSource(
    name="basket",
    schema=[Field(name="basket_total", dtype=Float64), Field(name="item_count", dtype=Int64)],
)
clicks = KafkaSource(
    name="clicks",
    kafka_bootstrap_servers="localhost:9092",
    topic="shop.clicks",
    timestamp_field="event_timestamp",
    message_format=JsonFormat("user_id long, price double, event_timestamp timestamp"),
    watermark_delay_threshold=timedelta(minutes=5),
    batch_source=FileSource(name="clicks_batch", path="data/clicks.parquet", timestamp_field="event_timestamp"),
)
orders = KinesisSource(
    name="orders",
    region="eu-west-1",
    stream_name="orders",
    record_format=ProtoFormat("shop.Order"),
    batch_source=user_events,
    timestamp_field="ts",
)

bigquery = BigQuerySource(
    table="project.set.table", timestamp_field="ts", date_partition_column="day", timestamp_field_type="DATE"
)
redshift = RedshiftSource(name="redshift", table="sales", database="shop", timestamp_field="ts")
snowflake = SnowflakeSource(name="snowflake", query="SELECT * FROM SALES", warehouse="SMALL", timestamp_field="TS")
trino = TrinoSource(table="lake.shop.sales", timestamp_field="ts")
athena = AthenaSource(name="athena", table="sales", data_source="catalog", timestamp_field="ts")
postgres = PostgreSQLSource(name="postgres", query="SELECT * FROM sales", timestamp_field="ts")
clickhouse = ClickhouseSource(name="clickhouse", table="sales", timestamp_field="ts")
couchbase = CouchbaseColumnarSource(name="couchbase", collection="sales", timestamp_field="ts")
mssql = MsSqlServerSource(name="mssql", table_ref="dbo.sales", event_timestamp_column="ts")
oracle = OracleSource(name="oracle", table_ref="SHOP.SALES", event_timestamp_column="TS")
spark = SparkSource(
    name="spark",
    path="s3://lake/sales",
    table_format=IcebergFormat(catalog="lake", namespace="shop"),
    timestamp_field="ts",
)
ray = RaySource(
    name="ray",
    reader_type="csv",
    path="data/sales.csv",
    reader_options={"delimiter": ";", "columns": ["a", "b"]},
    timestamp_field="ts",
)
chronon = ChrononSource(
    name="chronon", materialization_path="/chronon/sales", chronon_join="shop.sales", timestamp_field="ts"
)
lance = LanceSource(
    name="lance", uri="s3://lake/sales.lance", table_format=LanceFormat(version=3), timestamp_field="ts"
)
mlflow = MlflowDatasetSource(name="mlflow", dataset_name="sales", batch_source=user_events)
iceberg = IcebergSource(
    name="iceberg",
    warehouse="lake",
    namespace="shop",
    table="sales",
    endpoint="http://localhost:8181",
    timestamp_field="ts",
)
unity = UnityCatalogSource(
    name="unity",
    warehouse="main",
    namespace="shop",
    table="sales",
    endpoint="https://unity.example",
    timestamp_field="ts",
)

user_behavior = FeatureView(
    name="user_behavior",
    entities=[user],
    source=user_events,
    ttl=timedelta(days=7),
    schema=[
        Field(name="views_24h", dtype=Int64),
        Field(name="cart_rate", dtype=Float32, description="carts per view"),
        Field(
            name="embedding",
            dtype=Array(Float32),
            vector_index=True,
            vector_length=64,
            vector_search_metric="cosine",
        ),
        Field(
            name="address",
            dtype=Struct({"city": String, "zip": Struct({"code": Int64, "parts": Array(String)})}),
        ),
        Field(name="visits", dtype=Array(Struct({"page": String, "seconds": Int64}))),
        Field(name="paths", dtype=Array(Array(String))),
    ],
    tags={"team": "growth", "tier": "1"},
)
product_features = FeatureView(
    name="product_features",
    entities=[product],
    source=user_pushes,
    schema=[Field(name="price", dtype=Float64), Field(name="in_stock", dtype=Bool)],
    ttl=None,
)
popular_products = FeatureView(
    name="popular_products",
    entities=[product],
    source=[product_features],
    sink_source=user_events,
    schema=[Field(name="rank", dtype=Int64)],
)


def spend_per_day(df):
    df["spend"] = df["cart_rate"] * 2
    return df


spend_view = BatchFeatureView(
    name="spend_per_day",
    entities=[user],
    source=[user_behavior],
    sink_source=FileSource(name="spend_sink", path="data/spend.parquet", timestamp_field="ts"),
    mode="pandas",
    online=True,
    schema=[Field(name="spend", dtype=Float64)],
    udf=spend_per_day,
    udf_string='def spend_per_day(df):\n    df["spend"] = df["cart_rate"] * 2\n    return df\n',
)
user_clicks = StreamFeatureView(
    name="user_clicks",
    entities=[user],
    source=clicks,
    ttl=timedelta(days=1),
    timestamp_field="event_timestamp",
    schema=[Field(name="spend_1h", dtype=Float64), Field(name="clicks_1h", dtype=Int64)],
    aggregations=[
        Aggregation(column="price", function="sum", time_window=timedelta(hours=1)),
        Aggregation(
            column="price",
            function="count",
            time_window=timedelta(hours=1),
            slide_interval=timedelta(minutes=10),
            name="clicks_1h",
        ),
    ],
    enable_tiling=True,
    tiling_hop_size=timedelta(minutes=5),
)
churn_labels = LabelView(
    name="churn_labels",
    entities=[user],
    source=user_pushes,
    schema=[Field(name="churned", dtype=Bool), Field(name="who", dtype=String)],
    labeler_field="who",
    conflict_policy=ConflictPolicy.MAJORITY_VOTE,
    reference_feature_view="user_behavior",
)


def basket_features(inputs):
    total, count = inputs["basket_total"], inputs["item_count"]
    return {
        "mean_price": [t / c for t, c in zip(total, count)],
        "pressure": [(r or 0.0) * c for r, c in zip(inputs["cart_rate"], count)],
    }


basket_view = OnDemandFeatureView(
    name="basket_features",
    sources=[basket, user_behavior[["cart_rate"]]],
    schema=[Field(name="mean_price", dtype=Float64), Field(name="pressure", dtype=Float64)],
    mode="python",
    udf=basket_features,
    udf_string="""def basket_features(inputs):
    total, count = inputs["basket_total"], inputs["item_count"]
    return {
        "mean_price": [t / c for t, c in zip(total, count)],
        "pressure": [(r or 0.0) * c for r, c in zip(inputs["cart_rate"], count)],
    }
""",
)

ranking = FeatureService(
    name="ranking",
    features=[
        user_behavior[["views_24h", "cart_rate"]],
        user_behavior[["cart_rate"]].with_name("friend").with_join_key_map({"user_id": "friend_id"}),
        "basket_features",
        "product_features:price",
    ],
    logging_config=LoggingConfig(
        sample_rate=0.25, destination=FileLoggingDestination(path="data/log", partition_by=["day"])
    ),
)
audit = FeatureService(
    name="audit",
    features=["churn_labels"],
    logging_config=LoggingConfig(destination=BigQueryLoggingDestination(table_ref="project.set.log")),
)

readers = Permission(
    name="readers",
    types=[FeatureView, FeatureService],
    name_patterns=["user_.*"],
    required_tags={"team": "growth"},
    actions=[AuthzedAction.DESCRIBE, *READ],
    policy=RoleBasedPolicy(roles=["reader"]),
)
admins = Permission(name="admins", policy=CombinedGroupNamespacePolicy(groups=["ml"], namespaces=["prod"]))
