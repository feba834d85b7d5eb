"""Our connections with those of other people's libraries, in both roles: the program `endpoint`
against the peer, once as its client and once as its server.
"""

import sys
import unittest

from interop import GREETING, PEER, REASON, TLS, InteropCase, binary, text

MEBI = 1 << 20
NOTIFIED = {"version": TLS, "notify_sent": True, "notify_received": True, "truncated": False,
            "failure": "none"}


class Twins:
    our_role = None

    async def meet(self, ours, theirs, our_options=(), their_options=()):
        """Both ends take their steps; what ours saw, and what the peer saw."""
        ours, theirs = [*our_options, *ours], [*their_options, *theirs]
        if self.our_role == "client":
            peer = await self.start_peer("serve", *theirs)
            words = [*our_options, peer.url, *ours[len(our_options):]]
            endpoint = await self.start_endpoint("dial", *words)
        else:
            endpoint = await self.start_endpoint("serve", *ours)
            words = [*their_options, endpoint.url, *theirs[len(their_options):]]
            peer = await self.start_peer("dial", *words)
        our_report = await endpoint.report()
        their_report = await peer.report() if our_report["opened"] else None
        self.assertEqual(await endpoint.end(), ("", 0), our_report)
        self.assert_parts(our_report, refused=[], gave_up=False)
        return our_report, their_report

    def assert_clean(self, ours, theirs, own_status=1000, peer_status=1000):
        self.assert_parts(
            ours, opened=True, failed=[], steps_left=0, outcome="clean", violation="none",
            error="success", own_status=own_status, peer_status=peer_status,
            tls=NOTIFIED if TLS else None,
        )
        self.assert_parts(theirs, opened=True, ended=own_status)
        self.assertNotIn("stopped_at", theirs)

    # --- messages ---

    async def test_text_goes_both_ways(self):
        texts = [GREETING, "", "plain", "\u00e9" * 63, "x" * 65_536, "\U0001f30d" * 20_000]
        ours, theirs = await self.meet(
            [f"text={t}" for t in texts] + ["messages=6", "close=1000"], ["echo"]
        )
        self.assertEqual(ours["messages"], [text(t) for t in texts])
        self.assertEqual(theirs["messages"], [text(t) for t in texts])
        self.assert_clean(ours, theirs)

    async def test_binary_goes_both_ways_at_every_length_of_the_header(self):
        sizes = [0, 1, 125, 126, 127, 4096, 4097, 65_535, 65_536, 1_000_003]
        ours, theirs = await self.meet(
            [f"binary={n}" for n in sizes] + [f"messages={len(sizes)}", "close=1000"], ["echo"]
        )
        self.assertEqual(ours["messages"], [binary(n) for n in sizes])
        self.assertEqual(theirs["messages"], [binary(n) for n in sizes])
        self.assert_clean(ours, theirs)

    async def test_our_three_fragments_and_the_pings_between(self):
        ours, theirs = await self.meet(
            [f"split={GREETING}", "pongs=2", "messages=1", "close=1000"], ["echo"]
        )
        self.assertEqual(theirs["messages"], [text(GREETING)])
        self.assertEqual(theirs["pings"], ["between", "between"])
        self.assertEqual(ours["pongs"], ["between", "between"])
        self.assertEqual(ours["messages"], [text(GREETING)])
        self.assert_clean(ours, theirs)

    async def test_the_peers_three_fragments_and_the_pings_between(self):
        ours, theirs = await self.meet(
            ["messages=1"], [f"split={GREETING}", "pongs=2", "close=1000"]
        )
        self.assertEqual(ours["messages"], [text(GREETING)])
        self.assertEqual(len(theirs["pongs"]), 2)
        self.assert_clean(ours, theirs)

    async def test_sixteen_mebibytes(self):
        ours, theirs = await self.meet(
            [f"binary={16 * MEBI}", "messages=1", "close=1000"], ["echo"]
        )
        self.assertEqual(theirs["messages"], [binary(16 * MEBI)])
        self.assertEqual(ours["messages"], [binary(16 * MEBI)])
        self.assert_clean(ours, theirs)

    async def test_our_65536_fragments(self):
        ours, theirs = await self.meet(["fragments=65536:16", "messages=1", "close=1000"], ["echo"])
        self.assertEqual(theirs["messages"], [binary(MEBI)])
        self.assertEqual(ours["messages"], [binary(MEBI)])
        self.assert_clean(ours, theirs)

    async def test_the_peers_65536_fragments(self):
        ours, theirs = await self.meet(["messages=1"], ["fragments=65536:16", "close=1000"])
        self.assertEqual(ours["messages"], [binary(MEBI)])
        self.assert_clean(ours, theirs)

    async def test_our_pings_are_answered(self):
        payloads = ["", "payload", "x" * 125]
        ours, theirs = await self.meet(
            [f"ping={p}" for p in payloads] + ["pongs=3", "close=1000"], []
        )
        self.assertEqual(theirs["pings"], payloads)
        self.assertEqual(ours["pongs"], payloads)
        self.assert_clean(ours, theirs)

    async def test_the_peers_pings_are_answered(self):
        payloads = ["", "payload", "x" * 125]
        ours, theirs = await self.meet(
            [], [f"ping={p}" for p in payloads] + ["pongs=3", "close=1000"]
        )
        self.assertEqual(theirs["pongs"], payloads)
        self.assert_clean(ours, theirs)

    # --- closing ---

    async def test_we_close_first(self):
        ours, theirs = await self.meet([f"close=4000:{REASON}"], [])
        self.assertEqual(theirs["close"], {"status": 4000, "reason": REASON})
        self.assert_clean(ours, theirs, own_status=4000, peer_status=4000)

    async def test_the_peer_closes_first(self):
        ours, theirs = await self.meet([], [f"close=4000:{REASON}"])
        self.assertEqual(ours["close"], {"status": 4000, "reason": REASON})
        self.assert_parts(theirs["close"], status=4000)
        self.assert_clean(ours, theirs, own_status=4000, peer_status=4000)

    async def test_both_close_at_once(self):
        ours, theirs = await self.meet(["close=4000:ours"], ["close=4001:theirs"])
        # Whose Close frame was first is not decided: the second may be an echo.
        self.assertIn((ours["own_status"], ours["peer_status"]),
                      [(4000, 4001), (4000, 4000), (4001, 4001)])
        self.assert_clean(ours, theirs, ours["own_status"], ours["peer_status"])

    async def test_a_close_frame_without_status(self):
        ours, theirs = await self.meet(["close=1005"], [])
        self.assertEqual(theirs["close"], {"status": 1005, "reason": ""})
        self.assert_clean(ours, theirs, own_status=1005, peer_status=1005)

    # --- half-closing ---

    async def test_we_half_close_and_go_on_receiving(self):
        """The peer's library stops reading at our Close frame: our Pong is sent, and not seen."""
        late = ["text=late 0", "ping=still there?", "binary=100000", f"text=late {GREETING}"]
        ours, theirs = await self.meet(
            ["text=last words", "shutdown=4000:half", "messages=3"],
            ["peer-close", *late, "shutdown=4001:done"],
        )
        self.assertEqual(ours["messages"],
                         [text("late 0"), binary(100_000), text(f"late {GREETING}")])
        self.assertEqual(ours["close"], {"status": 4001, "reason": "done"})
        self.assertEqual(theirs["messages"], [text("last words")])
        self.assertEqual(theirs["close"], {"status": 4000, "reason": "half"})
        self.assert_clean(ours, theirs, own_status=4000, peer_status=4001)

    async def test_the_peer_half_closes_and_goes_on_receiving(self):
        late = ["text=late 0", "binary=100000", f"text=late {GREETING}"]
        ours, theirs = await self.meet(
            ["peer-close", *late, "shutdown=4001:done"],
            ["text=last words", "shutdown=4000:half", "messages=3"],
        )
        self.assertEqual(theirs["messages"],
                         [text("late 0"), binary(100_000), text(f"late {GREETING}")])
        self.assertEqual(theirs["close"], {"status": 4001, "reason": "done"})
        self.assertEqual(ours["messages"], [text("last words")])
        self.assertEqual(ours["close"], {"status": 4000, "reason": "half"})
        self.assert_clean(ours, theirs, own_status=4001, peer_status=4000)

    async def half_close_deeply(self, depth):
        ours, theirs = await self.meet(
            ["messages=1", "shutdown=4000:half"], ["text=hello"], our_options=[f"--depth={depth}"]
        )
        self.assertEqual(theirs["close"], {"status": 4000, "reason": "half"})
        self.assert_clean(ours, theirs, own_status=4000, peer_status=4000)

    # Python's asyncio closes at a close_notify, before the library has answered our Close frame.
    if not TLS or PEER == "node":
        async def test_we_half_close_down_to_fin(self):
            """Our FIN comes right behind our Close frame. Both peers answer what came before it,
            and can send nothing later: that is why this depth is an option."""
            await self.half_close_deeply("tcp")

        async def test_we_half_close_down_to_tls(self):
            await self.half_close_deeply("tls")  # without TLS as any half-close

    async def send_late(self, depth):
        """The peer sends when our marker below the Close frame has come."""
        ours, theirs = await self.meet(
            ["text=last words", "shutdown=4000:half"],
            ["peer-close", "text=at once", "peer-end", "text=late", "shutdown=4001:done"],
            our_options=[f"--depth={depth}"],
        )
        self.assertEqual(theirs["messages"], [text("last words")])
        self.assertEqual(theirs["close"], {"status": 4000, "reason": "half"})
        self.assertEqual(ours["messages"], [text("at once")] if PEER == "node" else [])
        self.assert_parts(ours, opened=True, outcome="dropped", peer_status=1006, tls=NOTIFIED)

    if TLS:
        async def test_behind_our_close_notify_the_peer_sends_nothing_more(self):
            await self.send_late("tls")

        async def test_behind_our_fin_the_peer_sends_nothing_more(self):
            await self.send_late("tcp")

    # --- abnormal ends ---

    async def test_a_message_too_large_is_called_so_while_it_is_still_being_sent(self):
        """Megabytes come behind our Close frame; an RST that answers them would destroy it."""
        ours, theirs = await self.meet(
            [], [f"binary={32 * MEBI}", "peer-close"], our_options=[f"--message-max={MEBI}"]
        )
        self.assert_parts(ours, opened=True, outcome="violation", violation="message_too_big",
                          own_status=1009)
        self.assertEqual(theirs["ended"], 1009)

    async def lose(self, how):
        ours, theirs = await self.meet(["text=hello", "messages=1"], ["text=hello", "messages=1",
                                                                     how])
        self.assert_parts(ours, opened=True, outcome="dropped", peer_status=1006, steps_left=0)
        if TLS:
            self.assert_parts(ours["tls"], notify_received=how == "fin", truncated=how == "abort")
        self.assertEqual(theirs["ended"], 1006)
        return ours

    async def test_the_peer_is_gone(self):
        await self.lose("abort")

    async def test_the_peer_resets(self):
        self.assertEqual((await self.lose("reset"))["error"], "ECONNRESET")

    async def test_the_peer_ends_without_a_close_frame(self):
        self.assertEqual((await self.lose("fin"))["error"], "success")

    async def test_we_abort(self):
        ours, theirs = await self.meet(["messages=1", "abort"], ["text=hello"])
        self.assert_parts(ours, outcome="aborted", steps_left=0)
        self.assert_parts(theirs, close=None, ended=1006)

    # --- the opening handshake ---

    async def test_a_subprotocol_is_agreed_on(self):
        offer = ["--subprotocol=chat", "--subprotocol=superchat"]
        choose = ["--choose=superchat"]
        options = (offer, choose) if self.our_role == "client" else (choose, offer)
        ours, theirs = await self.meet(["close=1000"], [], *options)
        self.assertEqual(ours["subprotocol"], "superchat")
        self.assertEqual(theirs["subprotocol"], "superchat")
        self.assert_clean(ours, theirs)

    async def test_permessage_deflate_is_not_agreed_on(self):
        ours, theirs = await self.meet([f"text={'z' * 500}", "messages=1", "close=1000"], ["echo"])
        if self.our_role == "server":
            self.assertIn("permessage-deflate", ours["extensions_offered"])
        self.assertEqual(theirs["extensions"], [])
        self.assertEqual(ours["messages"], [text("z" * 500)])
        self.assert_clean(ours, theirs)


class ClientTest(Twins, InteropCase):
    our_role = "client"

    async def assert_refused(self, options, failure, http_status):
        ours, _ = await self.meet(["text=never"], [], their_options=options)
        self.assert_parts(ours, opened=False, failure=failure, http_status=http_status)

    async def test_an_upgrade_is_refused(self):
        await self.assert_refused(["--refuse=403"], "http_status", 403)

    async def test_an_extension_that_was_not_offered(self):
        header = "Sec-WebSocket-Extensions:permessage-deflate"
        await self.assert_refused([f"--header={header}"], "extension_not_offered", 101)

    async def test_a_subprotocol_that_was_not_offered(self):
        await self.assert_refused(["--header=Sec-WebSocket-Protocol:chat"],
                                  "subprotocol_not_offered", 101)


class ServerTest(Twins, InteropCase):
    our_role = "server"


if __name__ == "__main__":
    unittest.main(argv=["endpoint_test.py", "-v", *sys.argv[4:]])
