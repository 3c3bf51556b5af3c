"""A view with a vector index."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Float32, String

document = Entity(name="document", join_keys=["document_id"], value_type=ValueType.INT64)

documents = FeatureView(
    name="documents",
    entities=[document],
    ttl=timedelta(days=1),
    source=FileSource(name="rows", path="data/rows.parquet", timestamp_field="event_timestamp"),
    schema=[
        Field(name="title", dtype=String),
        Field(name="embedding", dtype=Array(Float32), vector_index=True, vector_length=2, vector_search_metric="COSINE"),
    ],
)
