"""A view that can be materialized, and one of every sort that cannot."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
rows = FileSource(name="rows", path="data/rows.parquet", timestamp_field="ts")

clicks = FeatureView(
    name="clicks", entities=[user], ttl=timedelta(days=1), source=rows,
    schema=[Field(name="clicks_7d", dtype=Int64)])
off = FeatureView(
    name="off", entities=[user], ttl=timedelta(days=1), source=rows, enabled=False,
    schema=[Field(name="carts_7d", dtype=Int64)])
offline_only = FeatureView(
    name="offline_only", entities=[user], ttl=timedelta(days=1), source=rows, online=False,
    schema=[Field(name="orders_7d", dtype=Int64)])


@on_demand_feature_view(sources=[clicks], schema=[Field(name="ratio", dtype=Float64)], mode="python")
def ratios(inputs):
    return {"ratio": [clicks / 7 for clicks in inputs["clicks_7d"]]}
