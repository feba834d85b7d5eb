"""The programs `openssl s_client` and `openssl s_server` with our server and our client: every byte
of the WebSocket is written and read here, so what stands between is TLS alone, and how it ends.

s_client says by its exit status whether close_notify came. s_server answers one at once, and sends
none of its own accord: at a line `Q` it closes the socket.
"""

import base64
import hashlib
import subprocess
import sys
import unittest

from interop import PEER_COMMAND, TLS, InteropCase, Process, certificate, text

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, CLOSE = 0x81, 0x88
MASK = b"\x12\xf4\x56\x8b"


def accept_for(key):  # RFC 6455 4.2.2
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


def frame(first_byte, payload, masked=False):
    assert len(payload) < 126
    if not masked:
        return bytes([first_byte, len(payload)]) + payload
    covered = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([first_byte, 0x80 | len(payload)]) + MASK + covered


def close_payload(status, reason=b""):
    return status.to_bytes(2, "big") + reason


class Raw(Process):
    """What is written goes through TLS to the other side; what comes is read."""

    async def write(self, data):
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def until(self, end):
        return await self.process.stdout.readuntil(end)

    async def exactly(self, size):
        return await self.process.stdout.readexactly(size)

    async def masked_frame(self):
        first_byte, size = await self.exactly(2)
        mask, covered = await self.exactly(4), await self.exactly(size & 0x7F)
        return first_byte, bytes(byte ^ mask[i % 4] for i, byte in enumerate(covered))


class OpensslCase(InteropCase):
    async def openssl(self, *command):
        return await self.start(*PEER_COMMAND, *command, "-tls" + TLS.replace(".", "_"), kind=Raw,
                                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def assert_ended(self, report, outcome, peer_status, **tls):
        self.assert_parts(report, opened=True, outcome=outcome, peer_status=peer_status)
        self.assert_parts(report["tls"], version=TLS, failure="none", **tls)


class ServerTest(OpensslCase):
    """`openssl s_client`, and our server."""

    async def open(self, *steps):
        server = await self.start_endpoint("serve", *steps)
        client = await self.openssl("s_client", "-connect", server.address, "-CAfile",
                                    certificate()[0], "-verify_return_error", "-quiet",
                                    "-no_ign_eof")
        await client.write(
            f"GET / HTTP/1.1\r\nHost: {server.address}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )
        head = (await client.until(b"\r\n\r\n")).decode()
        self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
        self.assertIn(f"\r\nSec-WebSocket-Accept: {accept_for(KEY)}\r\n", head)
        return server, client

    async def test_all_bytes_pass_and_close_notify_comes_behind_them(self):
        server, client = await self.open("messages=1", "text=answer", "shutdown=4000:bye")
        await client.write(frame(TEXT, b"hello", masked=True))
        wanted = frame(TEXT, b"answer") + frame(CLOSE, close_payload(4000, b"bye"))
        self.assertEqual(await client.exactly(len(wanted)), wanted)
        await client.write(frame(CLOSE, close_payload(4001), masked=True))
        self.assertEqual(await client.end(), ("", 0))
        report = await server.report()
        self.assertEqual(report["messages"], [text("hello")])
        self.assert_ended(report, "clean", 4001, notify_sent=True, notify_received=True,
                          truncated=False)

    async def test_it_answers_a_close_notify_of_a_half_close_at_once(self):
        server, client = await self.open("--depth=tls", "messages=1", "shutdown=4000")
        await client.write(frame(TEXT, b"hello", masked=True))
        wanted = frame(CLOSE, close_payload(4000))
        self.assertEqual(await client.exactly(len(wanted)), wanted)
        self.assertEqual(await client.end(), ("", 0))
        self.assert_ended(await server.report(), "dropped", 1006, notify_sent=True,
                          notify_received=True, truncated=False)

    async def test_its_close_notify_without_a_close_frame(self):
        server, client = await self.open("messages=2")
        await client.write(frame(TEXT, b"hello", masked=True))
        client.process.stdin.close()
        self.assert_ended(await server.report(), "dropped", 1006, notify_received=True,
                          truncated=False)

    async def test_a_client_that_is_killed_is_a_truncation(self):
        server, client = await self.open("text=you are there", "messages=2")
        await client.exactly(len(frame(TEXT, b"you are there")))
        await client.kill()
        self.assert_ended(await server.report(), "dropped", 1006, notify_received=False,
                          truncated=True)


class ClientTest(OpensslCase):
    """Our client, and `openssl s_server`."""

    async def open(self, *steps, options=()):
        chain, key = certificate()
        server = await self.openssl("s_server", "-accept", "127.0.0.1:0", "-cert", chain, "-key",
                                    key)
        await server.until(b"ACCEPT ")
        server.address = await server.line()
        client = await self.start_endpoint("dial", *options, server.url, *steps)
        await server.until(b"GET / HTTP/1.1\r\n")
        head = (await server.until(b"\r\n\r\n")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n") if line)
        await server.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_for(fields['Sec-WebSocket-Key'])}\r\n\r\n".encode()
        )
        return server, client

    async def test_all_bytes_pass_and_a_missing_close_notify_is_told(self):
        server, client = await self.open("text=hello", "messages=1")
        self.assertEqual(await server.masked_frame(), (TEXT, b"hello"))
        await server.write(frame(TEXT, b"answer") + frame(CLOSE, close_payload(4001, b"bye")))
        self.assertEqual(await server.masked_frame(), (CLOSE, close_payload(4001)))
        await server.write(b"Q\n")
        report = await client.report()
        self.assertEqual(report["messages"], [text("answer")])
        self.assert_ended(report, "clean", 4001, truncated=True, notify_received=False)

    async def test_it_answers_a_close_notify_of_a_half_close_at_once(self):
        for depth in ("tls", "tcp"):
            server, client = await self.open("shutdown=4000", options=[f"--depth={depth}"])
            self.assertEqual(await server.masked_frame(), (CLOSE, close_payload(4000)))
            self.assert_ended(await client.report(), "dropped", 1006, notify_sent=True,
                              notify_received=True, truncated=False)

    async def test_a_server_that_is_killed_is_a_truncation(self):
        server, client = await self.open("text=hello", "messages=1")
        self.assertEqual(await server.masked_frame(), (TEXT, b"hello"))
        await server.kill()
        self.assert_ended(await client.report(), "dropped", 1006, notify_received=False,
                          truncated=True)


if __name__ == "__main__":
    unittest.main(argv=["openssl_test.py", "-v", *sys.argv[4:]])
