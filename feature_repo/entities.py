"""Keys that features are looked up by."""

from feast import Entity, ValueType

user_id = Entity(
    name="user_id",
    join_keys=["user_id"],
    value_type=ValueType.STRING,
    description="A registered shopper",
)

session = Entity(
    name="session",
    join_keys=["sessionId"],
    value_type=ValueType.STRING,
    description="A visit, of a shopper or of somebody who has not logged in",
)

product_id = Entity(
    name="product_id",
    join_keys=["product_id"],
    value_type=ValueType.STRING,
    description="An article of the catalogue",
)
