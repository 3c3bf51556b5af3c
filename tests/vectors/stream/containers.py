"""Events in Avro container files as fastavro writes them, and the same events as JSON lines.

pip install fastavro==1.13.1 cramjam backports.zstd; python containers.py

CODEC.avro     the events of events.jsonl, by a writer with the schema of the reader, in blocks of a few events
evolved.avro   the events of evolved.jsonl, by a writer with narrower numbers, another order, fields more and less, every
               field nullable that Spark would make so, and types that no job can use
"""

import json
import random
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import fastavro

HERE = Path(__file__).parent
SYNC = b"larder in a test"

ITEM = [
    {"name": "product", "type": "string"},
    {"name": "quantity", "type": "int"},
    {"name": "price", "type": ["double", "null"]},
]
READER = {
    "type": "record", "name": "Order", "namespace": "shop", "fields": [
        {"name": "id", "type": "string"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["view", "click"]}},
        {"name": "before", "type": ["null", "Kind"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount", "type": "double"},
        {"name": "visits", "type": "long", "default": 1},
        {"name": "paid", "type": "boolean", "default": True},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "properties", "type": {"type": "map", "values": "string"}, "default": {}},
        {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
        {"name": "context", "type": {"type": "record", "name": "Context", "fields": [
            {"name": "ip", "type": ["null", "string"], "default": None}]}},
        {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": ITEM}},
         "default": []},
    ],
}
EVOLVED = {
    "type": "record", "name": "topLevelRecord", "fields": [
        {"name": "amount", "type": ["float", "null"]},
        {"name": "visits", "type": "int"},
        {"name": "at", "type": "long"},
        {"name": "extra", "type": {"type": "array", "items": {"type": "map", "values": ["null", "bytes"]}}},
        {"name": "id", "type": ["string", "null"]},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["click", "view"]}},
        {"name": "several", "type": ["int", "string", {"type": "fixed", "name": "Four", "size": 4}]},
        {"name": "nothing", "type": "null"},
        {"name": "nothings", "type": {"type": "array", "items": "null"}},
        {"name": "node", "type": {"type": "record", "name": "Node", "fields": [
            {"name": "next", "type": ["null", "Node"]}, {"name": "four", "type": "Four"}]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "context", "type": {"type": "record", "name": "Context", "fields": [
            {"name": "ip", "type": ["null", "string"]}, {"name": "port", "type": "int"}]}},
        {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
            {"name": "price", "type": "float"},
            {"name": "quantity", "type": "int"},
            {"name": "product", "type": "string"}]}}},
    ],
}


def order(at, chance):
    items = [
        {"product": f"p{chance.randrange(6)}", "quantity": chance.randrange(4), "price": chance.randrange(400) / 4}
        for _ in range(chance.randrange(4))
    ]
    return {
        "id": f"o{at}", "kind": chance.choice(["view", "click"]), "before": chance.choice([None, "view", "click"]),
        "at": 1_767_225_600_000 + at * 7_000, "amount": chance.randrange(1_000) / 8, "visits": chance.randrange(2**40),
        "paid": chance.random() < 0.5, "note": chance.choice([None, "", "späte Notiz"]),
        "properties": {key: f"{key}{chance.randrange(3)}" for key in chance.sample("abc", chance.randrange(4))},
        "tags": chance.sample(["new", "gift", "sale"], chance.randrange(4)),
        "context": {"ip": chance.choice([None, "10.0.0.1", "10.0.0.2"])}, "items": items,
    }


def evolved(at, event, chance):
    """The event as its writer has it; what the reader makes of it is left in the event."""
    event["visits"] %= 2**31
    for absent in ["before", "paid", "note", "properties", "tags"]:
        del event[absent]
    node = None
    for _ in range(chance.randrange(4)):
        node = {"next": node, "four": b"four"}
    return event | {
        "extra": [{"a": None, "b": bytes([chance.randrange(256)])}] * chance.randrange(3),
        "several": chance.choice([1, "one", b"1111"]),
        "nothing": None, "nothings": [None] * chance.randrange(3), "node": {"next": node, "four": b"four"},
        "price": Decimal(chance.randrange(99_999)) / 100, "uuid": UUID(int=at), "day": at,
        "context": event["context"] | {"port": at},
    }


def lines(name, events):
    (HERE / name).write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events))


def container(name, schema, events, codec):
    with open(HERE / name, "wb") as file:
        fastavro.writer(file, schema, events, codec=codec, sync_interval=400, sync_marker=SYNC)


def main():
    chance = random.Random(7)
    events = [order(at, chance) for at in range(40)]
    lines("events.jsonl", events)
    for codec in ["null", "deflate", "snappy", "zstandard", "bzip2"]:
        container(f"{codec}.avro", READER, events, codec)
    theirs = [evolved(at, event, chance) for at, event in enumerate(order(at, chance) for at in range(40))]
    known = {field["name"] for field in READER["fields"]}
    ours = [{name: value for name, value in event.items() if name in known} for event in theirs]
    lines("evolved.jsonl", [event | {"context": {"ip": event["context"]["ip"]}} for event in ours])
    container("evolved.avro", EVOLVED, theirs, "deflate")
    (HERE / "reader.avsc").write_text(json.dumps(READER, indent=1) + "\n")


if __name__ == "__main__":
    main()
