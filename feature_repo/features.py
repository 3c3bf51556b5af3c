"""Feature views, their interaction, and the services that models read."""

from datetime import timedelta

from entities import product_id, session, user_id
from feast import FeatureService, FeatureView, Field
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Bool, Float64, Int64, String
from sources import product_push, request_context, sessions_file, user_behavior_push

user_behavior_features = FeatureView(
    name="user_behavior_features",
    entities=[user_id],
    ttl=timedelta(days=30),
    schema=[
        Field(name="avg_session_duration", dtype=Float64, description="Seconds, last 7 days"),
        Field(name="total_page_views_7d", dtype=Int64),
        Field(name="total_purchases_30d", dtype=Int64),
        Field(name="avg_order_value", dtype=Float64, description="Null before the first order"),
        Field(name="preferred_category", dtype=String),
        Field(name="device_type", dtype=String, description="Mostly used: mobile, desktop, tablet"),
        Field(name="last_activity", dtype=Int64, description="UTC milliseconds of the last event"),
        Field(name="last_activity_days_ago", dtype=Int64),
        Field(name="session_length", dtype=Int64, description="Milliseconds, of the latest visit"),
        Field(name="churn_risk_score", dtype=Float64, description="0 (stays) to 1 (leaves)"),
    ],
    source=user_behavior_push,
    tags={"team": "growth"},
    owner="growth@shop.example",
    description="How a user behaved lately",
)

product_features = FeatureView(
    name="product_features",
    entities=[product_id],
    ttl=timedelta(days=30),
    schema=[
        Field(name="category", dtype=String),
        Field(name="price", dtype=Float64, description="Euro"),
        Field(name="popularity_score", dtype=Float64, description="0 to 1, from the last 7 days"),
    ],
    source=product_push,
    tags={"team": "catalogue"},
    owner="catalogue@shop.example",
    description="What a product is and how it sells",
)

session_features = FeatureView(
    name="session_features",
    entities=[session],
    ttl=timedelta(days=7),
    schema=[
        Field(name="userId", dtype=String, description="Null before the login"),
        Field(name="start", dtype=Int64, description="UTC milliseconds"),
        Field(name="end", dtype=Int64, description="UTC milliseconds"),
        Field(name="duration", dtype=Int64, description="Milliseconds"),
        Field(name="pageViews", dtype=Int64),
        Field(name="clicks", dtype=Int64),
        Field(name="uniquePages", dtype=Int64),
        Field(name="hasConversion", dtype=Bool, description="Whether something was bought"),
    ],
    source=sessions_file,
    tags={"team": "growth"},
    owner="growth@shop.example",
    description="What happened in a visit",
)


@on_demand_feature_view(
    sources=[
        user_behavior_features[["avg_order_value", "preferred_category", "device_type"]],
        product_features[["category", "price"]],
        request_context,
    ],
    schema=[
        Field(name="price_vs_avg_order", dtype=Float64),
        Field(name="category_match", dtype=Float64),
        Field(name="device_optimization", dtype=Float64),
    ],
    mode="python",
    owner="ranking@shop.example",
    description="How well a product fits a user and the device of this session",
)
def interaction_features(inputs: dict) -> dict:
    # Feast rebuilds the function from this text alone, so the matrix stands inside.
    matrix = {
        ("mobile", "electronics"): 0.8,
        ("mobile", "fashion"): 0.9,
        ("desktop", "electronics"): 0.9,
        ("desktop", "fashion"): 0.7,
        ("tablet", "books"): 0.9,
    }
    # Without a device of the session, the one mostly used.
    devices = [
        session if session else usual
        for session, usual in zip(inputs["session_device"], inputs["device_type"])
    ]
    return {
        "price_vs_avg_order": [
            price / average if price is not None and average else None
            for price, average in zip(inputs["price"], inputs["avg_order_value"])
        ],
        "category_match": [
            None if preferred is None or category is None else 1.0 if preferred == category else 0.0
            for preferred, category in zip(inputs["preferred_category"], inputs["category"])
        ],
        "device_optimization": [
            None if device is None or category is None else matrix.get((device, category), 0.5)
            for device, category in zip(devices, inputs["category"])
        ],
    }


recommendation_v1 = FeatureService(
    name="recommendation_v1",
    features=[
        user_behavior_features[["total_purchases_30d", "churn_risk_score"]],
        product_features,
        interaction_features,
    ],
    tags={"model": "ranker"},
    owner="ranking@shop.example",
    description="Inputs of the ranking model, per user and candidate product",
)

user_profile = FeatureService(
    name="user_profile",
    features=[user_behavior_features],
    tags={"model": "segments"},
    owner="growth@shop.example",
    description="Everything known about a user: segments, churn, experiments",
)
