"""Has the server of a test run run a script in place of this process: python_client.py SOCKET ARGUMENTS…

Its streams, environment, directory and exit code are those of this process. Without a server it is run here.
"""

import json
import os
import socket
import sys

path, *arguments = sys.argv[1:]
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(path)
except OSError:
    os.execvp("python3", ["python3", *arguments])
request = {"arguments": arguments, "environment": dict(os.environ), "directory": os.getcwd()}
body = json.dumps(request).encode()
socket.send_fds(connection, [len(body).to_bytes(8, "big")], [0, 1, 2])
connection.sendall(body)
answer = connection.recv(1)
sys.exit(answer[0] if answer else "the process of the script was killed")
