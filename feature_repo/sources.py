"""Where the columns come from: files for history, push for fresh rows, the request for its context."""

from feast import Field, FileSource, PushSource, RequestSource
from feast.types import String

DATA_DIR = "data"
OWNER = "data@shop.example"

user_behavior_file = FileSource(
    name="user_behavior_file",
    path=f"{DATA_DIR}/user_behavior.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
    description="One row per user and day with activity, aggregated from sessions and orders",
    owner=OWNER,
)

products_file = FileSource(
    name="products_file",
    path=f"{DATA_DIR}/products.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
    description="One row per product and day: price and popularity",
    owner=OWNER,
)

sessions_file = FileSource(
    name="sessions_file",
    path=f"{DATA_DIR}/sessions.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
    description="One row per visit, when it has ended",
    owner=OWNER,
)

user_behavior_push = PushSource(
    name="user_behavior_push",
    batch_source=user_behavior_file,
    description="Fresh behaviour rows, between two daily runs",
)

product_push = PushSource(
    name="product_push",
    batch_source=products_file,
    description="Price changes, as they happen",
)

# The name differs from the stored device_type: the device of this session may be another one.
request_context = RequestSource(
    name="request_context",
    schema=[Field(name="session_device", dtype=String)],
    description="What the shop knows about the page view that asks",
)
