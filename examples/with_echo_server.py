"""Runs a program `PROGRAM HOST PORT` against an echo server; its exit status is the program's.

    with_echo_server.py ECHO_SERVER PROGRAM
"""

import subprocess
import sys

server = subprocess.Popen([sys.argv[1], "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
try:
    address = server.stdout.readline().split()[-1]  # listening on 127.0.0.1:PORT
    sys.exit(subprocess.run([sys.argv[2], *address.rsplit(":", 1)]).returncode)
finally:
    server.terminate()
    server.wait()
