"""Writes rows of one view through the Feast SDK, as many calls as there are lists.

Usage: remote_write.py REPOSITORY VIEW ROWS

ROWS is a JSON list of {column: values}; times are ISO 8601. Prints how many calls were made.
"""

import json
import sys

import pandas as pd
from feast import FeatureStore

TIMES = ("event_timestamp", "created")


def main(repository, view, calls):
    store = FeatureStore(repo_path=repository)
    for columns in calls:
        rows = pd.DataFrame(columns)
        for name in TIMES:
            rows[name] = pd.to_datetime(rows[name], utc=True)
        store.write_to_online_store(view, df=rows)
    print(json.dumps(len(calls)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
