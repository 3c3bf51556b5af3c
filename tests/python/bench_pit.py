"""A point-in-time join by a peer, for `cargo xtask bench pit`.

Usage: bench_pit.py PEER FOLDER VIEWS FEATURES TTL_DAYS OUTPUT
       bench_pit.py compare FOLDER VIEWS FEATURES A B
       bench_pit.py lost FOLDER VIEWS FEATURES A B

PEER is duckdb, polars or feast (the store that FOLDER/repo/feature_store.yaml names). Every row of FOLDER/entities.parquet
gets the features of FOLDER/view_N.parquet as of its time; the result is written as Parquet.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path


def names(view, features):
    return [f"v{view}_f{feature}" for feature in range(features)]


def run_duckdb(folder, views, features, ttl_days, output):
    import duckdb

    columns, joins = ["e.*"], []
    for view in range(views):
        fresh = f"v{view}.event_timestamp >= e.event_timestamp - INTERVAL {ttl_days} DAYS"
        columns += [f"CASE WHEN {fresh} THEN v{view}.{name} END AS {name}" for name in names(view, features)]
        joins.append(
            f"ASOF LEFT JOIN '{folder}/view_{view}.parquet' v{view} "
            f"ON e.key = v{view}.key AND e.event_timestamp >= v{view}.event_timestamp"
        )
    query = f"SELECT {', '.join(columns)} FROM '{folder}/entities.parquet' e {' '.join(joins)}"
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"COPY ({query}) TO '{output}' (FORMAT parquet, COMPRESSION snappy)")


def run_polars(folder, views, features, ttl_days, output):
    import polars as pl

    rows = pl.read_parquet(folder / "entities.parquet").sort("event_timestamp")
    for view in range(views):
        columns = ["key", "event_timestamp", *names(view, features)]
        table = pl.read_parquet(folder / f"view_{view}.parquet", columns=columns).sort("event_timestamp")
        rows = rows.join_asof(
            table,
            on="event_timestamp",
            by="key",
            strategy="backward",
            tolerance=timedelta(days=ttl_days),
            check_sortedness=False,
        )
        del table
    rows.write_parquet(output, compression="snappy")


def run_feast(folder, views, features, ttl_days, output):
    import pandas as pd
    import pyarrow.parquet as pq
    from feast import FeatureStore

    store = FeatureStore(repo_path=str(folder / "repo"))
    entities = pd.read_parquet(folder / "entities.parquet")
    references = [f"view_{view}:{name}" for view in range(views) for name in names(view, features)]
    job = store.get_historical_features(entity_df=entities, features=references)
    pq.write_table(job.to_arrow(), output)


def compare(views, features, a, b):
    """Rows, values per feature and their sums, which must be those of the other file."""
    import duckdb

    columns = [name for view in range(views) for name in names(view, features)]
    facts = ", ".join(f"count({name}), sum({name})" for name in columns)
    found = [duckdb.sql(f"SELECT count(*), {facts} FROM '{path}'").fetchall()[0] for path in (a, b)]
    for name, left, right in zip(["rows", *[x for c in columns for x in (c, c)]], *found):
        if abs((left or 0) - (right or 0)) > 1e-9 * abs(left or 1):
            sys.exit(f"{name}: {left} in {a} but {right} in {b}")
    print(json.dumps({"rows": found[0][0], "answers": found[0][1]}))


def lost(views, features, a, b):
    """How many rows of the first file the second lacks; those that it has must be rows of the first."""
    import duckdb

    columns = [name for view in range(views) for name in names(view, features)]
    row = ", ".join(["key", "label", "epoch_us(event_timestamp::TIMESTAMPTZ)", *columns])
    count = "SELECT count(*) FROM"
    rows, left = (duckdb.sql(f"{count} '{path}'").fetchall()[0][0] for path in (a, b))
    strange = f"{count} (SELECT {row} FROM '{b}' EXCEPT ALL SELECT {row} FROM '{a}')"
    strange = duckdb.sql(strange).fetchall()[0][0]
    if strange:
        sys.exit(f"{strange} rows of {b} are no rows of {a}")
    print(json.dumps({"rows": left, "rows lost": rows - left}))


def main(peer, folder, views, features, *rest):
    if peer in ("compare", "lost"):
        {"compare": compare, "lost": lost}[peer](int(views), int(features), *rest)
    else:
        ttl_days, output = rest
        run = {"duckdb": run_duckdb, "polars": run_polars, "feast": run_feast}[peer]
        run(Path(folder), int(views), int(features), int(ttl_days), output)


if __name__ == "__main__":
    main(*sys.argv[1:])
