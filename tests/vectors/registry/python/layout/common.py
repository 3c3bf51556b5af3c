from feast import Entity, FileSource, ValueType

try:
    from feast import SomethingOfTheFuture  # noqa: F401
except ImportError:
    SomethingOfTheFuture = None

shopper = Entity(name="shopper", join_keys=["shopper_id"], value_type=ValueType.INT64)
same_shopper = shopper
hidden = [Entity(name="hidden", value_type=ValueType.INT64)]


def never_called():
    import pandas as pd

    return pd.DataFrame()


events = {
    kind: FileSource(name=f"{kind}_events", path=f"data/{kind}.parquet", timestamp_field="ts")
    for kind in ("click", "order")
}
click_events = events["click"]
