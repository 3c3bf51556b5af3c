"""Turns a column of a Parquet file into text that is no number, or drops it.

Usage: wrong_column.py FILE COLUMN [drop]
"""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def main(file, column, drop):
    table = pq.read_table(file)
    index = table.column_names.index(column)
    if drop:
        table = table.remove_column(index)
    else:
        table = table.set_column(index, column, pa.array(["no number"] * table.num_rows))
    pq.write_table(table, file)
    print(json.dumps({"columns": table.column_names}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:] == ["drop"])
