"""`ringdown storm` with other people's servers, which know nothing of push mode."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from interop import REASON, RINGDOWN, TLS, InteropCase, certificate

NOT_CLEAN = ("aborted", "timed_out", "violations", "dropped", "refused", "not_opened")


class StormTest(InteropCase):
    async def storm(self, server, *options):
        """Its exit status, and the JSON that it wrote, if it did."""
        with tempfile.TemporaryDirectory() as directory:
            result = pathlib.Path(directory) / "storm.json"
            command = [RINGDOWN, "storm", server.url, "--json", str(result), "--quiet", *options]
            if TLS:
                command += ["--ca", certificate()[0]]
            storm = await self.start(*command, stderr=subprocess.STDOUT)
            said, status = await storm.end()
            written = result.read_text(encoding="utf-8") if result.exists() else ""
        return status, said, json.loads(written) if written else None

    async def assert_all_clean(self, handshakes, *options, close):
        server = await self.start_peer("serve")
        status, said, result = await self.storm(server, *options)
        self.assertEqual(status, 0, said)
        nothing = dict.fromkeys(NOT_CLEAN, 0)
        self.assert_parts(result, handshakes=handshakes, clean=handshakes, code_changed=0,
                          messages_lost=0, **nothing)
        for _ in range(handshakes):
            report = await server.report()
            self.assert_parts(report, opened=True, messages=[], close=close, ended=close["status"])
        return result

    async def test_200_connections_close_client_first(self):
        await self.assert_all_clean(
            200, "--pattern", "client-first", "--connections", "200",
            close={"status": 1000, "reason": ""},
        )

    async def test_200_connections_half_close(self):
        result = await self.assert_all_clean(
            200, "--pattern", "half-close", "--connections", "200", "--close-status", "4000",
            "--close-reason", REASON, close={"status": 4000, "reason": REASON},
        )
        self.assert_parts(result, late_messages={"expected": 0, "received": 0})

    async def test_600_handshakes_over_50_connections(self):
        await self.assert_all_clean(
            600, "--pattern", "client-first", "--connections", "50", "--handshakes", "600",
            close={"status": 1000, "reason": ""},
        )

    async def test_a_server_that_refuses(self):
        server = await self.start_peer("serve", "--refuse=503")
        status, said, result = await self.storm(server, "--pattern", "client-first",
                                                "--connections", "20")
        self.assertEqual(status, 1, said)
        self.assert_parts(result, handshakes=20, clean=0, refused=20)

    async def test_a_server_that_is_lost(self):
        server = await self.start_peer("serve", "abort")
        status, said, result = await self.storm(server, "--pattern", "client-first",
                                                "--connections", "20")
        self.assertEqual(status, 1, said)
        self.assert_parts(result, handshakes=20, clean=0, dropped=20)

    async def test_what_needs_push_mode_is_refused(self):
        server = await self.start_peer("serve")
        for options in (("--late-messages", "3"), ("--hold", "1")):
            status, said, _ = await self.storm(server, "--connections", "5", *options)
            self.assertEqual(status, 2, said)
            self.assertIn(options[0], said)


if __name__ == "__main__":
    unittest.main(argv=["storm_test.py", "-v", *sys.argv[4:]])
