"""Python's `websockets` as the other end of the interop tests: takes the given steps, in either
role, and prints what it saw as a line of JSON.

    python_peer.py dial [OPTION...] URL STEP...    --subprotocol=NAME (several)
    python_peer.py serve [OPTION...] STEP...       --choose=NAME, --header=NAME:VALUE (in the 101),
                                                   --refuse=STATUS; prints `listening on ADDRESS`,
                                                   and a line for each connection

Over TLS: --tls=VERSION (1.2 or 1.3) with --ca=FILE of a client, with --certificate=FILE and
--key=FILE of a server.

The steps are those of step.h, and echo (every message back, until the end), fin (FIN without a
Close frame; over TLS behind close_notify), peer-end (waits for the other side's), reset (RST) and
say=STRING (prints it).

What this library (10.4, its asyncio layer) does at a close: it answers a Close frame at once, with
the same payload, and reads nothing behind it, Pongs included. It has no half-close, but its `close`
goes on delivering what arrives, so a shutdown is the same here; Pings that come behind its own
Close it does not answer. To send after the peer's Close (step peer-close), its answer is held back.
At FIN it closes its socket: then it sends nothing more. At a close_notify asyncio does, at once: a
Close frame that came right before it is not answered any more.
"""

import asyncio
import http
import json
import socket
import ssl
import struct
import sys
import zlib

import websockets
from websockets.frames import Close
from websockets.legacy.client import WebSocketClientProtocol
from websockets.legacy.server import WebSocketServerProtocol

OP_CONTINUATION, OP_TEXT, OP_BINARY = 0, 1, 2
SHOWN_SIZE_MAX = 256


def pattern(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


class Recorder:
    """What a connection sees, beside its messages; and the answer to a Close frame, held back."""

    holds_answer = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.report = {"opened": False, "messages": [], "pings": [], "pongs": [], "close": None}
        self.close_seen = asyncio.Event()
        self.answered = asyncio.Event()
        self.peer_ended = asyncio.Event()

    async def pong(self, data=b""):  # called for each Ping that comes
        self.report["pings"].append(data.decode())
        await super().pong(data)

    def eof_received(self):
        self.peer_ended.set()
        return super().eof_received()

    async def write_close_frame(self, close, data=None):  # called for each Close frame that comes
        if self.close_rcvd is not None and not self.close_seen.is_set():
            self.report["close"] = {
                "status": self.close_rcvd.code, "reason": self.close_rcvd.reason
            }
            self.close_seen.set()
            if self.holds_answer:
                await self.answered.wait()
        await super().write_close_frame(close, data)


class PeerClient(Recorder, WebSocketClientProtocol):
    pass


class PeerServer(Recorder, WebSocketServerProtocol):
    pass


class Conversation:
    def __init__(self, connection, steps):
        self.connection = connection
        self.report = connection.report
        self.steps = [step.partition("=")[::2] for step in steps]
        self.changed = asyncio.Condition()
        self.echoes = ("echo", "") in self.steps
        self.closing = None

    async def run(self):
        self.report["opened"] = True
        self.report["subprotocol"] = self.connection.subprotocol or ""
        self.report["extensions"] = [extension.name for extension in self.connection.extensions]
        receiving = asyncio.create_task(self.receive())
        for verb, argument in self.steps:
            try:
                await getattr(self, "do_" + verb.replace("-", "_"))(argument)
            except websockets.ConnectionClosed:
                self.report["stopped_at"] = verb
                break
        self.connection.answered.set()
        await receiving
        if self.closing:
            await self.closing
        await self.connection.wait_closed()
        self.report["ended"] = self.connection.close_code
        return self.report

    async def receive(self):
        try:
            while True:
                message = await self.connection.recv()
                await self.note("messages", self.description(message))
                if self.echoes:
                    await self.connection.send(message)
        except websockets.ConnectionClosed:
            pass

    async def note(self, what, value):
        async with self.changed:
            self.report[what].append(value)
            self.changed.notify_all()

    async def wait_for(self, what, count):
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.report[what]) >= count)

    @staticmethod
    def description(message):
        is_text = isinstance(message, str)
        data = message.encode() if is_text else message
        seen = {
            "kind": "text" if is_text else "binary", "size": len(data), "crc32": zlib.crc32(data)
        }
        if is_text and len(data) <= SHOWN_SIZE_MAX:
            seen["text"] = message
        return seen

    # --- the steps ---

    async def do_echo(self, _):
        pass

    async def do_text(self, text):
        await self.connection.send(text)

    async def do_binary(self, size):
        await self.connection.send(pattern(int(size)))

    async def send_fragments(self, opcode, parts, between=None):
        # `send` takes fragments too, but ends them with an empty one, and cuts no character.
        for index, part in enumerate(parts):
            last = index + 1 == len(parts)
            await self.connection.write_frame(last, opcode if index == 0 else OP_CONTINUATION, part)
            if between and not last:
                await between()

    async def do_split(self, text):
        data = text.encode()
        third = len(data) // 3
        parts = [data[:third], data[third : 2 * third], data[2 * third :]]
        # The library does not let two Pings of one payload wait for their Pongs.
        payloads = iter(("between", "between again"))
        await self.send_fragments(OP_TEXT, parts, lambda: self.do_ping(next(payloads)))

    async def do_fragments(self, count_and_size):
        count, size = map(int, count_and_size.split(":"))
        data = pattern(count * size)
        parts = [data[i * size : (i + 1) * size] for i in range(count)]
        await self.send_fragments(OP_BINARY, parts)

    async def do_ping(self, payload):
        ponged = await self.connection.ping(payload)

        async def wait():
            try:
                await ponged
                await self.note("pongs", payload)
            except (websockets.ConnectionClosed, asyncio.CancelledError):
                pass

        self.waiting = [*getattr(self, "waiting", []), asyncio.create_task(wait())]

    async def do_messages(self, count):
        await self.wait_for("messages", int(count))

    async def do_pongs(self, count):
        await self.wait_for("pongs", int(count))

    async def do_peer_close(self, _):
        await self.connection.close_seen.wait()

    async def do_peer_end(self, _):
        await self.connection.peer_ended.wait()

    async def do_shutdown(self, status_and_reason):
        status, _, reason = status_and_reason.partition(":")
        await self.connection.write_close_frame(Close(int(status), reason))
        self.closing = asyncio.create_task(self.connection.close())

    do_close = do_shutdown

    async def do_say(self, what):
        say(what)

    async def do_abort(self, _):
        self.connection.transport.abort()

    async def do_reset(self, _):
        of_socket = self.connection.transport.get_extra_info("socket")
        of_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()

    async def do_fin(self, _):
        transport = self.connection.transport
        transport.write_eof() if transport.can_write_eof() else transport.close()


def say(report):
    print(json.dumps(report), flush=True)


def secure_context(given, purpose):
    if "tls" not in given:
        return None
    context = ssl.create_default_context(purpose, cafile=given.get("ca", [None])[0])
    context.minimum_version = context.maximum_version = {
        "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3
    }[given["tls"][0]]
    if "certificate" in given:
        context.load_cert_chain(given["certificate"][0], given["key"][0])
    return context


async def dial(url, steps, subprotocols, secure):
    options = {"subprotocols": subprotocols or None, "max_size": None, "ping_interval": None}
    if secure:
        options["ssl"] = secure
    try:
        connection = await websockets.connect(url, create_protocol=PeerClient, **options)
    except (websockets.WebSocketException, OSError) as failure:
        say({"opened": False, "failure": str(failure)})
        return
    say(await Conversation(connection, steps).run())


async def serve(steps, chosen, headers, refuse_with, secure):
    async def converse(connection):
        say(await Conversation(connection, steps).run())

    async def refuse(path, request_headers):
        return http.HTTPStatus(refuse_with), [], b"refused\n"

    server = await websockets.serve(
        converse, "127.0.0.1", 0, create_protocol=PeerServer, max_size=None, ping_interval=None,
        subprotocols=chosen or None, extra_headers=headers,
        process_request=refuse if refuse_with else None, ssl=secure,
    )
    host, port = server.sockets[0].getsockname()
    print(f"listening on {host}:{port}", flush=True)
    await asyncio.Future()


def main():
    role, *words = sys.argv[1:]
    options = [word[2:].partition("=")[::2] for word in words if word.startswith("--")]
    steps = [word for word in words if not word.startswith("--")]
    Recorder.holds_answer = "peer-close" in steps
    given = {}
    for name, value in options:
        given.setdefault(name, []).append(value)
    if role == "dial":
        secure = secure_context(given, ssl.Purpose.SERVER_AUTH)
        asyncio.run(dial(steps[0], steps[1:], given.get("subprotocol"), secure))
    else:
        headers = [tuple(header.split(":", 1)) for header in given.get("header", [])]
        refuse_with = int(given.get("refuse", [0])[0])
        secure = secure_context(given, ssl.Purpose.CLIENT_AUTH)
        asyncio.run(serve(steps, given.get("choose"), headers, refuse_with, secure))


main()
