"""Calls functions of on-demand feature views: a child process of Larder, which it talks to over descriptor 0.

A message is the length of a header (4 bytes, little endian), the length of a body (8 bytes), a header in JSON and
a body: an Arrow IPC stream, or nothing. The first message is this program's: what it is, or why it cannot work.
Then every request is answered once. The end of the input ends the program.
"""
import ast
import faulthandler
import json
import math
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import traceback

FRAME = struct.Struct("<IQ")
# The name under which the function's text stands in tracebacks.
TEXT = "<on demand feature view>"
# Functions that are kept ready; more are a sign of a registry that changes all the time.
MAX_FUNCTIONS = 256
MAX_MESSAGE = 1000


class Channel:
    """Messages over the socket that the parent gave as descriptor 0; user code does not find it there."""

    def __init__(self):
        self.socket = socket.socket(fileno=os.dup(0))
        for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY)):
            nowhere = os.open(os.devnull, mode)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)

    def receive(self):
        frame = self.exactly(FRAME.size)
        if frame is None:
            return None
        header, body = FRAME.unpack(frame)
        return json.loads(bytes(self.exactly(header))), self.exactly(body)

    def exactly(self, size):
        """That many bytes; None at the end of the input."""
        data = bytearray(size)
        view, filled = memoryview(data), 0
        while filled < size:
            count = self.socket.recv_into(view[filled:])
            if count == 0:
                return None
            filled += count
        return data

    def send(self, header, body=b""):
        text = json.dumps(header).encode()
        self.socket.sendall(FRAME.pack(len(text), len(body)) + text)
        self.socket.sendall(body)


def limit(memory):
    """Bounds what this process may take, in memory beyond what the interpreter and its modules took already."""
    limits = [(resource.RLIMIT_FSIZE, memory), (resource.RLIMIT_NOFILE, 64), (resource.RLIMIT_CORE, 0)]
    try:
        with open("/proc/self/statm") as sizes:
            used = int(sizes.read().split()[0]) * resource.getpagesize()
        limits.append((resource.RLIMIT_AS, used + memory))
    except FileNotFoundError:
        pass  # Only Linux tells, and only Linux enforces it.
    for what, amount in limits:
        hard = resource.getrlimit(what)[1]
        if hard != resource.RLIM_INFINITY:
            amount = min(amount, hard)
        resource.setrlimit(what, (amount, amount))


class Watch:
    """Ends this process if a call takes longer than the parent would wait, also when there is no parent left."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = math.ceil(used.ru_utime + used.ru_stime + self.seconds) + 1
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        if hard == resource.RLIM_INFINITY or cpu <= hard:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, hard))
        signal.setitimer(signal.ITIMER_REAL, self.seconds + 1)

    def __exit__(self, *exception):
        signal.setitimer(signal.ITIMER_REAL, 0)


class Failed(Exception):
    """What went wrong, when, and at which line of the function's text."""

    def __init__(self, phase, error):
        super().__init__(phase)
        self.phase, self.error = phase, error

    def header(self):
        error, line = self.error, 0
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == TEXT:
                line = number
        if isinstance(error, SyntaxError) and error.filename == TEXT:
            line = error.lineno or 0
        try:
            message = str(error)[:MAX_MESSAGE]
        except Exception:  # an exception whose text raises
            message = ""
        # numpy and Arrow have subclasses of their own.
        name = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
        return {"error": {"phase": self.phase, "exception": name, "message": message, "line": line}}


def load(text, name):
    """The function that the text defines: the named one, or the first (Feast 0.67: rehydrate_udf_from_source)."""
    lines = text.splitlines()
    margin = next((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), 0)
    text = "\n".join(line[min(margin, len(line) - len(line.lstrip(" \t"))) :] for line in lines) + "\n"
    tree = ast.parse(text, TEXT)
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # The decorator is Feast's; it is not there.
            statement.decorator_list = []
            break
    space = {"__name__": "larder_function", "pd": pd, "pandas": pd, "np": np, "numpy": np}
    exec(compile(tree, TEXT, "exec"), space)
    names = [statement.name for statement in tree.body if isinstance(statement, ast.FunctionDef)]
    if name in names:
        return space[name]
    if not names:
        raise TypeError("the text defines no function")
    return space[names[0]]


def call(function, request, table):
    """The function's result: a column, as Feast takes it, per name."""
    if request["mode"] == "pandas":
        result = pa.Table.from_pandas(function(inputs.frame_of(table)), nthreads=1)
        return {name: result[name].to_numpy() for name in result.column_names}
    columns = {name: inputs.python_values(table[at], kind) for at, (name, kind) in enumerate(request["inputs"])}
    if not request["singleton"]:
        return function(columns)
    names = list(columns)
    rows = [function(dict(zip(names, row))) for row in zip(*columns.values())]
    return {name: [row[name] for row in rows] for name, _ in request["outputs"]}


def in_phase(phase, work):
    try:
        return work()
    except BaseException as error:  # also SystemExit: a function does not end the worker
        raise Failed(phase, error) from None


FUNCTIONS = {}


def function_of(request):
    key = (request["text"], request["name"])
    if key not in FUNCTIONS:
        if len(FUNCTIONS) >= MAX_FUNCTIONS:
            FUNCTIONS.clear()
        FUNCTIONS[key] = load(*key)
    return FUNCTIONS[key]


def answer(request, body):
    table = pa.ipc.open_stream(body).read_all()
    function = in_phase("load", lambda: function_of(request))
    result = in_phase("call", lambda: call(function, request, table))
    wanted = request["outputs"]
    columns = in_phase("result", lambda: [outputs.feature(result, *column, table.num_rows) for column in wanted])
    names = [name for name, _ in wanted]
    batch = pa.record_batch(columns, names=names)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def answered(request, body):
    try:
        return {}, memoryview(answer(request, body))
    except Failed as failed:
        return failed.header(), b""
    except BaseException as error:
        return Failed("result", error).header(), b""


def serve(channel):
    while (message := channel.receive()) is not None:
        request, body = message
        if "text" not in request:
            channel.send({})
            continue
        with Watch(request["seconds"]):
            header, result = answered(request, body)
            channel.send(header, result)


def main():
    global np, pa, pd, inputs, outputs
    os.closerange(3, 1024)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    channel = Channel()
    try:
        import numpy as np
        import pandas as pd
        import pyarrow as pa
        import pyarrow.ipc

        import inputs
        import outputs
    except ImportError as error:
        channel.send({"missing": error.name or str(error), "python": sys.executable})
        return
    pa.set_cpu_count(1)
    limit(json.loads(sys.argv[1])["memory"])
    channel.send({"python": sys.executable, "pandas": pd.__version__, "pyarrow": pa.__version__})
    # What functions print goes nowhere; descriptor 2 stays open for the last words of a crash.
    sys.stdout = sys.stderr = open(os.devnull, "w")
    serve(channel)
    # The parent does so too, unless it was killed.
    shutil.rmtree(os.path.dirname(__file__), ignore_errors=True)


main()
