"""Runs Python for the tests of one run: a process for each script, forked from one that has imported what scripts import.

    python3 python_server.py SOCKET

Ends with its standard input. Importing transformers takes six CPU seconds, scikit-learn two; a fork takes none. python_client.py sends
the arguments, environment, directory and standard streams of a script to the socket, and is answered with its exit code.
"""

import ast
import importlib
import json
import os
import select
import socket
import sys
import traceback
import types
import warnings

# What is slow to import, and may be forked before it has computed anything.
IMPORTED_ONCE = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch", "transformers"}

# Threads would not outlive the fork, and other tests need the cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"


def received(connection):
    """The next request and its three streams."""
    head, streams, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as file:
        return json.loads(file.read(int.from_bytes(head, "big"))), streams


class Script:
    """What `python3 ARGUMENTS` would do."""

    def __init__(self, request):
        arguments, self.filters = request["arguments"], []
        while arguments[0] == "-W":
            self.filters.append(arguments[1])
            arguments = arguments[2:]
        if arguments[0] == "-c":
            self.name, self.folder, self.source = "<string>", "", arguments[1]
            self.told = ["-c", *arguments[2:]]
        else:
            self.name = os.path.join(request["directory"], arguments[0])
            self.folder = os.path.dirname(self.name)
            with open(self.name, encoding="utf-8") as file:
                self.source = file.read()
            self.told = arguments

    def import_once(self):
        """Imports what it would, of what is imported once."""
        for node in ast.walk(ast.parse(self.source)):
            if isinstance(node, ast.Import):
                wanted = {alias.name: () for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                wanted = {node.module: [alias.name for alias in node.names]}
            else:
                continue
            for name, members in wanted.items():
                if name.partition(".")[0] in IMPORTED_ONCE:
                    module = importlib.import_module(name)
                    # Those of transformers are loaded when they are asked for.
                    for member in members:
                        getattr(module, member, None)

    def run(self):
        for action in self.filters:
            warnings.simplefilter(action)
        sys.argv, sys.path[0] = self.told, self.folder
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        main.__file__ = self.name
        exec(compile(self.source, self.name, "exec"), main.__dict__)


def exit_code(request):
    try:
        Script(request).run()
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1


def become(request, streams):
    """In a new process: the script, to its end."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    code = exit_code(request)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    os._exit(code & 255)


def supervise(connection, request, streams):
    """In a new process: has another one run the script, and tells how that ended, whichever way it did."""
    try:
        script = os.fork()
        if script == 0:
            try:
                become(request, streams)
            finally:
                os._exit(1)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(script, 0)
        connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 255]))
    finally:
        os._exit(0)


def bury():
    """Lets processes go that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def serve(listener):
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        bury()
        if 0 in ready:
            return
        connection, _ = listener.accept()
        try:
            request, streams = received(connection)
        except (OSError, ValueError):
            # Who asked has been killed.
            connection.close()
            continue
        try:
            Script(request).import_once()
        except Exception:
            # The script itself will say what is wrong.
            pass
        if os.fork() == 0:
            listener.close()
            supervise(connection, request, streams)
        connection.close()
        for stream in streams:
            os.close(stream)


with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen(64)
    print("ready", flush=True)
    serve(listener)
