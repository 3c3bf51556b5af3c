"""Records the OpenAPI document of `feast serve`, without titles and descriptions.

usage: python -P openapi.py OUT_DIR, in a repository (-P: `http.py` beside it is not the library)
"""
import json
import sys

from feast import FeatureStore
from feast.feature_server import get_app


def bare(item):
    if isinstance(item, list):
        return [bare(i) for i in item]
    if not isinstance(item, dict):
        return item
    texts = {k for k in ("title", "description", "summary", "operationId") if isinstance(item.get(k), str)}
    return {k: bare(v) for k, v in item.items() if k not in texts}


with open(sys.argv[1] + "/openapi.json", "w") as f:
    json.dump(bare(get_app(FeatureStore(".")).openapi()), f, indent=1, sort_keys=True)
    f.write("\n")
