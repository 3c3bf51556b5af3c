"""Precomputed services over views of two sorts of entities, and over one view under two names."""

from feast import FeatureService
from features import clicks, orders, prices

mixed = FeatureService(name="mixed", features=[clicks[["clicks_7d"]], prices, orders], precompute_online=True)
friends = FeatureService(
    name="friends",
    features=[clicks.with_name("own"), clicks[["clicks_7d"]].with_name("friend").with_join_key_map({"user_id": "friend_id"})],
    precompute_online=True,
)
