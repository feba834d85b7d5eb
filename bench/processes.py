"""What a benchmark needs of processes: servers on a processor of their own, and what they use."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

SERVER_CPU, LOAD_CPU = "0", "1"


class Server:
    """A server on a processor of its own, on 127.0.0.1."""

    def __init__(self, command, port=None):
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CPU, *command], stdout=subprocess.PIPE, text=True
        )
        self.port = port
        if port is None:
            self.port = int(re.search(r":(\d+) \(", self.process.stdout.readline()).group(1))
        else:
            wait_for_port(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid


def wait_for_port(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) << 10


def processor_time(pid):
    """User and system time of all its threads, io-wq's among them, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def precise_processor_time(pid):
    """The same in nanoseconds' steps: clock_getcpuclockid(3), which Python has not."""
    scheduled = 2
    return time.clock_gettime((~pid << 3) | scheduled)


@contextlib.contextmanager
def kept_awake():
    """A server's processor falls asleep between its pieces of work, a benchmark's without sockets
    never does. What runs only where nothing else would (SCHED_IDLE) makes the two alike; the
    switching to and fro is on the server's bill."""
    command = ["chrt", "--idle", "0", "taskset", "-c", SERVER_CPU]
    idler = subprocess.Popen([*command, sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        idler.kill()
        idler.wait()
