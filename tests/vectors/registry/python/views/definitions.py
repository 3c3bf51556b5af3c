"""Views of every kind, and what they can be made of."""
from datetime import timedelta

import pandas as pd
from feast import (
    Aggregation,
    BatchFeatureView,
    ConflictPolicy,
    Entity,
    Feature,
    FeatureView,
    Field,
    FileSource,
    KafkaSource,
    LabelView,
    OnDemandFeatureView,
    PushSource,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.batch_feature_view import batch_feature_view
from feast.data_format import JsonFormat
from feast.on_demand_feature_view import on_demand_feature_view
from feast.stream_feature_view import stream_feature_view
from feast.transformation.mode import TransformationMode
from feast.transformation.pandas_transformation import PandasTransformation
from feast.types import (
    Array,
    Bool,
    Bytes,
    Decimal,
    Float32,
    Float64,
    Int32,
    Int64,
    Json,
    Map,
    PrimitiveFeastType,
    ScalarMap,
    Set,
    String,
    Struct,
    TimeUuid,
    UnixTimestamp,
    Uuid,
    ZonedTimestamp,
)

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64, tags={"a": "b"}, owner="o")
item = Entity(name="item", value_type=ValueType.STRING, description="A thing")
place = Entity(name="place", join_keys=["place_id"])

batch = FileSource(name="batch", path="b.parquet", timestamp_field="ts", created_timestamp_column="made")
mapped = FileSource(name="mapped", path="m.parquet", timestamp_field="ts", field_mapping={"raw": "cooked"})
push = PushSource(name="push", batch_source=batch)
stream = KafkaSource(
    name="stream",
    kafka_bootstrap_servers="localhost:9092",
    topic="t",
    timestamp_field="ts",
    batch_source=batch,
    message_format=JsonFormat(schema_json="x int"),
)

every_type = FeatureView(
    name="every_type",
    entities=[user, item],
    schema=[
        Field(name="user_id", dtype=Int64, description="the key"),
        Field(name="item", dtype=String),
        Field(name="f_bool", dtype=Bool),
        Field(name="f_bytes", dtype=Bytes),
        Field(name="f_decimal", dtype=Decimal),
        Field(name="f_float32", dtype=Float32),
        Field(name="f_float64", dtype=Float64),
        Field(name="f_int32", dtype=Int32),
        Field(name="f_json", dtype=Json),
        Field(name="f_map", dtype=Map),
        Field(name="f_scalar_map", dtype=ScalarMap),
        Field(name="f_uuid", dtype=Uuid),
        Field(name="f_time_uuid", dtype=TimeUuid),
        Field(name="f_time", dtype=UnixTimestamp),
        Field(name="f_zoned", dtype=ZonedTimestamp),
        Field(name="f_primitive", dtype=PrimitiveFeastType.STRING),
        Field(name="l_float", dtype=Array(Float32), vector_index=True, vector_length=3, vector_search_metric="cosine"),
        Field(name="l_map", dtype=Array(Map)),
        Field(name="l_struct", dtype=Array(Struct({"a": Int64, "b": Array(String)}))),
        Field(name="l_list", dtype=Array(Array(Int64))),
        Field(name="s_string", dtype=Set(String), tags={"x": "y"}),
        Field(name="s_list", dtype=Set(Array(Bool))),
        Field(name="struct", dtype=Struct({"n": Int64, "in": Struct({"é": String})})),
    ],
    source=batch,
    ttl=timedelta(days=3, hours=1),
    description="d",
    tags={"team": "x"},
    owner="o",
    org="ads",
    enable_validation=True,
    version="v2",
)
no_schema = FeatureView(name="no_schema", entities=[place], source=mapped, ttl=None, online=False, offline=True)
entityless = FeatureView(name="entityless", schema=[Field(name="x", dtype=Int64)], source=batch, enabled=False)
pushed = FeatureView(name="pushed", entities=[user], schema=[Field(name="x", dtype=Int64)], source=push)
streamed = FeatureView(name="streamed", entities=[user], schema=[Field(name="x", dtype=Int64)], source=stream)

labels = LabelView(
    name="labels",
    entities=[user, place],
    schema=[Field(name="label", dtype=String)],
    source=push,
    labeler_field="who",
    conflict_policy=ConflictPolicy.MAJORITY_VOTE,
    reference_feature_view="pushed",
)


def clean(df):
    return df


batch_class = BatchFeatureView(
    name="batch_class",
    mode="python",
    entities=[user],
    schema=[Field(name="x", dtype=Int64)],
    source=batch,
    udf=clean,
    udf_string="def clean(df):\n    return df\n",
    online=True,
)
batch_plain = BatchFeatureView(name="batch_plain", entities=[item], schema=[Field(name="z", dtype=Bool)], source=batch)
derived = BatchFeatureView(
    name="derived",
    mode=TransformationMode.PANDAS,
    entities=[user],
    schema=[Field(name="y", dtype=Int64)],
    source=[batch_plain],
    sink_source=mapped,
    udf=clean,
    udf_string="def clean(df):\n    return df\n",
)


@batch_feature_view(entities=[user], schema=[Field(name="w", dtype=Int64)], source=batch, mode="pandas", ttl=timedelta(1))
def batch_decorated(df: pd.DataFrame) -> pd.DataFrame:
    # doubles
    df["w"] = df["w"] * 2
    return df


@stream_feature_view(
    entities=[user],
    ttl=timedelta(hours=2),
    schema=[Field(name="spend", dtype=Float64)],
    timestamp_field="ts",
    source=stream,
    mode="pandas",
    aggregations=[
        Aggregation(column="spend", function="sum", time_window=timedelta(hours=1)),
        Aggregation("spend", "count", timedelta(hours=1), timedelta(minutes=5), "n"),
    ],
)
def stream_decorated(df):
    return df


stream_class = StreamFeatureView(
    name="stream_class",
    entities=[user],
    ttl=timedelta(days=1),
    schema=[Field(name="user_id", dtype=Int64), Field(name="q", dtype=Float64)],
    source=push,
    mode="python",
    enable_tiling=True,
    tiling_hop_size=timedelta(minutes=1),
    aggregations=[Aggregation(column="q", function="max", time_window=timedelta(minutes=10))],
    timestamp_field="ts",
)

asked = RequestSource(name="asked", schema=[Field(name="amount", dtype=Float64)])


@on_demand_feature_view(
    sources=[every_type[["f_int32", "f_float64"]], asked, no_schema],
    schema=[Field(name="ratio", dtype=Float64)],
    mode="python",
    singleton=True,
    tags={"a": "b"},
)
def on_demand_python(inputs: dict) -> dict:
    """Doc."""

    def helper(x):
        return x

    return {"ratio": helper(inputs["amount"])}  # the end
    # still inside


# outside
@on_demand_feature_view(
    name="renamed",
    sources=[asked],
    schema=[Field(name="user_id", dtype=Int64), Field(name="r", dtype=Float64)],
    entities=[user],
    write_to_online_store=True,
    track_metrics=True,
    description="stored",
    owner="o",
    org="x",
    version="version3",
)
def on_demand_pandas(features_df: pd.DataFrame) -> pd.DataFrame:
    df = pd.DataFrame()
    df["r"] = features_df["amount"] * 2

    return df


@on_demand_feature_view(
    input_schema=[Field(name="v", dtype=Float64)],
    schema=[Field(name="o", dtype=Float64)],
    aggregations=[Aggregation(column="v", function="sum")],
)
def on_demand_input(df): return df


on_demand_class = OnDemandFeatureView(
    name="on_demand_class",
    sources=[every_type, asked],
    schema=[Field(name="o", dtype=Float64)],
    feature_transformation=PandasTransformation(udf=clean, udf_string="def clean(df):\n    return df\n"),
)
if True:

    @on_demand_feature_view(sources=[asked], schema=[Field(name="o", dtype=Float64)], mode="PANDAS")
    def on_demand_indented(df):
        return df

UNUSED = Feature
