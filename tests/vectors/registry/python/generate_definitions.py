"""Writes <case>.json: what real Feast collects from the repository in each folder here, before inference.

Run with the Python of an environment with feast 0.67: python generate_definitions.py
Bodies of functions (pickled code), the deprecated function of stream views and construction times are left out.
"""
import importlib.abc
import importlib.machinery
import json
import os
import pathlib
import subprocess
import sys
import unittest.mock
import warnings

HERE = pathlib.Path(__file__).resolve().parent
# Drivers that source classes import but that saving a definition does not need.
ABSENT = {"psycopg", "psycopg_pool", "ray", "trino", "clickhouse_connect", "couchbase_columnar", "sqlalchemy",
          "regex"}


class Stand(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets those imports succeed."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = unittest.mock.MagicMock()
        module.__spec__ = spec
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def registry_of(case):
    warnings.simplefilter("ignore")
    sys.meta_path.append(Stand())
    from google.protobuf.json_format import MessageToDict

    from feast.protos.feast.core.Registry_pb2 import Registry
    from feast.repo_operations import parse_repo

    folder = HERE / case
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    contents = parse_repo(folder)
    registry = Registry()
    for objects, target in [
        (contents.projects, registry.projects),
        (contents.data_sources, registry.data_sources),
        (contents.entities, registry.entities),
        (contents.feature_views, registry.feature_views),
        (contents.stream_feature_views, registry.stream_feature_views),
        (contents.on_demand_feature_views, registry.on_demand_feature_views),
        (contents.label_views, registry.label_views),
        (contents.feature_services, registry.feature_services),
        (contents.permissions, registry.permissions),
    ]:
        for thing in objects:
            proto = thing.to_proto()
            proto.ClearField("meta")
            target.append(proto)
    for view in registry.stream_feature_views:
        view.spec.ClearField("user_defined_function")
    return strip(MessageToDict(registry, preserving_proto_field_name=True))


def strip(node):
    if isinstance(node, dict):
        return {key: strip(value) for key, value in sorted(node.items()) if key not in ("meta", "body")}
    return [strip(value) for value in node] if isinstance(node, list) else node


if len(sys.argv) > 1:
    print(json.dumps(registry_of(sys.argv[1]), indent=1, ensure_ascii=False))
else:
    for case in sorted(path.name for path in HERE.iterdir() if path.is_dir()):
        result = subprocess.run([sys.executable, __file__, case], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"{case}: {result.stderr}")
        (HERE / f"{case}.json").write_text(result.stdout)
        print(case, len(result.stdout))
