"""Turns the CDNOW purchase log of the Lifetimes package into Parquet files.

Usage: cdnow.py FOLDER

purchases.parquet  one row per purchase: the entity rows to join to
rfm.parquet        recency, frequency and monetary value of each customer after each day with a
                   purchase; known from the next midnight on, so that no purchase sees itself
"""

import json
import sys
from importlib import metadata
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TIME = pa.timestamp("us", tz="UTC")


def purchases():
    # The package itself is not imported: only its data file is used.
    files = metadata.distribution("Lifetimes").files
    log = next(file for file in files if file.name == "CDNOW_master.txt").locate()
    rows = pd.read_csv(log, sep=r"\s+", skiprows=1, names=["customer_id", "day", "cds", "amount"])
    rows["event_timestamp"] = pd.to_datetime(rows["day"], format="%Y%m%d", utc=True)
    return rows


def rfm(rows):
    days = rows.groupby(["customer_id", "event_timestamp"], as_index=False)["amount"].sum()
    days = days.sort_values(["customer_id", "event_timestamp"])
    customers = days.groupby("customer_id")
    known_from = days["event_timestamp"] + pd.Timedelta(days=1)
    return pa.table(
        {
            "customer_id": pa.array(days["customer_id"], pa.int64()),
            "event_timestamp": pa.array(known_from, TIME),
            "frequency": pa.array(customers.cumcount() + 1, pa.int64()),
            # Null after the first purchase: there is no gap to measure.
            "recency_days": pa.array(customers["event_timestamp"].diff().dt.days, pa.float64(), from_pandas=True),
            "monetary": pa.array(customers["amount"].cumsum() / (customers.cumcount() + 1), pa.float64()),
        }
    )


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = purchases()
    entities = pa.table(
        {
            "purchase": pa.array(range(len(rows)), pa.int64()),
            "customer_id": pa.array(rows["customer_id"], pa.int64()),
            "event_timestamp": pa.array(rows["event_timestamp"], TIME),
            "amount": pa.array(rows["amount"], pa.float64()),
        }
    )
    features = rfm(rows)
    pq.write_table(entities, folder / "purchases.parquet")
    pq.write_table(features, folder / "rfm.parquet")
    print(json.dumps({"purchases": len(rows), "features": features.num_rows}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
