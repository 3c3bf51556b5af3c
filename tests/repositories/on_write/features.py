from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)

clicks_file = FileSource(name="clicks_file", path="data/clicks.parquet", timestamp_field="event_timestamp")
orders_file = FileSource(name="orders_file", path="data/orders.parquet", timestamp_field="event_timestamp")

clicks = FeatureView(
    name="clicks",
    entities=[user],
    ttl=timedelta(days=30),
    source=PushSource(name="clicks_push", batch_source=clicks_file),
    schema=[Field(name="clicks_7d", dtype=Int64), Field(name="segment", dtype=String)],
)
orders = FeatureView(
    name="orders",
    entities=[user],
    ttl=timedelta(days=30),
    source=PushSource(name="orders_push", batch_source=orders_file),
    schema=[Field(name="spend", dtype=Float64)],
)


@on_demand_feature_view(
    entities=[user],
    sources=[clicks, orders],
    schema=[Field(name="is_active", dtype=Int64), Field(name="per_click", dtype=Float64), Field(name="clicks_7d", dtype=Int64)],
    mode="pandas",
    write_to_online_store=True,
)
def activity(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["is_active"] = (inputs["clicks_7d"] > 5).astype("int64")
    out["per_click"] = inputs["spend"] / inputs["clicks_7d"]
    out["clicks_7d"] = inputs["clicks_7d"]
    return out


@on_demand_feature_view(
    entities=[user],
    sources=[clicks],
    schema=[Field(name="doubled", dtype=Int64)],
    mode="python",
    write_to_online_store=True,
)
def doubling(inputs: dict) -> dict:
    return {"doubled": [clicks * 2 for clicks in inputs["clicks_7d"]]}


profile = FeatureService(name="profile", features=[clicks, orders[["spend"]]], precompute_online=True)
