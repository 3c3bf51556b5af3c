"""Writes the input files of feature_repo/, seeded, with event times that end now.

Usage: shop_data.py FOLDER
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

USERS = 50
PRODUCTS = 40
DAYS = 14
CATEGORIES = ["electronics", "fashion", "books", "home"]
DEVICES = ["mobile", "desktop", "tablet"]


def times(rows_per_day, end):
    stamps = [end - timedelta(days=DAYS - 1 - day) for day in range(DAYS)]
    column = pa.array([s for s in stamps for _ in range(rows_per_day)], pa.timestamp("us", tz="UTC"))
    return {"event_timestamp": column, "created": column}


def users(rng, end):
    rows = USERS * DAYS
    orders = rng.uniform(5, 300, rows).round(2)
    average = [None if i % 17 == 0 else 0.0 if i % 19 == 0 else float(v) for i, v in enumerate(orders)]
    return pa.table(
        {
            "user_id": pa.array([f"u{i}" for i in range(USERS)] * DAYS),
            **times(USERS, end),
            "avg_session_duration": pa.array(rng.uniform(10, 900, rows).round(3)),
            "total_page_views_7d": pa.array(rng.integers(0, 500, rows)),
            "total_purchases_30d": pa.array(rng.integers(0, 20, rows)),
            "avg_order_value": pa.array(average, pa.float64()),
            "preferred_category": pa.array([CATEGORIES[i] for i in rng.integers(0, 4, rows)]),
            "device_type": pa.array([DEVICES[i] for i in rng.integers(0, 3, rows)]),
            "last_activity": pa.array(rng.integers(1, 2**40, rows)),
            "last_activity_days_ago": pa.array(rng.integers(0, 30, rows)),
            "session_length": pa.array(rng.integers(0, 3_600_000, rows)),
            "churn_risk_score": pa.array(rng.random(rows).round(4)),
        }
    )


def products(rng, end):
    rows = PRODUCTS * DAYS
    return pa.table(
        {
            "product_id": pa.array([f"p{i}" for i in range(PRODUCTS)] * DAYS),
            **times(PRODUCTS, end),
            "category": pa.array([CATEGORIES[i % 4] for i in range(PRODUCTS)] * DAYS),
            "price": pa.array(rng.uniform(1, 500, rows).round(2)),
            "popularity_score": pa.array(rng.random(rows).round(4)),
        }
    )


def sessions(rng, end):
    rows = USERS * DAYS
    start = rng.integers(1, 2**40, rows)
    duration = rng.integers(0, 3_600_000, rows)
    return pa.table(
        {
            "sessionId": pa.array([f"s{i}" for i in range(USERS)] * DAYS),
            **times(USERS, end),
            "userId": pa.array([None if i % 7 == 0 else f"u{i}" for i in range(USERS)] * DAYS),
            "start": pa.array(start),
            "end": pa.array(start + duration),
            "duration": pa.array(duration),
            "pageViews": pa.array(rng.integers(0, 50, rows)),
            "clicks": pa.array(rng.integers(0, 50, rows)),
            "uniquePages": pa.array(rng.integers(0, 20, rows)),
            "hasConversion": pa.array(rng.integers(0, 2, rows) == 1),
        }
    )


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    # Whole seconds, because Feast's SQLite store keeps no fractions; a minute ago, so that no
    # clock in the test sees a row from the future.
    end = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=1)
    pq.write_table(users(rng, end), folder / "user_behavior.parquet")
    pq.write_table(sessions(np.random.default_rng(11), end), folder / "sessions.parquet")
    pq.write_table(products(rng, end), folder / "products.parquet")
    print(json.dumps({"end": end.isoformat()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
