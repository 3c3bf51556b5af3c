"""Runs CQL statements with the driver that Feast uses and prints their rows as JSON.

Usage: cql.py ADDRESS STATEMENTS

ADDRESS is HOST:PORT of a node that lets `cassandra` in with the password `cassandra`; STATEMENTS is
a JSON list. The answer is a list of lists of {column: text} per statement.
"""

import json
import logging
import sys

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster

logging.disable(logging.WARNING)


def main(address, statements):
    host, port = address.rsplit(":", 1)
    login = PlainTextAuthProvider(username="cassandra", password="cassandra")
    with Cluster([host], port=int(port), auth_provider=login) as cluster:
        session = cluster.connect()
        answers = [list(session.execute(statement)) for statement in json.loads(statements)]
    rows = [[{k: str(v) for k, v in row._asdict().items()} for row in answer] for answer in answers]
    print(json.dumps(rows))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
