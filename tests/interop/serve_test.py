"""Other people's clients with `ringdown serve`, echo and push: what they see, and what the server
counts by its end.
"""

import sys
import unittest

from interop import GREETING, PEER, REASON, InteropCase, binary, text

MEBI = 1 << 20


def late(number, size):
    """A late message of push mode (`push N [B]`)."""
    return text(f"late {number}".ljust(size, "."))


class ServeCase(InteropCase):
    async def assert_served(self, server, **counts):
        """Ends the server; every connection that it accepted is in `counts`, and nowhere else."""
        status, tally = await server.stop()
        self.assertEqual(status, 0, tally)
        kinds = ("clean", "aborted", "timed_out", "violations", "dropped", "refused",
                 "open_timed_out", "open_dropped", "aborted_by_drain")
        wanted = {kind: counts.get(kind, 0) for kind in kinds}
        self.assert_parts(tally, **wanted, accepted=sum(wanted.values()))

    def assert_closed(self, report, status=1000):
        self.assert_parts(report, opened=True, ended=status)
        self.assertNotIn("stopped_at", report)


class EchoTest(ServeCase):
    async def echo(self, *steps):
        server = await self.start_serve("echo")
        report = await self.dial(server, *steps, "close=1000")
        self.assert_closed(report)
        await self.assert_served(server, clean=1)
        return report

    async def test_text(self):
        texts = [GREETING, "", "plain", "x" * 65_536, "\U0001f30d" * 20_000]
        report = await self.echo(*[f"text={t}" for t in texts], "messages=5")
        self.assertEqual(report["messages"], [text(t) for t in texts])

    async def test_binary(self):
        sizes = [0, 1, 125, 126, 127, 4096, 4097, 65_535, 65_536, 1_000_003]
        report = await self.echo(*[f"binary={n}" for n in sizes], f"messages={len(sizes)}")
        self.assertEqual(report["messages"], [binary(n) for n in sizes])

    async def test_three_fragments_and_pings_between(self):
        report = await self.echo(f"split={GREETING}", "pongs=2", "messages=1")
        self.assertEqual(report["messages"], [text(GREETING)])
        self.assertEqual(len(report["pongs"]), 2)

    async def test_sixteen_mebibytes(self):
        report = await self.echo(f"binary={16 * MEBI}", "messages=1")
        self.assertEqual(report["messages"], [binary(16 * MEBI)])

    async def test_65536_fragments(self):
        report = await self.echo("fragments=65536:16", "messages=1")
        self.assertEqual(report["messages"], [binary(MEBI)])

    async def test_pings(self):
        report = await self.echo("ping=", "ping=payload", f"ping={'x' * 125}", "pongs=3")
        self.assertEqual(report["pongs"], ["", "payload", "x" * 125])

    async def test_permessage_deflate_is_declined(self):
        report = await self.echo(f"text={'z' * 500}", "messages=1")
        self.assertEqual(report["extensions"], [])
        self.assertEqual(report["messages"], [text("z" * 500)])

    async def test_a_message_over_the_limit(self):
        server = await self.start_serve("echo", "--max-message", "1000")
        report = await self.dial(server, "binary=1000", "messages=1", "binary=1001")
        self.assertEqual(report["messages"], [binary(1000)])
        self.assert_parts(report["close"], status=1009)
        await self.assert_served(server, violations=1)

    async def test_the_client_closes_first(self):
        server = await self.start_serve("echo")
        report = await self.dial(server, f"close=4000:{REASON}")
        self.assert_parts(report["close"], status=4000)
        self.assert_closed(report, 4000)
        await self.assert_served(server, clean=1)

    async def test_a_close_frame_right_behind_messages_is_answered_behind_their_echoes(self):
        server = await self.start_serve("echo")
        report = await self.dial(server, *[f"binary={n}" for n in (10, 5000, 100_000)],
                                 "close=4000:bye")
        self.assertEqual(report["messages"], [binary(n) for n in (10, 5000, 100_000)])
        self.assert_closed(report, 4000)
        await self.assert_served(server, clean=1)

    async def test_a_drain_says_going_away(self):
        server = await self.start_serve("echo")
        clients = []
        for _ in range(3):
            clients.append(await self.start_peer("dial", server.url, "text=here", "messages=1",
                                                 "say=echoed"))
        for client in clients:
            self.assertEqual(await client.line(), '"echoed"')
        await self.assert_served(server, clean=3)
        for client in clients:
            report = await client.report()
            self.assert_parts(report["close"], status=1001)
            self.assert_closed(report, 1001)

    async def test_subprotocols_are_not_chosen(self):
        server = await self.start_serve("echo")
        report = await self.dial(server, "text=hello", "messages=1", "close=1000",
                                 options=["--subprotocol=chat"])
        if PEER == "python":
            self.assert_parts(report, opened=True, subprotocol="")
            await self.assert_served(server, clean=1)
        else:
            # RFC 6455 4.2.2 leaves the server free to agree on none; this client insists on one.
            self.assert_parts(report, opened=False, failure="Server sent no subprotocol")
            await self.assert_served(server, dropped=1)

    async def test_it_survives_clients_that_are_lost(self):
        server = await self.start_serve("echo")
        for how in ("abort", "reset", "fin"):
            report = await self.dial(server, "text=hello", "messages=1", how)
            self.assert_parts(report, opened=True, ended=1006)
        # In the middle of a large message, and of its echo.
        for how in ("abort", "reset"):
            report = await self.dial(server, f"binary={MEBI}", how)
            self.assert_parts(report, opened=True, ended=1006)
        report = await self.dial(server, "text=still there?", "messages=1", "close=1000")
        self.assertEqual(report["messages"], [text("still there?")])
        self.assert_closed(report)
        await self.assert_served(server, clean=1, dropped=5)


class PushTest(ServeCase):
    async def push(self, *steps):
        server = await self.start_serve("push")
        return server, await self.dial(server, *steps)

    async def test_the_server_closes_first(self):
        server, report = await self.push(f"text=close 4000 {REASON}")
        self.assertEqual(report["close"], {"status": 4000, "reason": REASON})
        self.assert_closed(report, 4000)
        await self.assert_served(server, clean=1)

    async def test_the_server_closes_first_without_a_status(self):
        server, report = await self.push("text=close 1005")
        self.assertEqual(report["close"], {"status": 1005, "reason": ""})
        self.assert_closed(report, 1005)
        await self.assert_served(server, clean=1)

    async def test_late_messages_come_to_a_client_that_half_closed(self):
        server, report = await self.push("text=push 20 64", "shutdown=4000:half")
        self.assertEqual(report["messages"], [late(i, 64) for i in range(20)])
        self.assert_parts(report["close"], status=4000)
        self.assert_closed(report, 4000)
        await self.assert_served(server, clean=1)

    async def test_large_late_messages(self):
        server, report = await self.push("text=push 3 1000000", "shutdown=1000")
        self.assertEqual(report["messages"], [late(i, 1_000_000) for i in range(3)])
        self.assert_closed(report)
        await self.assert_served(server, clean=1)

    async def test_a_held_close_is_answered_at_the_release(self):
        server = await self.start_serve("push")
        held = await self.start_peer("dial", server.url, "text=hold 30", "text=push 3", "ping=done",
                                     "pongs=1", "shutdown=4000", "say=half-closed")
        self.assertEqual(await held.line(), '"half-closed"')
        releasing = await self.dial(server, "text=release", "close=1000")
        self.assert_closed(releasing)
        report = await held.report()
        self.assertEqual(report["messages"], [late(i, 64) for i in range(3)])
        self.assert_closed(report, 4000)
        await self.assert_served(server, clean=2)

    async def test_a_close_that_is_never_answered(self):
        server = await self.start_serve("push")
        report = await self.dial(server, "text=mute", "ping=done", "pongs=1", "shutdown=4000",
                                 "reset")
        self.assert_parts(report, opened=True, close=None, ended=1006)
        await self.assert_served(server, dropped=1)

    async def test_a_reset(self):
        server, report = await self.push("text=reset")
        self.assert_parts(report, opened=True, close=None, ended=1006)
        await self.assert_served(server, aborted=1)

    async def test_an_unknown_command(self):
        server, report = await self.push("text=jump")
        self.assert_parts(report["close"], status=1008)
        self.assert_closed(report, 1008)
        await self.assert_served(server, clean=1)


if __name__ == "__main__":
    unittest.main(argv=["serve_test.py", "-v", *sys.argv[4:]])
