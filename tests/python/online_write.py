"""Writes rows through the Feast SDK.

Usage: online_write.py REPOSITORY write VIEW COLUMNS TRANSFORM_ON_WRITE
       online_write.py REPOSITORY push SOURCE COLUMNS

COLUMNS is a JSON object of lists; columns whose name ends in "timestamp" hold ISO texts. TRANSFORM_ON_WRITE is JSON too.
"""

import json
import sys

import pandas as pd
from feast import FeatureStore


def main(repository, how, name, columns, transform="true"):
    store = FeatureStore(repo_path=repository)
    df = pd.DataFrame(json.loads(columns))
    for column in df.columns:
        if column.endswith("timestamp"):
            df[column] = pd.to_datetime(df[column], utc=True)
    if how == "push":
        store.push(name, df)
    else:
        store.write_to_online_store(name, df, transform_on_write=json.loads(transform))
    print(json.dumps("written"))


if __name__ == "__main__":
    main(*sys.argv[1:])
