"""Writes the Parquet files of tests/repositories/on_write: clicks and orders of the same users at different hours.

Usage: on_write_data.py FOLDER
"""

import json
import os
import sys

import pandas as pd

START = pd.Timestamp("2026-01-10T00:00:00Z")


def hours(numbers):
    return [START + pd.Timedelta(hours=number) for number in numbers]


def main(folder):
    os.makedirs(folder, exist_ok=True)
    clicks = {
        "user_id": [1, 1, 2, 3],
        "clicks_7d": [4, 10, 3, 8],
        "segment": ["old", "new", "new", "vip"],
        "event_timestamp": hours([0, 5, 2, 3]),
    }
    orders = {"user_id": [1, 2, 3], "spend": [25.0, 12.0, 4.0], "event_timestamp": hours([1, 2, 3])}
    pd.DataFrame(clicks).to_parquet(os.path.join(folder, "clicks.parquet"))
    pd.DataFrame(orders).to_parquet(os.path.join(folder, "orders.parquet"))
    print(json.dumps("written"))


if __name__ == "__main__":
    main(sys.argv[1])
