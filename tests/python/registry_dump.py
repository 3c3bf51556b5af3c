"""Reads a repository's registry with the Feast SDK and prints everything in it as JSON.

Usage: registry_dump.py REPOSITORY

Prints {"raw": the whole file, "listed": {kind: {name: object}}}: the file as it is, and every
object as the SDK lists it, after a get by name gave the same object.
"""

import json
import sys
from pathlib import Path

from feast import FeatureStore
from feast.protos.feast.core.FeatureView_pb2 import FeatureView
from feast.protos.feast.core.LabelView_pb2 import LabelView
from feast.protos.feast.core.OnDemandFeatureView_pb2 import OnDemandFeatureView
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.protos.feast.core.StreamFeatureView_pb2 import StreamFeatureView
from google.protobuf.json_format import MessageToDict

SNAPSHOTS = {
    "feature_view": FeatureView,
    "stream_feature_view": StreamFeatureView,
    "on_demand_feature_view": OnDemandFeatureView,
    "label_view": LabelView,
}
KINDS = {
    "entities": ("list_entities", "get_entity"),
    "data_sources": ("list_data_sources", "get_data_source"),
    "feature_views": ("list_feature_views", "get_feature_view"),
    "stream_feature_views": ("list_stream_feature_views", "get_stream_feature_view"),
    "on_demand_feature_views": ("list_on_demand_feature_views", "get_on_demand_feature_view"),
    "label_views": ("list_label_views", "get_label_view"),
    "feature_services": ("list_feature_services", "get_feature_service"),
    "permissions": ("list_permissions", "get_permission"),
    "saved_datasets": ("list_saved_datasets", "get_saved_dataset"),
    "validation_references": ("list_validation_references", "get_validation_reference"),
}


def as_dict(message):
    return MessageToDict(message, preserving_proto_field_name=True)


def raw(path):
    registry = Registry.FromString(path.read_bytes())
    document = as_dict(registry)
    records = document.get("feature_view_version_history", {}).get("records", [])
    for record, source in zip(records, registry.feature_view_version_history.records):
        snapshot = SNAPSHOTS[source.feature_view_type].FromString(source.feature_view_proto)
        record["_decoded"] = as_dict(snapshot)
    return document


def listed(store):
    result = {}
    for kind, (list_name, get_name) in KINDS.items():
        objects = getattr(store.registry, list_name)(store.project)
        result[kind] = {}
        for item in objects:
            again = getattr(store.registry, get_name)(item.name, store.project)
            if again != item:
                raise SystemExit(f"{kind}: {item.name} differs when it is read by name")
            result[kind][item.name] = as_dict(item.to_proto())
    projects = store.registry.list_projects()
    result["projects"] = {project.name: as_dict(project.to_proto()) for project in projects}
    return result


def main(repository):
    store = FeatureStore(repo_path=repository)
    path = Path(store.config.registry.path)
    file = path if path.is_absolute() else Path(repository) / path
    print(json.dumps({"raw": raw(file), "listed": listed(store)}))


if __name__ == "__main__":
    main(sys.argv[1])
