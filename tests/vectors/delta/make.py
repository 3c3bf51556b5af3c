"""Makes the Delta tables of this folder, each with the rows that its own project reads from it as one Parquet file.

    python make.py FOLDER_OF_JARS

Needs deltalake 1.6.6, pyarrow, pyspark 4.0.1 and delta-spark 4.0.0; the folder holds the jars of io.delta:delta-spark_2.13:4.0.0,
io.delta:delta-storage:4.0.0 and org.antlr:antlr4-runtime:4.13.1. File names and times of a new run differ, rows do not.
"""

import datetime as dt
import pathlib
import shutil
import sys

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

HERE = pathlib.Path(__file__).resolve().parent
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
CITIES = ["athens", "são paulo/sul", None]


def rows(first, hours, acceptance=False):
    """Rows of three drivers for so many hours, no two with the same driver and time."""
    made = []
    for hour in range(first, first + hours):
        for driver in (1001, 1002, 1003):
            time = START + dt.timedelta(hours=hour)
            row = {
                "driver_id": driver,
                "event_timestamp": time,
                "created": time + dt.timedelta(minutes=driver % 10),
                "conv_rate": hour / 8 + driver % 10,
                "trips": hour * 10 + driver % 10,
                "city": CITIES[driver % 3],
                "day": time.date(),
            }
            if acceptance:
                row["acc_rate"] = hour / 4
            made.append(row)
    return made


SCHEMA = pa.schema(
    {
        "driver_id": pa.int64(),
        "event_timestamp": pa.timestamp("us", "UTC"),
        "created": pa.timestamp("us", "UTC"),
        "conv_rate": pa.float64(),
        "trips": pa.int32(),
        "city": pa.string(),
        "day": pa.date32(),
    }
)


def fresh(name):
    shutil.rmtree(HERE / name, ignore_errors=True)
    return str(HERE / name)


def keep(name, table):
    """The rows as the project of the table reads them, without an order of theirs."""
    keys = [("driver_id", "ascending"), ("event_timestamp", "ascending")]
    pq.write_table(table.sort_by(keys), HERE / f"{name}.parquet", version="2.6")
    for leftover in (HERE / name).rglob("*.crc"):
        leftover.unlink()


def rust():
    """Appends, an added column, a rewrite, a checkpoint in between, two partition columns with nulls and odd names."""
    uri = fresh("rust")
    partitions = ["city", "day"]
    first = pa.Table.from_pylist(rows(0, 3), SCHEMA)
    deltalake.write_deltalake(uri, first, partition_by=partitions)
    deltalake.write_deltalake(uri, pa.Table.from_pylist(rows(23, 3), SCHEMA), mode="append")
    table = deltalake.DeltaTable(uri)
    table.create_checkpoint()
    wider = SCHEMA.append(pa.field("acc_rate", pa.float32()))
    more = pa.Table.from_pylist(rows(26, 2, acceptance=True), wider)
    deltalake.write_deltalake(uri, more, mode="append", schema_mode="merge")
    table = deltalake.DeltaTable(uri)
    table.delete("trips = 12 OR trips = 261")
    wrong = [dict(row, conv_rate=-1.0) for row in rows(40, 1)]
    wrong = pa.Table.from_pylist(wrong, SCHEMA)
    deltalake.write_deltalake(uri, wrong, mode="append", schema_mode="merge")
    table = deltalake.DeltaTable(uri)
    table.delete("conv_rate = -1.0")
    read = deltalake.DeltaTable(uri).to_pyarrow_table()
    keep("rust", read)


def spark_session(jars):
    jars = ",".join(str(jar) for jar in pathlib.Path(jars).glob("*.jar"))
    builder = SparkSession.builder.master("local[1]").config("spark.jars", jars)
    settings = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": "/tmp/spark-warehouse",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


COLUMNS = """driver_id BIGINT, event_timestamp TIMESTAMP, created TIMESTAMP, conv_rate DOUBLE, trips INT, city STRING,
day DATE"""


def spark_table(spark, name, properties, partitioned=""):
    uri = fresh(name)
    properties = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    spark.sql(
        f"CREATE TABLE delta.`{uri}` ({COLUMNS}) USING delta {partitioned} TBLPROPERTIES ({properties})"
    )
    return uri


def append(spark, uri, made, columns=COLUMNS):
    names = [column.split()[0] for column in columns.replace("\n", " ").split(",")]
    values = [tuple(row.get(name) for name in names) for row in made]
    frame = spark.createDataFrame(values, columns).coalesce(1)
    frame.write.format("delta").mode("append").save(uri)


def keep_spark(spark, name, uri):
    frame = spark.read.format("delta").load(uri)
    table = frame.toArrow()
    utc = [
        pa.field(field.name, pa.timestamp("us", "UTC")) if pa.types.is_timestamp(field.type) else field
        for field in table.schema
    ]
    keep(name, table.cast(pa.schema(utc)))


def deletion_vectors(spark):
    """Deleted and updated rows by deletion vectors, one of them replaced by a longer one, checkpoints every third commit."""
    uri = spark_table(
        spark,
        "deletion_vectors",
        {"delta.enableDeletionVectors": "true", "delta.checkpointInterval": "3"},
        "PARTITIONED BY (day)",
    )
    append(spark, uri, rows(0, 20))
    append(spark, uri, rows(20, 10))
    spark.sql(f"DELETE FROM delta.`{uri}` WHERE trips IN (1, 2, 13, 292)")
    spark.sql(f"UPDATE delta.`{uri}` SET conv_rate = 99.5 WHERE trips = 53")
    spark.sql(f"DELETE FROM delta.`{uri}` WHERE trips BETWEEN 100 AND 142")
    keep_spark(spark, "deletion_vectors", uri)


def widened(spark):
    """A column that was INT when its first file was written."""
    uri = spark_table(spark, "widened", {"delta.enableTypeWidening": "true"})
    append(spark, uri, rows(0, 2))
    spark.sql(f"ALTER TABLE delta.`{uri}` ALTER COLUMN trips TYPE BIGINT")
    made = [dict(row, trips=row["trips"] + (1 << 40)) for row in rows(2, 2)]
    append(spark, uri, made, COLUMNS.replace("trips INT", "trips BIGINT"))
    keep_spark(spark, "widened", uri)


def mapped(spark):
    """Columns that were renamed and dropped, so that files have other names for them."""
    uri = spark_table(
        spark,
        "mapped",
        {"delta.columnMapping.mode": "name"},
        "PARTITIONED BY (day)",
    )
    append(spark, uri, rows(0, 3))
    spark.sql(f"ALTER TABLE delta.`{uri}` RENAME COLUMN conv_rate TO rate")
    spark.sql(f"ALTER TABLE delta.`{uri}` RENAME COLUMN event_timestamp TO at")
    spark.sql(f"ALTER TABLE delta.`{uri}` RENAME COLUMN at TO event_timestamp")
    spark.sql(f"ALTER TABLE delta.`{uri}` DROP COLUMN city")
    columns = COLUMNS.replace("conv_rate", "rate").replace("city STRING,", "")
    append(spark, uri, [dict(row, rate=row["conv_rate"]) for row in rows(3, 2)], columns)
    keep_spark(spark, "mapped", uri)


def main():
    rust()
    spark = spark_session(sys.argv[1])
    deletion_vectors(spark)
    widened(spark)
    mapped(spark)


if __name__ == "__main__":
    main()
