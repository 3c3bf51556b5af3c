"""Reads online features through the Feast SDK and prints columns as JSON.

Usage: online_read.py REPOSITORY REQUESTS

REQUESTS is a JSON list of {"features": [..] | "feature_service": name, "entities": {key: [..]},
"full_feature_names": bool}; the answer is a list of {column: values}, or {"error": class name}.
"""

import base64
import datetime
import decimal
import json
import math
import sys
import uuid

from feast import FeatureStore


def plain(value):
    """The value as `feast serve` writes it."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return int(value.timestamp())
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, (list, set)):
        return [plain(item) for item in value]
    return value


def answer(store, request):
    features = request.get("features") or store.get_feature_service(request["feature_service"])
    keys = request["entities"]
    count = len(next(iter(keys.values())))
    rows = [{key: values[i] for key, values in keys.items()} for i in range(count)]
    try:
        response = store.get_online_features(
            features=features,
            entity_rows=rows,
            full_feature_names=request.get("full_feature_names", False),
        )
    except Exception as error:  # the class is the answer that is compared
        return {"error": type(error).__name__}
    return {name: [plain(v) for v in values] for name, values in response.to_dict().items()}


def main(repository, requests):
    store = FeatureStore(repo_path=repository)
    print(json.dumps([answer(store, request) for request in json.loads(requests)]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
