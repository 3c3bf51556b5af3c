"""Drivers and how they do: a small repository to start from."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float32, Float64, Int64

# What features are looked up by.
driver = Entity(name="driver", join_keys=["driver_id"])

# Hourly rows per driver, in a Parquet file beside this one.
driver_stats_source = FileSource(
    name="driver_hourly_stats_source",
    path="data/driver_stats.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
)

driver_hourly_stats = FeatureView(
    name="driver_hourly_stats",
    entities=[driver],
    ttl=timedelta(days=1),
    schema=[
        Field(name="conv_rate", dtype=Float32),
        Field(name="acc_rate", dtype=Float32),
        Field(name="avg_daily_trips", dtype=Int64, description="Average daily trips"),
    ],
    source=driver_stats_source,
    tags={"team": "driver_performance"},
)

# The same columns, filled by pushes between two materializations.
driver_stats_push_source = PushSource(
    name="driver_stats_push_source",
    batch_source=driver_stats_source,
)

driver_hourly_stats_fresh = FeatureView(
    name="driver_hourly_stats_fresh",
    entities=[driver],
    ttl=timedelta(days=1),
    schema=[
        Field(name="conv_rate", dtype=Float32),
        Field(name="acc_rate", dtype=Float32),
        Field(name="avg_daily_trips", dtype=Int64),
    ],
    source=driver_stats_push_source,
)

# Values that come with a request, and features computed from them when they are asked for.
input_request = RequestSource(
    name="vals_to_add",
    schema=[
        Field(name="val_to_add", dtype=Int64),
        Field(name="val_to_add_2", dtype=Int64),
    ],
)


@on_demand_feature_view(
    sources=[driver_hourly_stats, input_request],
    schema=[
        Field(name="conv_rate_plus_val1", dtype=Float64),
        Field(name="conv_rate_plus_val2", dtype=Float64),
    ],
    mode="python",
)
def transformed_conv_rate(inputs: dict) -> dict:
    return {
        "conv_rate_plus_val1": [
            float(rate + value) if rate is not None and value is not None else None
            for rate, value in zip(inputs["conv_rate"], inputs["val_to_add"])
        ],
        "conv_rate_plus_val2": [
            float(rate + value) if rate is not None and value is not None else None
            for rate, value in zip(inputs["conv_rate"], inputs["val_to_add_2"])
        ],
    }


# What one version of a model reads.
driver_activity_v1 = FeatureService(
    name="driver_activity_v1",
    features=[driver_hourly_stats[["conv_rate"]], transformed_conv_rate],
)

driver_activity_v2 = FeatureService(
    name="driver_activity_v2",
    features=[driver_hourly_stats, transformed_conv_rate],
)
