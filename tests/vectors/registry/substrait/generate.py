"""Applies a view of mode="substrait" with real Feast, and records how Feast joins and serves it.

Run in this folder with the Python that `tests/vectors/transform/plans.py` asks for: `python generate.py`.
"""
import json
import pathlib
import shutil
from datetime import datetime, timedelta, timezone

import ibis
import pandas as pd
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Bool, Float64, Int64, String

HERE = pathlib.Path(__file__).parent
NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
rows = FileSource(name="rows", path="rows.parquet", timestamp_field="event_timestamp")
trips = FeatureView(
    name="trips",
    entities=[driver],
    ttl=timedelta(0),
    schema=[Field(name="rate", dtype=Float64), Field(name="trips", dtype=Int64), Field(name="city", dtype=String)],
    source=rows,
)
asked = RequestSource(name="asked", schema=[Field(name="boost", dtype=Float64), Field(name="least", dtype=Int64)])


@on_demand_feature_view(
    sources=[trips, asked],
    schema=[
        Field(name="score", dtype=Float64),
        Field(name="busy", dtype=Bool),
        Field(name="band", dtype=String),
        Field(name="spare", dtype=Int64),
    ],
    mode="substrait",
)
def scores(table):
    table = table.mutate(score=table.rate * table.boost + table.trips, busy=table.trips > table.least)
    band = ibis.case().when(table.score > 10, "high").when(table.city.startswith("B"), "capital").else_("low").end()
    return table.mutate(band=band, spare=table.trips - table.least)


def main():
    for file in ("registry.db", "online.db"):
        (HERE / file).unlink(missing_ok=True)
    pd.DataFrame(
        {
            "driver_id": [1, 2, 3, 4],
            "rate": [0.5, 2.25, None, 1.5],
            "trips": [3, 0, 7, -2],
            "city": ["Berlin", "Aachen", "Bonn", None],
            "event_timestamp": [NOON - timedelta(hours=hour) for hour in range(4)],
        }
    ).to_parquet(HERE / "rows.parquet")
    store = FeatureStore(repo_path=str(HERE))
    store.apply([driver, rows, trips, asked, scores])
    features = ["trips:rate", "scores:score", "scores:busy", "scores:band", "scores:spare"]
    request = {"boost": [2.0, 4.5, 1.0, None, 3.0], "least": [1, 0, 7, 2, 5]}
    entities = pd.DataFrame({"driver_id": [1, 2, 3, 4, 5], "event_timestamp": [NOON] * 5, **request})
    entities.to_parquet(HERE / "entity.parquet")
    joined = store.get_historical_features(entities, features).to_arrow()
    pq.write_table(joined.sort_by("driver_id"), HERE / "expected.parquet")
    store.materialize(NOON - timedelta(days=1), NOON + timedelta(hours=1))
    asked_for = [{"driver_id": key, "boost": boost, "least": least} for key, boost, least in zip([1, 2, 3, 4, 5], *request.values())]
    answers = []
    for row in asked_for:
        try:
            answer = store.get_online_features(features=features, entity_rows=[row]).to_dict()
            answer = {name: values[0] for name, values in answer.items()}
        except Exception:  # noqa: BLE001 - a column of nothing but nulls has no type, which Acero refuses
            answer = None
        answers.append({"entity": row, "answer": answer})
    (HERE / "online.json").write_text(json.dumps(answers, indent=1) + "\n")
    (HERE / "online.db").unlink()
    shutil.rmtree(HERE / "__pycache__", ignore_errors=True)


if __name__ == "__main__":
    main()
