"""Dump of a small Redis that an installed Feast wrote (db 1 of the given server, flushed first).

usage: python redis.py OUT_DIR WORKDIR REDIS_PORT
"""
import json
import os
import sys
import threading
import time
import warnings
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

warnings.filterwarnings("ignore")
import redis
from google.protobuf import json_format

import feast
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.infra.online_stores.helpers import _mmh3
from feast.protos.feast.types import Value_pb2 as V
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.types import Int64, String

OUT, WORK, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.makedirs(WORK, exist_ok=True)
os.chdir(WORK)
r = redis.Redis(port=PORT, db=1)
r.flushdb()
mon_log, stop = [], False


def monitor():
    with redis.Redis(port=PORT, db=1).monitor() as m:
        for c in m.listen():
            if stop:
                return
            if str(c["db"]) == "1" and not c["command"].startswith(("CLIENT", "PING", "SELECT", "HELLO")):
                mon_log.append(c["command"])


def store(**online):
    kw = dict(type="redis", connection_string=f"127.0.0.1:{PORT},db=1")
    kw.update(online)
    return FeatureStore(config=RepoConfig(project="shop", provider="local", registry="reg.db", online_store=kw, entity_key_serialization_version=3))


user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
product = Entity(name="product", join_keys=["product_id"], value_type=ValueType.STRING)
src = FileSource(name="s", path="x.parquet", timestamp_field="ts")
names = [f.name for f in V.Value.DESCRIPTOR.fields]
all_types = FeatureView(name="all_types", entities=[user], ttl=timedelta(days=1), source=src, schema=[Field(name=n, dtype=String) for n in names + ["unset"]])
affinity = FeatureView(name="affinity", entities=[user, product], ttl=timedelta(0), source=src, schema=[Field(name="score", dtype=Int64), Field(name="note", dtype=String)])
glob = FeatureView(name="glob", entities=[], ttl=timedelta(0), source=src, schema=[Field(name="ctr", dtype=Int64)])


def one(field):
    v = V.Value()
    f = V.Value.DESCRIPTOR.fields_by_name[field]
    if field in ("map_val", "struct_val"):
        getattr(v, field).val["k"].int64_val = 1
    elif field in ("map_list_val", "struct_list_val"):
        getattr(v, field).val.add().val["k"].int64_val = 1
    elif field in ("list_val", "set_val"):
        getattr(v, field).val.add().int64_list_val.val.extend([1, 2])
    elif field == "scalar_map_val":
        e = v.scalar_map_val.val.add()
        e.key.int64_key = 1
        e.value.string_val = "x"
    elif field == "zoned_timestamp_val":
        v.zoned_timestamp_val.unix_timestamp = 1700000000
        v.zoned_timestamp_val.zone = "Europe/Paris"
    elif f.message_type is not None:
        inner = f.message_type.fields_by_name["val"]
        s = {inner.TYPE_STRING: ["a", "b"], inner.TYPE_BYTES: [b"a", b"\xff"], inner.TYPE_BOOL: [True, False]}.get(inner.type, [1, 2])
        getattr(v, field).val.extend(s)
    elif field == "null_val":
        v.null_val = 0
    else:
        setattr(v, field, {f.TYPE_STRING: "text", f.TYPE_BYTES: b"\x00\xff", f.TYPE_BOOL: True, f.TYPE_INT32: -5, f.TYPE_INT64: 1700000000,
                           f.TYPE_DOUBLE: 0.25, f.TYPE_FLOAT: 0.5}[f.type])
    return v


T0 = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
I = lambda n: V.Value(int64_val=n)
S = lambda s: V.Value(string_val=s)
U = lambda n: EntityKey(join_keys=["user_id"], entity_values=[I(n)])
C = lambda n, p: EntityKey(join_keys=["user_id", "product_id"], entity_values=[I(n), S(p)])


def dump():
    out = {}
    for k in sorted(r.keys(b"*")):
        out[k.hex()] = {f.hex(): v.hex() for f, v in sorted(r.hgetall(k).items())}
    return out


def pttl():
    return {k.hex(): (-1 if r.pttl(k) < 0 else round(r.pttl(k) / 1000)) for k in sorted(r.keys(b"*"))}


steps = []


def step(name, fn, keep_commands=True):
    mon_log.clear()
    err, ret = None, None
    try:
        ret = fn()
    except Exception as e:
        err = f"{type(e).__name__}: {e}"
    time.sleep(0.15)
    s = {"step": name}
    if keep_commands:
        s["redis_commands"] = list(mon_log)
    if err:
        s["error"] = err
    if ret is not None:
        s["returned"] = ret
    s["dump"] = dump()
    steps.append(s)


threading.Thread(target=monitor, daemon=True).start()
time.sleep(0.3)
fs = store()
fs.apply([user, product, all_types, affinity, glob])
os_ = fs._get_provider().online_store
cfg = fs.config
W = lambda fv, rows, c=None, o=None: (o or os_).online_write_batch(c or cfg, fv, rows, None)
R = lambda fv, keys, feats: [
    {"event_ts": None if ts is None else ts.isoformat(), "values": None if d is None else {k: json_format.MessageToDict(v, preserving_proto_field_name=True) for k, v in d.items()}}
    for ts, d in os_.online_read(cfg, fv, keys, list(feats))]

step("write every Value kind for user 1 (view all_types, second precision)",
     lambda: W(all_types, [(U(1), {**{n: one(n) for n in names}, "unset": V.Value()}, T0, None)]), keep_commands=False)
step("composite key, join keys given in non-sorted order, microsecond timestamp",
     lambda: W(affinity, [(C(1, "p-1"), {"score": I(7), "note": S("hi")}, T0 + timedelta(microseconds=123456), T0)]))
step("second view on the same entity key, one null feature; user 2 also",
     lambda: W(all_types, [(U(2), {"int64_val": I(1), "string_val": V.Value()}, T0, None)]))
step("stale write: older event time is ignored",
     lambda: W(affinity, [(C(1, "p-1"), {"score": I(8), "note": S("older")}, T0, None)]))
step("equal event time is ignored as well",
     lambda: W(affinity, [(C(1, "p-1"), {"score": I(9), "note": S("equal")}, T0 + timedelta(microseconds=123456), None)]))
step("newer event time wins; a feature left out keeps its old value",
     lambda: W(affinity, [(C(1, "p-1"), {"score": I(10)}, T0 + timedelta(seconds=1), None)]))
step("same key three times in one batch, event times +3s,+2s,+4s",
     lambda: W(affinity, [(C(2, "p-2"), {"score": I(3)}, T0 + timedelta(seconds=3), None), (C(2, "p-2"), {"score": I(2)}, T0 + timedelta(seconds=2), None),
                          (C(2, "p-2"), {"score": I(4)}, T0 + timedelta(seconds=4), None)]))
step("event time before 1970 and exactly the epoch",
     lambda: W(affinity, [(C(3, "p-3"), {"score": I(1)}, datetime(1969, 12, 31, 23, 59, 58, tzinfo=timezone.utc), None),
                          (C(4, "p-4"), {"score": I(1)}, datetime(1970, 1, 1, tzinfo=timezone.utc), None)]))
step("epoch row overwritten by an even older one (guard treats stored 0 as absent)",
     lambda: W(affinity, [(C(4, "p-4"), {"score": I(2)}, datetime(1960, 1, 1, tzinfo=timezone.utc), None)]))
step("naive datetime is taken as UTC", lambda: W(affinity, [(C(5, "p-5"), {"score": I(1)}, datetime(2024, 1, 2, 3, 4, 5), None)]))
step("entityless view", lambda: W(glob, [(EntityKey(join_keys=["__dummy_id"], entity_values=[S("")]), {"ctr": I(1)}, T0, None)]))
sk = store(skip_dedup=True)
step("skip_dedup=True: older event time overwrites",
     lambda: W(affinity, [(C(1, "p-1"), {"score": I(99)}, T0 - timedelta(days=1), None)], sk.config, sk._get_provider().online_store))
tt = store(key_ttl_seconds=3600)
step("key_ttl_seconds=3600", lambda: W(affinity, [(C(6, "p-6"), {"score": I(1)}, T0, None)], tt.config, tt._get_provider().online_store))
steps[-1]["ttl_seconds"] = pttl()
cv = store()
cv.config.registry.enable_online_feature_view_versioning = True
affinity.current_version_number = 2
step("feature view versioning on, current version 2", lambda: W(affinity, [(C(7, "p-7"), {"score": I(1)}, T0, None)], cv.config))
affinity.current_version_number = None
step("read: hit, hit, miss (note what a miss looks like)", lambda: R(affinity, [C(1, "p-1"), C(2, "p-2"), C(404, "x")], ["score", "note"]))
step("delete_table(affinity)", lambda: os_.delete_table(cfg, affinity))
step("teardown of glob only", lambda: os_.teardown(cfg, [glob], []))
# prefix hazard: a scan for join keys [user_id] in project shop
r.hset(bytes.fromhex("010000000200000007000000757365725f6964") + b"\x02\x00\x00\x00\x01\x00\x00\x00x" + b"workshop", mapping={b"_ts:other": b""})
step("teardown of all_types also removes a key of project 'workshop' (suffix match)", lambda: os_.teardown(cfg, [all_types], []))
stop = True

# redis glob characters inside the prefix
json.dump({
    "feast": feast.__version__,
    "note": "hex everywhere; redis_commands as printed by MONITOR (\\xNN escapes); db 1, project 'shop', entity key version 3",
    "hash_fields": {f"{v}:{f}": _mmh3(f"{v}:{f}").hex() for v, fl in (("all_types", names + ["unset"]), ("affinity", ["score", "note"]),
                                                                      ("affinity_v2", ["score", "note"]), ("glob", ["ctr"])) for f in fl},
    "timestamp_fields": {v: f"_ts:{v}".encode().hex() for v in ("all_types", "affinity", "affinity_v2", "glob")},
    "steps": steps,
}, open(f"{OUT}/redis.json", "w"), indent=0, ensure_ascii=False)
for s in steps:
    print(s["step"], "|", s.get("error"), "|", len(s["dump"]), "|", [c[:150] for c in s.get("redis_commands", [])][:6])
print(json.dumps(steps[-4].get("returned"))[:600])
