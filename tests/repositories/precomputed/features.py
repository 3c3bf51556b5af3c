"""Views of two sorts of entities."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64, Int64, String

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)

clicks_file = FileSource(name="clicks_file", path="data/clicks.parquet", timestamp_field="event_timestamp")
orders_file = FileSource(name="orders_file", path="data/orders.parquet", timestamp_field="event_timestamp")
prices_file = FileSource(name="prices_file", path="data/prices.parquet", timestamp_field="event_timestamp")

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
    ttl=timedelta(hours=1),
    source=PushSource(name="orders_push", batch_source=orders_file),
    schema=[Field(name="spend", dtype=Float64)],
)
prices = FeatureView(
    name="prices",
    entities=[item],
    ttl=timedelta(days=30),
    source=PushSource(name="prices_push", batch_source=prices_file),
    schema=[Field(name="price", dtype=Float64)],
)
