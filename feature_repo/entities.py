"""Keys that features are looked up by."""

from feast import Entity, ValueType

user_id = Entity(
    name="user_id",
    join_keys=["user_id"],
    value_type=ValueType.STRING,
    description="A registered shopper",
)

product_id = Entity(
    name="product_id",
    join_keys=["product_id"],
    value_type=ValueType.STRING,
    description="An article of the catalogue",
)
