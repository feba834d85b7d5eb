"""What the interop tests share: the processes of both ends, and what they report.

Every test gets `PEER ENDPOINT RINGDOWN`: `python`, `node` or `openssl`, and the programs `endpoint`
(ours, of this directory) and `ringdown`; in the environment it may get TLS_VERSION. All ends take
the same steps, those of step.h, and print what they saw as lines of JSON. Nothing sleeps: a test
waits for lines and for the ends of processes.
"""

import asyncio
import atexit
import ctypes
import functools
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import zlib

PATIENCE = 300  # seconds for a test; what it waits for takes milliseconds
SKIPPED = 77  # the exit status that meson knows
HERE = pathlib.Path(__file__).resolve().parent

PEER, ENDPOINT, RINGDOWN = sys.argv[1:4]
TLS = os.environ.get("TLS_VERSION", "")  # 1.2 or 1.3; empty: no TLS

# Where a Debian package of Node puts its modules.
ENVIRONMENT = dict(os.environ, NODE_PATH="/usr/share/nodejs")

# 123 bytes, the longest reason (RFC 6455 5.5), in characters of one to four bytes.
REASON = "f\u00fcr immer \u4e16\u754c \U0001f44b "
REASON += "x" * (123 - len(REASON.encode()))
GREETING = "Gr\u00fc\u00dfe, \u043c\u0438\u0440, \u4e16\u754c \U0001f30d"


def missing(what):
    print(f"skipped: {what} is not installed")
    sys.exit(SKIPPED)


def peer_command():
    if PEER == "openssl":
        return [shutil.which("openssl") or missing("openssl")]
    if PEER == "python":
        if importlib.util.find_spec("websockets") is None:
            missing("python3-websockets")
        return [sys.executable, str(HERE / "python_peer.py")]
    # Debian's has both names, others' one.
    for node in filter(None, map(shutil.which, ("nodejs", "node"))):
        has_ws = [node, "-e", "require('ws')"]
        if subprocess.run(has_ws, env=ENVIRONMENT, capture_output=True).returncode == 0:
            return [node, str(HERE / "node_peer.js")]
    missing("nodejs or node-ws")


PEER_COMMAND = peer_command()


@functools.cache
def certificate():
    """One for localhost, and its key, that both ends are given. (chain file, key file)"""
    if shutil.which("openssl") is None:
        missing("openssl")
    directory = tempfile.TemporaryDirectory()
    atexit.register(directory.cleanup)
    files = f"{directory.name}/chain.pem", f"{directory.name}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=interop", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )
    return files


def tls_options(role):
    """Of an endpoint and of a peer alike."""
    if not TLS:
        return []
    chain, key = certificate()
    if role == "dial":
        return [f"--tls={TLS}", f"--ca={chain}"]
    return [f"--tls={TLS}", f"--certificate={chain}", f"--key={key}"]


def die_with_parent():
    pr_set_pdeathsig = 1  # prctl(2)
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Process:
    def __init__(self, process):
        self.process = process
        self.address = None

    @property
    def url(self):
        return f"{'wss' if TLS else 'ws'}://{self.address}/"

    async def line(self):
        line = await self.process.stdout.readline()
        if not line:
            status = await self.process.wait()
            raise AssertionError(f"it ended, with status {status}, and said nothing more")
        return line.decode().rstrip("\n")

    async def listening(self):
        words = (await self.line()).split()
        if words[:2] != ["listening", "on"]:
            raise AssertionError(f"not listening: {words}")
        self.address = words[2]
        return self

    async def report(self):
        return json.loads(await self.line())

    async def end(self):
        """Whatever else it says, and its exit status."""
        rest = await self.process.stdout.read()
        return rest.decode(), await self.process.wait()

    async def kill(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class RingdownServe(Process):
    """`ringdown serve`; its tally comes with its end."""

    tally_file = None

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return await self.tally()

    async def tally(self):
        _, status = await self.end()
        return status, json.loads(pathlib.Path(self.tally_file).read_text(encoding="utf-8"))


def text(message):
    """What an end says about a text message that came."""
    data = message.encode()
    seen = {"kind": "text", "size": len(data), "crc32": zlib.crc32(data)}
    return dict(seen, text=message) if len(data) <= 256 else seen


def binary(size):
    """The same for a binary one, of the pattern."""
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    return {"kind": "binary", "size": size, "crc32": zlib.crc32(data)}


def bounded(test):
    @functools.wraps(test)
    async def run(self):
        await asyncio.wait_for(test(self), PATIENCE)

    return run


class InteropCase(unittest.IsolatedAsyncioTestCase):
    maxDiff = None

    def shortDescription(self):  # unittest would show docstrings in the place of names
        return None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name in dir(cls):
            if name.startswith("test_"):
                setattr(cls, name, bounded(getattr(cls, name)))

    async def start(self, *command, kind=Process, stdin=subprocess.DEVNULL, stderr=None):
        process = kind(
            await asyncio.create_subprocess_exec(
                *command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr,
                env=ENVIRONMENT, preexec_fn=die_with_parent, limit=1 << 20,
            )
        )
        self.addAsyncCleanup(process.kill)
        return process

    async def start_peer(self, role, *words):
        peer = await self.start(*PEER_COMMAND, role, *tls_options(role), *words)
        return await peer.listening() if role == "serve" else peer

    async def start_endpoint(self, role, *words):
        endpoint = await self.start(ENDPOINT, role, *tls_options(role), *words)
        return await endpoint.listening() if role == "serve" else endpoint

    async def start_serve(self, mode, *options):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        tally_file = f"{directory.name}/tally.json"
        if TLS:
            chain, key = certificate()
            options = ("--tls-cert", chain, "--tls-key", key, *options)
        server = await self.start(
            RINGDOWN, "serve", "--listen", "127.0.0.1:0", "--mode", mode, "--json", tally_file,
            "--quiet", *options, kind=RingdownServe,
        )
        server.tally_file = tally_file
        return await server.listening()

    async def dial(self, server, *words, options=()):
        """The peer takes these steps with `server`; what it saw."""
        return await (await self.start_peer("dial", *options, server.url, *words)).report()

    def assert_parts(self, report, **wanted):
        self.assertEqual({key: report.get(key) for key in wanted}, wanted, report)
