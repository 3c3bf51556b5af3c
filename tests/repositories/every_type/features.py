"""One view with a feature of every type that a Parquet file can hold."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    Int32,
    Int64,
    Json,
    Map,
    Set,
    String,
    UnixTimestamp,
    Uuid,
)

PRIMITIVES = {
    "int32": Int32,
    "int64": Int64,
    "float32": Float32,
    "float64": Float64,
    "bool": Bool,
    "string": String,
    "bytes": Bytes,
    "unix_timestamp": UnixTimestamp,
}

item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.INT64)

source = FileSource(
    name="items",
    path="data/items.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
)

every_type = FeatureView(
    name="every_type",
    entities=[item],
    ttl=timedelta(days=3650),
    schema=[Field(name=name, dtype=dtype) for name, dtype in PRIMITIVES.items()]
    + [Field(name=f"{name}_list", dtype=Array(dtype)) for name, dtype in PRIMITIVES.items()]
    + [
        Field(name="string_set", dtype=Set(String)),
        Field(name="int64_set", dtype=Set(Int64)),
        Field(name="json", dtype=Json),
        Field(name="map", dtype=Map),
        Field(name="uuid", dtype=Uuid),
    ],
    source=source,
)
