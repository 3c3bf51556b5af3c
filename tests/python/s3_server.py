"""An S3 server on the loopback address, with what it keeps in memory: moto's, one request at a time.

usage: s3_server.py PORT

A condition on a write is checked and the write done under one lock, as S3 promises; moto's own threads would come between
the two.
"""

import sys
from threading import Lock

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
turn = Lock()


def application(environ, start_response):
    with turn:
        return [b"".join(moto(environ, start_response))]


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True)
