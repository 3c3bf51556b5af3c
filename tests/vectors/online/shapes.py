"""Records how `feast serve` refuses bodies of another shape.

usage: python -P shapes.py OUT_DIR, in a repository (-P: `http.py` beside it is not the library)
"""
import json
import sys
import threading
import time

import requests
import uvicorn
from feast import FeatureStore
from feast.feature_server import get_app

READ, PUSH, WRITE = "/get-online-features", "/push", "/write-to-online-store"
STORE = "/v1/vector_stores/none/search"
E = {"user_id": [1]}
BODIES = [
    (READ, {}),
    (READ, {"entities": None}),
    (READ, {"entities": [1]}),
    (READ, {"entities": {"user_id": 1, "other": "x", "third": [1]}}),
    (READ, {"entities": {"user_id": None}}),
    (READ, {"entities": E, "features": None}),
    (READ, {"entities": E, "features": [1, "a:b", None]}),
    (READ, {"entities": E, "features": {"a": 1}}),
    (READ, {"entities": E, "feature_service": 1}),
    (READ, {"entities": E, "full_feature_names": 2}),
    (READ, {"entities": E, "full_feature_names": 0.5}),
    (READ, {"entities": E, "full_feature_names": None}),
    (READ, {"entities": E, "full_feature_names": "maybe"}),
    (READ, {"entities": E, "full_feature_names": []}),
    (READ, {"features": "a:b", "full_feature_names": "maybe", "feature_service": []}),
    (READ, []),
    (READ, None),
    (READ, 1),
    (READ, "text"),
    (PUSH, {}),
    (PUSH, {"push_source_name": 1, "df": [], "to": 3, "allow_registry_cache": "maybe", "transform_on_write": None}),
    (PUSH, {"push_source_name": None, "df": None, "to": None}),
    (WRITE, {}),
    (WRITE, {"feature_view_name": ["a"], "df": "x"}),
    ("/materialize", {"start_ts": 1, "end_ts": [], "feature_views": "v", "disable_event_timestamp": 7, "version": 1}),
    ("/materialize?async=maybe&force=2", {"feature_views": [1, 2]}),
    ("/materialize?async=&force=yes", {"start_ts": 1}),
    ("/materialize-incremental", {}),
    ("/materialize-incremental?async=maybe", {"end_ts": None, "version": 2}),
    ("/chat", {}),
    ("/chat", {"messages": "hi"}),
    ("/chat", {"messages": [{}, {"role": 1, "content": "x"}, "hi"]}),
    ("/search", {"features": 1, "top_k": "many", "query": "x", "query_string": 1, "api_version": 1.5}),
    ("/search", {"query": [1, "a"], "top_k": 1.5, "distance_metric": 1}),
    (STORE, {}),
]
# No JSON, but for the last one, which begins with a byte order mark.
TEXTS = [
    "", " ", "{", "{not json", '{"a"', '{"a":', '{"a": }', '{"a" 1}', '{"a": 1', '{"a": 1,', '{"a": 1,}', '{"a": 1 "b": 2}',
    "[1, 2", "[1 2]", "[1,]", "[", '{"a": "b', '{"a": "b\n"}', '{"a": "\\x"}', '{"a": tru}', "{} x", "[] []", "'a'", "{'a': 1}", "nul",
    '{"a": 01}', '{"a": 1.}', '{\n  "a": 1,\n  b\n}', '{"ä": x}', '{"a": "\\u12"}', '{"a": -}', '{"a": .5}', "\ufeff{}",
]

server = uvicorn.Server(uvicorn.Config(get_app(FeatureStore(".")), port=0, log_level="critical"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.1)
port = server.servers[0].sockets[0].getsockname()[1]
recorded = []


for path, text in [(path, json.dumps(body)) for path, body in BODIES] + [(READ, text) for text in TEXTS]:
    answer = requests.post(f"http://127.0.0.1:{port}{path}", data=text.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    recorded.append({"path": path, "body": text, "answer": answer.json()})
with open(sys.argv[1] + "/shapes.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in recorded) + "\n]\n")
