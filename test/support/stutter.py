"""Runs a command as a slow, busy machine would: its processes stand still for up to STOP ms after every up to GO ms.

    python3 test/support/stutter.py STOP GO COMMAND...

    python3 test/support/stutter.py 900 600 npx vitest run compute/jobs

What has a session of its own (the S3 server, a browser) goes on, so that answers arrive while those who wait for them cannot look.
The stops take no time from other processes of the machine. Ends with the code of the command. Linux only.
"""

import os
import random
import signal
import subprocess
import sys
import time

stop, go = (float(argument) / 1000 for argument in sys.argv[1:3])
command = subprocess.Popen(sys.argv[3:], start_new_session=True)


def session_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin1") as file:
            # The name, in parentheses, may hold anything.
            return int(file.read().rpartition(")")[2].split()[3])
    except OSError:
        return None


def tell_all(number):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if session_of(pid) != command.pid:
            continue
        try:
            os.kill(int(pid), number)
        except ProcessLookupError:
            pass


def end(number, _frame):
    tell_all(signal.SIGCONT)
    tell_all(number)


for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, end)
while command.poll() is None:
    time.sleep(random.random() * go)
    tell_all(signal.SIGSTOP)
    time.sleep(random.random() * stop)
    tell_all(signal.SIGCONT)
sys.exit(command.returncode)
