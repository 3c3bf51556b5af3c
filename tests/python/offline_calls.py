"""Makes calls of the Feast SDK that end in the offline store, and prints their answers as JSON.

Usage: offline_calls.py REPOSITORY CALLS

CALLS is a JSON list of objects with "call" and its arguments, done in order; the answer is a list of {column: values} with
sorted rows, other values, or {"error": class name, "message": text}. Times are ISO 8601.
"""

import json
import math
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timezone

warnings.filterwarnings("ignore")

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from feast import FeatureStore
from feast.data_source import PushMode
from feast.feature_logging import (
    LOG_DATE_FIELD,
    LOG_TIMESTAMP_FIELD,
    REQUEST_ID_FIELD,
    FeatureServiceLoggingSource,
)
from feast.infra.offline_stores.dask import _read_datasource
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage


def plain(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        # pandas has no integers beside a null.
        return None if math.isnan(value) else round(float(value), 9)
    if isinstance(value, pd.Timestamp):
        return None if value is pd.NaT else value.tz_convert("UTC").isoformat()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


def answer(table):
    """Columns by name, rows sorted; integers and floats alike."""
    # Feast's own file store leaves an index of pandas behind.
    names = sorted(name for name in table.column_names if not name.startswith("__index_level_"))
    rows = [[plain(row[name]) for name in names] for row in table.to_pylist()]
    rows.sort(key=lambda row: json.dumps([str(value) for value in row]))
    return {"columns": names, "rows": rows}


def frame(columns):
    rows = pd.DataFrame(columns)
    for name in rows.columns:
        if name in ("event_timestamp", "created"):
            rows[name] = pd.to_datetime(rows[name], utc=True)
    return rows


def moment(text):
    return datetime.fromisoformat(text)


def job(store, call):
    features = call.get("features") or store.get_feature_service(call["feature_service"])
    wanted = {"features": features, "full_feature_names": call.get("full_feature_names", False)}
    if "entities" in call:
        return store.get_historical_features(entity_df=frame(call["entities"]), **wanted)
    return store.get_historical_features(
        start_date=moment(call["start"]), end_date=moment(call["end"]), **wanted
    )


def pull(store, call):
    view = store.get_feature_view(call["view"])
    source = view.batch_source
    offline = store._get_provider().offline_store
    read = getattr(offline, f"pull_{call['rows']}_from_table_or_query")
    table = read(
        config=store.config,
        data_source=source,
        join_key_columns=[column.name for column in view.entity_columns],
        feature_name_columns=[feature.name for feature in view.features],
        timestamp_field=source.timestamp_field,
        created_timestamp_column=source.created_timestamp_column or None,
        start_date=moment(call["start"]),
        end_date=moment(call["end"]),
    ).to_arrow()
    return answer(table)


def save(store, call):
    storage = SavedDatasetFileStorage(call["path"])
    overwrite = call.get("allow_overwrite", False)
    store.create_saved_dataset(job(store, call), call["name"], storage, allow_overwrite=overwrite)
    return answer(pa.Table.from_pandas(store.get_saved_dataset(call["name"]).to_df()))


def write_logs(store, call):
    service = store.get_feature_service(call["feature_service"])
    source = FeatureServiceLoggingSource(service, store.project)
    schema = source.get_schema(store.registry)
    rows = pa.table({f.name: pa.nulls(call["rows"], f.type) for f in schema})
    offline = store._get_provider().offline_store
    offline.write_logged_features(
        store.config, rows, source, service.logging_config, store.registry
    )
    return call["rows"]


def partitioned_logs(store, call):
    """Writes logs of some days that start with a number, and reads back what its readers find of them and of all logs.

    Feast's own reader of files is that of its Dask store; pyarrow passes over folders whose names start with an underscore
    unless it is told not to.
    """
    service = store.get_feature_service(call["feature_service"])
    source = FeatureServiceLoggingSource(service, store.project)
    schema = source.get_schema(store.registry)
    numbers = range(call["first"], call["first"] + call["rows"])
    known = {
        "driver_id": list(numbers),
        LOG_DATE_FIELD: [date(2026, 1, 1 + number % 3) for number in numbers],
        LOG_TIMESTAMP_FIELD: [datetime(2026, 1, 1, tzinfo=timezone.utc)] * len(numbers),
        REQUEST_ID_FIELD: [f"{number:06}" for number in numbers],
    }
    columns = [
        pa.array(known[f.name], f.type) if f.name in known else pa.nulls(len(numbers), f.type)
        for f in schema
    ]
    rows = pa.table(columns, schema=schema)
    offline = store._get_provider().offline_store
    offline.write_logged_features(
        store.config, rows, source, service.logging_config, store.registry
    )
    destination = service.logging_config.destination
    by = pa.schema([schema.field(name) for name in destination.partition_by])
    hive = pads.partitioning(by, flavor="hive")
    there = pads.dataset(
        destination.path, schema=schema, partitioning=hive, format="parquet", ignore_prefixes=["."]
    )
    all_rows = there.to_table().sort_by(REQUEST_ID_FIELD)
    own = pc.is_in(all_rows.column(REQUEST_ID_FIELD), rows.column(REQUEST_ID_FIELD).combine_chunks())
    feast = _read_datasource(destination.to_data_source(), None).compute()
    feast = feast[feast[REQUEST_ID_FIELD].isin(known[REQUEST_ID_FIELD])]
    feast = feast.sort_values(REQUEST_ID_FIELD)
    days = [str(day) for day in feast[LOG_DATE_FIELD]]
    return {
        "as_written": all_rows.filter(own).combine_chunks().equals(rows.combine_chunks()),
        "in_feast": list(feast["driver_id"]) == list(numbers)
        and days == [str(day) for day in known[LOG_DATE_FIELD]],
    }


def columns(store, call):
    source = store.get_data_source(call["source"])
    offline = store._get_provider().offline_store
    return sorted(offline.get_table_column_names_and_types_from_data_source(store.config, source))


def validate(store, call):
    source = store.get_data_source(call["source"])
    store._get_provider().offline_store.validate_data_source(store.config, source)
    return "valid"


def large(store, call):
    """A frame of many rows, which the client sends as one batch."""
    count, keys = call["count"], call["keys"]
    rows = pd.DataFrame({call["key"]: [keys[i % len(keys)] for i in range(count)]})
    rows["event_timestamp"] = pd.to_datetime([call["at"]] * count, utc=True)
    table = store.get_historical_features(entity_df=rows, features=call["features"]).to_arrow()
    first = table.column(call["features"][0].split(":")[1])
    return {"rows": table.num_rows, "nulls": first.null_count}


def at_once(store, call):
    """The same calls from as many threads."""
    with ThreadPoolExecutor(len(call["calls"])) as pool:
        return list(pool.map(lambda one: made(store, one), call["calls"]))


CALLS = {
    "large": large,
    "at_once": at_once,
    "historical": lambda store, call: answer(job(store, call).to_arrow()),
    "historical_df": lambda store, call: list(job(store, call).to_df().columns),
    "pull": pull,
    "save": save,
    "logs": write_logs,
    "partitioned_logs": partitioned_logs,
    "columns": columns,
    "validate": validate,
    "write": lambda store, call: store.write_to_offline_store(call["view"], frame(call["rows"])),
    "push": lambda store, call: store.push(call["source"], frame(call["rows"]), to=PushMode.OFFLINE),
    "materialize": lambda store, call: store.materialize(
        moment(call["start"]), moment(call["end"]), feature_views=call["views"]
    ),
}


def made(store, call):
    try:
        return CALLS[call["call"]](store, call)
    except Exception as error:  # the class is the answer that is compared
        return {"error": type(error).__name__, "message": str(error)[:500]}


def main(repository, calls):
    store = FeatureStore(repo_path=repository)
    output, sys.stdout = sys.stdout, sys.stderr  # Feast prints what it does
    answers = [made(store, call) for call in json.loads(calls)]
    sys.stdout = output
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
