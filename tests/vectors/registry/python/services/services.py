"""Services, projections, permissions and the project."""
from feast import Entity, FeatureService, FeatureView, Field, FileSource, LabelView, Project, RequestSource, ValueType
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.bigquery_source import BigQueryLoggingDestination
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.on_demand_feature_view import on_demand_feature_view
from feast.permissions.action import READ, AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import (
    AllowAll,
    CombinedGroupNamespacePolicy,
    GroupBasedPolicy,
    NamespaceBasedPolicy,
    RoleBasedPolicy,
)
from feast.types import Float64, Int64

project = Project(name="shop", description="d", tags={"a": "b"}, owner="o")
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
place = Entity(name="place", join_keys=["place_id"], value_type=ValueType.INT64)
source = FileSource(
    name="source", path="s.parquet", timestamp_field="ts", created_timestamp_column="made"
)
view = FeatureView(
    name="view",
    entities=[user],
    schema=[Field(name=name, dtype=Int64) for name in ("a", "b", "c")],
    source=source,
)
open_view = FeatureView(name="open_view", entities=[place], source=source)
pinned = FeatureView(name="pinned", entities=[user], schema=[Field(name="p", dtype=Int64)], source=source, version="V7")
labels = LabelView(name="labels", entities=[user], schema=[Field(name="l", dtype=Int64)], source=source)


@on_demand_feature_view(
    sources=[RequestSource(name="r", schema=[Field(name="x", dtype=Float64)])],
    schema=[Field(name="y", dtype=Float64)],
    mode="python",
)
def computed(inputs):
    return {"y": inputs["x"]}


everything = FeatureService(name="everything", features=[view, pinned, computed, labels])
chosen = FeatureService(
    name="chosen",
    features=[
        view[["c", "a"]],
        view.with_name("other").with_join_key_map({"user_id": "friend_id"}),
        view.with_name("third")[["b"]],
        computed[["y"]],
    ],
    tags={"t": "u"},
    description="d",
    owner="o",
    precompute_online=True,
)
logged = FeatureService(
    name="logged",
    features=[view],
    logging_config=LoggingConfig(
        destination=FileLoggingDestination(path="logs", partition_by=["day"]), sample_rate=0.25
    ),
)
logged_bigquery = FeatureService(
    name="logged_bigquery",
    features=[view],
    logging_config=LoggingConfig(destination=BigQueryLoggingDestination(table_ref="p.d.t")),
)

readers = Permission(
    name="readers",
    types=[FeatureView, FeatureService],
    name_patterns=[" view.* ", "x"],
    actions=[AuthzedAction.DESCRIBE, *READ],
    policy=RoleBasedPolicy(roles=["reader"]),
    required_tags={" team ": " a "},
    tags={"k": "v"},
)
admins = Permission(name="admins", policy=GroupBasedPolicy(groups=["admin"]))
one = Permission(name="one", types=Entity, name_patterns="u", actions=AuthzedAction.CREATE, policy=AllowAll)
spaces = Permission(name="spaces", policy=NamespaceBasedPolicy(namespaces=["n"]))
both = Permission(name="both", policy=CombinedGroupNamespacePolicy(groups=["g"], namespaces=["n"]))
