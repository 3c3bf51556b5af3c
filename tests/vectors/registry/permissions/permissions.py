"""What permissions say about the objects of ../repo."""
from entities import user
from feast import Entity, FeatureService, FeatureView, Field, LabelView, OnDemandFeatureView, StreamFeatureView
from feast.batch_feature_view import BatchFeatureView
from feast.data_source import DataSource
from feast.permissions.action import READ, AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import CombinedGroupNamespacePolicy, GroupBasedPolicy, RoleBasedPolicy
from feast.project import Project
from feast.types import Bool, Int64
from sources import user_events_file, user_events_push

readers = Permission(
    name="readers",
    types=[FeatureView, FeatureService],
    name_patterns=["user_.*", "ranking.*"],
    actions=[AuthzedAction.DESCRIBE, *READ],
    policy=RoleBasedPolicy(roles=["reader", "admin"]),
)
growth = Permission(
    name="growth",
    types=[FeatureView, Entity],
    required_tags={"team": "growth"},
    actions=[AuthzedAction.UPDATE],
    policy=RoleBasedPolicy(roles=["growth"]),
    tags={"kind": "team"},
)
streams = Permission(
    name="streams",
    types=[StreamFeatureView, OnDemandFeatureView, BatchFeatureView, DataSource],
    policy=GroupBasedPolicy(groups=["g"]),
    actions=[AuthzedAction.WRITE_ONLINE],
)
odd = Permission(
    name="odd",
    types=[Project, LabelView],
    name_patterns="nothing",
    policy=CombinedGroupNamespacePolicy(groups=["g"], namespaces=["n"]),
)

labels = LabelView(
    name="user_labels", entities=[user], source=user_events_push, schema=[Field(name="churned", dtype=Bool)]
)


def doubled(df):
    return df


doubled_view = BatchFeatureView(
    name="doubled",
    entities=[user],
    source=user_events_file,
    schema=[Field(name="views_1h", dtype=Int64)],
    udf=doubled,
    udf_string="def doubled(df):\n    return df\n",
)
auditors = Permission(
    name="auditors",
    types=[Permission],
    required_tags={"team": "growth"},
    actions=[AuthzedAction.DESCRIBE],
    policy=RoleBasedPolicy(roles=["auditor"]),
)
