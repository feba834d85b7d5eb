"""Programs as they are written for Windows, with other people's servers, over ws and wss.

    interop_test.py PEER PROGRAMS_DIRECTORY -

PEER: `python` or `node`.
"""

import asyncio
import pathlib
import sys
import unittest

PEER, PROGRAMS = sys.argv[1:3]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

from interop import InteropCase, certificate  # noqa: E402

SYNC = ("sync_echo", "sync_echo_cxx")
ASYNC = ("async_half_close", "async_half_close_cxx", "async_half_close_short")
STYLES = (
    "error_printer", "loader", "proxies", "safe_strings", "socket_class", "tchar_main",
    "thread_pair", "vendor_async", "wide_main", "winsock_first",
)
WIDE_SIZE = 4  # of wchar_t, in which sync_echo says "Hello world"
UNKNOWN_AUTHORITY = 8  # WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA
SECURE_FAILURE = 12175  # ERROR_WINHTTP_SECURE_FAILURE


class ProgramsTest(InteropCase):
    late_sizes = (1, 125, 4096, 4097, 70_000)
    schemes = ([], ["secure", "insecure"])

    async def run_program(self, name, options, *steps):
        """What the program prints and its exit status; the peer, which took these steps."""
        secure = []
        if options:
            chain, key = certificate()
            secure = ["--tls=1.3", f"--certificate={chain}", f"--key={key}"]
        server = await self.start_peer("serve", *secure, *steps)
        host, port = server.address.rsplit(":", 1)
        program = await self.start(f"{PROGRAMS}/{name}", host, port, *options)
        said, status = await program.end()
        return said.splitlines(), status, server

    async def test_a_synchronous_client_is_echoed_and_closes(self):
        for name in SYNC:
            for options in self.schemes:
                with self.subTest(name=name, options=options):
                    said, status, server = await self.run_program(name, options, "echo")
                    self.assertEqual(status, 0, said)
                    self.assertIn("Received message from the server: 'Hello world'", said)
                    report = await server.report()
                    self.assert_parts(report, close={"status": 1000, "reason": ""}, ended=1000)
                    self.assertEqual([m["size"] for m in report["messages"]], [11 * WIDE_SIZE])

    async def check_style(self, name, options):
        said, status, server = await self.run_program(name, options, "echo")
        self.assertEqual(status, 0, (name, options, said))
        text = f"hello from {name}"
        self.assertIn(f"got {text}", said)
        report = await server.report()
        self.assert_parts(report, close={"status": 1000, "reason": ""}, ended=1000)
        self.assertEqual([m["size"] for m in report["messages"]], [len(text)])
        return said

    async def test_programs_in_every_style_are_echoed_and_close(self):
        for options in self.schemes:
            with self.subTest(options=options):
                await asyncio.gather(*(self.check_style(name, options) for name in STYLES))

    async def test_programs_say_what_is_not_there(self):
        said = await self.check_style("loader", [])
        self.assertIn("no change notifications here", said)
        said = await self.check_style("proxies", [])
        refused = ["a named proxy: 50", "no proxy for the URL: 12180", "a named proxy later: 50"]
        self.assertEqual(said[:3], refused)
        said = await self.check_style("error_printer", [])
        self.assertEqual(said[:2], ["no session: The handle is not valid.",
                                    "header: The header is not valid."])

    async def test_an_asynchronous_client_half_closes_and_gets_the_rest(self):
        # The peer's answer to the Close frame is held back, and messages are sent before it.
        late = [f"text={'x' * size}" for size in self.late_sizes]
        steps = ["peer-close", *late, "shutdown=4001:done"]
        for name in ASYNC:
            for options in self.schemes:
                with self.subTest(name=name, options=options):
                    said, status, server = await self.run_program(name, options, *steps)
                    self.assertEqual(status, 0, said)
                    received = [f"received {size}" for size in self.late_sizes]
                    self.assertEqual(said, [*received, "closed 4001"])
                    report = await server.report()
                    self.assert_parts(report, close={"status": 4000, "reason": "no more"})
                    self.assertEqual([m["size"] for m in report["messages"]], [70_000] * 5)

    async def test_a_certificate_that_nobody_knows_is_refused(self):
        said, status, _ = await self.run_program("async_half_close", ["secure"], "echo")
        self.assertEqual(status, 1)
        wanted = [f"secure failure {UNKNOWN_AUTHORITY}", f"failed {SECURE_FAILURE}"]
        self.assertEqual(said, wanted)
        said, status, _ = await self.run_program("sync_echo", ["secure"], "echo")
        self.assertEqual(status, SECURE_FAILURE % 256)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
