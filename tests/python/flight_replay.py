"""Drives an offline server with Feast's remote offline store and prints what both said.

Usage: flight_replay.py prepare FOLDER
       flight_replay.py record FOLDER PORT

`prepare` makes the server's repository FOLDER/srv and applies it with Feast; `record` sends every call to the server
that runs there and prints {step, calls, returned | raised} per step. `tests/vectors/offline/flight.json` holds what
`feast serve_offline` of Feast 0.67 answered to the same calls.
"""

import json
import re
import sys
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

warnings.filterwarnings("ignore")

import feast.infra.offline_stores.remote as remote
import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.parquet as pq
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    RequestSource,
)
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64

UTC = timezone.utc
NOON = datetime(2024, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MICROS = pa.timestamp("us", "UTC")


def config(folder, offline, repository):
    online = {"type": "sqlite", "path": str(folder / "srv" / "o.db")}
    return RepoConfig(
        project="p",
        provider="local",
        registry=str(folder / "srv" / "registry.db"),
        online_store=online,
        offline_store=offline,
        entity_key_serialization_version=3,
        repo_path=repository,
    )


def sources(server):
    stats = FileSource(
        name="stats_src",
        path=str(server / "stats.parquet"),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    saved = str(server / "saved.parquet")
    return stats, FileSource(name=saved, path=saved, timestamp_field="event_timestamp")


def prepare(folder):
    server = folder / "srv"
    server.mkdir(parents=True)
    times = [NOON - 2 * HOUR, NOON - HOUR, NOON - HOUR]
    rows = {
        "driver": pa.array([1, 1, 2], pa.int64()),
        "event_timestamp": pa.array(times, MICROS),
        "created": pa.array([NOON] * 3, MICROS),
        "rate": [0.1, 0.2, 0.3],
        "trips": pa.array([1, 2, None], pa.int64()),
    }
    pq.write_table(pa.table(rows), server / "stats.parquet")
    source, saved = sources(server)
    driver = Entity(name="driver", join_keys=["driver"])
    stats = FeatureView(
        name="stats",
        entities=[driver],
        ttl=timedelta(days=1),
        source=source,
        schema=[
            Field(name="driver", dtype=Int64),
            Field(name="rate", dtype=Float64),
            Field(name="trips", dtype=Int64),
        ],
    )
    request = RequestSource(name="req", schema=[Field(name="bump", dtype=Float64)])

    @on_demand_feature_view(
        sources=[stats, request], schema=[Field(name="rate_plus", dtype=Float64)], mode="pandas"
    )
    def bumped(df: pd.DataFrame) -> pd.DataFrame:
        o = pd.DataFrame()
        o["rate_plus"] = df["rate"] + df["bump"]
        return o

    alias = stats.with_name("st2").with_join_key_map({"driver": "driver2"})
    logs = FileLoggingDestination(path=str(server / "logs"))
    logging = LoggingConfig(destination=logs)
    services = [
        FeatureService(name="svc", features=[alias]),
        FeatureService(name="log_svc", features=[stats[["rate"]]], logging_config=logging),
    ]
    (server / "feature_store.yaml").write_text(
        f"project: p\nprovider: local\nregistry: {server}/registry.db\noffline_store: {{type: dask}}\n"
        f"online_store: {{type: sqlite, path: {server}/o.db}}\nentity_key_serialization_version: 3\n"
    )
    store = FeatureStore(config=config(folder, {"type": "dask"}, server))
    store.apply([driver, stats, bumped, *services, source, saved])
    print(json.dumps("prepared"))


class Recorder:
    """Looks over the client's shoulder."""

    def __init__(self, folder):
        self.folder = folder
        self.steps = []
        self.current = None
        self.patch()

    def scrub(self, text):
        text = text.replace(str(self.folder), "<root>")
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid4>", text)
        return re.sub(r"peer_address:\S+|127\.0\.0\.1:\d+|ipv4:\S+", "<peer>", text)

    def schema(self, schema):
        return {"fields": [[field.name, str(field.type), field.nullable] for field in schema]}

    def table(self, table):
        head = [{k: str(v) for k, v in row.items()} for row in table.slice(0, 8).to_pylist()]
        return {"schema": self.schema(table.schema), "rows": table.num_rows, "head": head}

    def error(self, error):
        kind = f"{type(error).__module__}.{type(error).__name__}"
        return {"type": kind, "str": self.scrub(str(error))[:900]}

    def note(self, **call):
        self.current["calls"].append(call)

    def patch(self):
        recorder = self
        exchange, put = remote.FeastFlightClient.do_exchange, remote.FeastFlightClient.do_put

        def do_exchange(client, descriptor, options=None):
            call = {"call": "do_exchange", "command": recorder.scrub(descriptor.command.decode())}
            recorder.current["calls"].append(call)
            writer, reader = exchange(client, descriptor, options)
            return writer, Reader(recorder, reader, call)

        def do_put(client, descriptor, schema, options=None):
            call = {"call": "do_put", "command": recorder.scrub(descriptor.command.decode())}
            recorder.current["calls"].append(call)
            writer, reader = put(client, descriptor, schema, options)
            return Writer(recorder, writer, call), reader

        remote.FeastFlightClient.do_exchange = do_exchange
        remote.FeastFlightClient.do_put = do_put

    def step(self, name, call):
        self.current = {"step": name, "calls": []}
        self.steps.append(self.current)
        try:
            returned = call()
            if isinstance(returned, pa.Table):
                self.current["returned"] = self.table(returned)
            elif returned is not None:
                self.current["returned"] = self.scrub(str(returned))[:600]
        except Exception as error:  # what is raised is what is compared
            self.current["raised"] = self.error(error)


class Reader:
    def __init__(self, recorder, reader, call):
        self.recorder, self.reader, self.call = recorder, reader, call

    def read_all(self):
        table = self.reader.read_all()
        self.call["received"] = self.recorder.table(table)
        return table


class Writer:
    def __init__(self, recorder, writer, call):
        self.recorder, self.writer, self.call = recorder, writer, call

    def write_table(self, table, **options):
        return self.writer.write_table(table, **options)

    def close(self):
        closed = self.writer.close()
        self.call["close"] = "ok"
        return closed


def retrievals(recorder, store):
    rows = pd.DataFrame(
        {
            "driver": [1, 2, 9],
            "event_timestamp": pd.to_datetime([NOON] * 3, utc=True),
            "bump": [1.0, 2.0, 3.0],
        }
    )
    both = ["stats:rate", "stats:trips"]
    rate = ["stats:rate"]
    step, read = recorder.step, store.get_historical_features
    step("historical_df", lambda: read(entity_df=rows, features=both).to_arrow())
    step("historical_df_to_df_dtypes", lambda: read(entity_df=rows, features=both).to_df().dtypes)
    odd = rows.set_index(pd.Index([7, 8, 9]))
    step("historical_non_range_index", lambda: read(entity_df=odd, features=rate).to_arrow())
    step(
        "historical_full_names",
        lambda: read(entity_df=rows, features=rate, full_feature_names=True).to_arrow(),
    )
    step("historical_odfv", lambda: read(entity_df=rows, features=["bumped:rate_plus"]).to_arrow())
    renamed = rows.rename(columns={"driver": "driver2"})
    service = store.get_feature_service("svc")
    step(
        "historical_service_alias",
        lambda: read(entity_df=renamed, features=service, full_feature_names=True).to_arrow(),
    )
    start = NOON - 5 * HOUR
    step(
        "historical_dates_only",
        lambda: read(features=rate, start_date=start, end_date=NOON).to_arrow(),
    )
    step("historical_no_dates", lambda: read(features=rate).to_arrow())
    sql = "select 1 as driver"
    step("historical_sql", lambda: read(entity_df=sql, features=rate).to_arrow())
    step(
        "historical_created_cutoff",
        lambda: read(entity_df=rows, features=rate, filter_by_created_timestamp=True).to_arrow(),
    )
    return rows


def pull_arguments(store, source):
    return {
        "config": store.config,
        "data_source": source,
        "join_key_columns": ["driver"],
        "feature_name_columns": ["rate", "trips"],
        "timestamp_field": "event_timestamp",
        "created_timestamp_column": "created",
    }


def pulls(recorder, store, offline, source):
    step, pull = recorder.step, pull_arguments(store, source)
    window = {"start_date": NOON - 5 * HOUR, "end_date": NOON}
    step(
        "pull_latest", lambda: offline.pull_latest_from_table_or_query(**window, **pull).to_arrow()
    )
    step("pull_all", lambda: offline.pull_all_from_table_or_query(**window, **pull).to_arrow())
    step("pull_all_no_dates", lambda: offline.pull_all_from_table_or_query(**pull).to_arrow())
    start = NOON - 5 * HOUR
    step("materialize", lambda: store.materialize(start, NOON, feature_views=["stats"]))


def logged(schema):
    """One row of logged features."""

    def value(field):
        if field.name == "__request_id":
            return "r1"
        if pa.types.is_timestamp(field.type):
            return NOON
        return NOON.date() if pa.types.is_date(field.type) else 1

    return pa.table({field.name: pa.array([value(field)], field.type) for field in schema})


def writes(recorder, store, offline):
    times = pd.to_datetime([NOON], utc=True)
    new = pd.DataFrame(
        {"driver": [5], "event_timestamp": times, "created": times, "rate": [0.5], "trips": [5]}
    )
    stats, conf = store.get_feature_view("stats"), store.config
    step = recorder.step
    step("write_to_offline_store", lambda: store.write_to_offline_store("stats", new))
    table = pa.Table.from_pandas(new)
    step(
        "offline_write_batch_with_progress_fn",
        lambda: offline.offline_write_batch(conf, stats, table, lambda n: None),
    )
    step(
        "offline_write_batch_wrong_columns",
        lambda: offline.offline_write_batch(conf, stats, pa.table({"x": [1]}), None),
    )
    service = store.get_feature_service("log_svc")
    logs = FeatureServiceLoggingSource(service, "p")
    row = logged(logs.get_schema(store.registry))
    step(
        "write_logged_features",
        lambda: offline.write_logged_features(
            conf, row, logs, service.logging_config, store.registry
        ),
    )


def saved_datasets(recorder, store, server, rows):
    def job():
        return store.get_historical_features(entity_df=rows, features=["stats:rate"])

    step = recorder.step
    saved = SavedDatasetFileStorage(str(server / "saved.parquet"))
    other = SavedDatasetFileStorage(str(server / "other.parquet"))
    step(
        "persist_saved_dataset",
        lambda: store.create_saved_dataset(job(), "ds1", saved, allow_overwrite=True),
    )
    step("persist_exists_no_overwrite", lambda: job().persist(saved))
    step("persist_unregistered_location", lambda: job().persist(other))


def sources_and_errors(recorder, store, offline, source, rows):
    step, conf = recorder.step, store.config
    step("validate_data_source", lambda: offline.validate_data_source(conf, source))
    step(
        "get_table_column_names_and_types",
        lambda: list(offline.get_table_column_names_and_types_from_data_source(conf, source)),
    )
    ghost = FeatureView(
        name="ghost",
        entities=[store.get_entity("driver")],
        source=source,
        schema=[Field(name="rate", dtype=Float64)],
    )
    step(
        "error_unknown_view",
        lambda: offline.get_historical_features(
            conf, [ghost], ["ghost:rate"], rows, store.registry, "p"
        ).to_arrow(),
    )
    pull = {**pull_arguments(store, source), "start_date": NOON, "end_date": NOON}
    nope = FileSource(name="nope", path="x.parquet", timestamp_field="event_timestamp")
    step(
        "error_unknown_source",
        lambda: offline.pull_all_from_table_or_query(**{**pull, "data_source": nope}).to_arrow(),
    )
    wrong = {**pull, "join_key_columns": ["zzz"]}
    step(
        "error_bad_join_key_feast_error",
        lambda: offline.pull_latest_from_table_or_query(**wrong).to_arrow(),
    )


def older_clients(recorder, port):
    raw = fl.FlightClient(f"grpc+tcp://127.0.0.1:{port}")
    command = {
        "command_id": "legacy-1",
        "api": "pull_latest_from_table_or_query",
        "data_source_name": "stats_src",
        "join_key_columns": ["driver"],
        "feature_name_columns": ["rate"],
        "timestamp_field": "event_timestamp",
        "created_timestamp_column": "created",
        "start_date": (NOON - 5 * HOUR).isoformat(),
        "end_date": NOON.isoformat(),
    }
    tickets = []

    def legacy():
        descriptor = fl.FlightDescriptor.for_command(json.dumps(command))
        mock = remote._create_empty_table()
        writer, _ = raw.do_put(descriptor, mock.schema)
        writer.write_table(mock)
        writer.close()
        recorder.note(call="do_put")
        info = raw.get_flight_info(descriptor)
        recorder.note(call="list_flights", n=len(list(raw.list_flights())))
        endpoint = info.endpoints[0]
        tickets.append(endpoint.ticket)
        recorder.note(
            call="get_flight_info",
            ticket=endpoint.ticket.ticket.decode(),
            locations=[recorder.scrub(str(location)) for location in endpoint.locations],
            schema=str(info.schema),
            records=info.total_records,
            bytes=info.total_bytes,
        )
        table = raw.do_get(endpoint.ticket).read_all()
        recorder.note(call="do_get", received=recorder.table(table))
        return table

    step = recorder.step
    step("legacy_put_info_get", legacy)
    step("legacy_get_twice", lambda: raw.do_get(tickets[0]).read_all())
    actions = lambda: [(action.type, action.description) for action in raw.list_actions()]
    step("list_actions", actions)
    step("do_action", lambda: list(raw.do_action(fl.Action("persist", b""))))
    misuse(recorder, raw)


def misuse(recorder, raw):
    def exchange(command):
        writer, reader = raw.do_exchange(fl.FlightDescriptor.for_command(command))
        table = remote._create_empty_table()
        writer.begin(table.schema)
        writer.write_table(table)
        writer.done_writing()
        return reader.read_all()

    write = {
        "api": "offline_write_batch",
        "feature_view_names": ["stats"],
        "name_aliases": [None],
        "progress": None,
    }
    step = recorder.step
    step("raw_exchange_unknown_api", lambda: exchange('{"api": "zzz"}'))
    step("raw_exchange_no_api", lambda: exchange("{}"))
    step("raw_exchange_bad_json", lambda: exchange("{"))
    step("raw_exchange_write_api", lambda: exchange(json.dumps(write)))
    unknown = fl.FlightDescriptor.for_command("x")
    step("raw_get_flight_info_unknown", lambda: raw.get_flight_info(unknown))


def record(folder, port):
    client = folder / "cli"
    client.mkdir(exist_ok=True)
    offline_store = {"type": "remote", "host": "127.0.0.1", "port": port}
    store = FeatureStore(config=config(folder, offline_store, client))
    offline = store._get_provider().offline_store
    source, _ = sources(folder / "srv")
    recorder = Recorder(folder)
    output, sys.stdout = sys.stdout, sys.stderr  # Feast prints what it does
    rows = retrievals(recorder, store)
    pulls(recorder, store, offline, source)
    writes(recorder, store, offline)
    saved_datasets(recorder, store, folder / "srv", rows)
    # The registered source: the client sends it whole.
    registered = store.get_data_source("stats_src")
    sources_and_errors(recorder, store, offline, registered, rows)
    older_clients(recorder, port)
    sys.stdout = output
    print(json.dumps(recorder.steps))


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]))
    else:
        record(Path(sys.argv[2]), int(sys.argv[3]))
