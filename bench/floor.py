#!/usr/bin/env python3
"""Holds `ringdown serve` against hand-written floors: tools/bench-floor --help.

Server on the first processor, load on the second. Rounds are interleaved, so that what else the
machine does falls on both; the figures are medians, and the ratio is the median of the rounds' own
ratios. Figures of rounds in which others used more than a tenth of a processor are marked.
"""
import argparse
import contextlib
import json
import os
import socket
import ssl
import statistics
import subprocess
import time

from processes import (
    LOAD_CPU, SERVER_CPU, Server, kept_awake, precise_processor_time, processor_time, resident,
)

FLOORS = {
    "close": ["floor_uring", "--close", "link", "--direct"],
    "echo": ["floor_uring"],
    "echo_epoll": ["floor_epoll"],
}

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Bench:
    def __init__(self, options):
        self.options = options
        self.next_port = 20100

    def program(self, *arguments):
        return [os.path.join(self.options.build, "tools/ringdown/ringdown"), *arguments]

    def yardstick(self, name, *arguments):
        return [os.path.join(self.options.build, "bench/yardstick", name), *arguments]

    def ringdown(self, *arguments):
        return Server(
            self.program(
                "serve", "--listen", "127.0.0.1:0", "--mode", "echo", "--quiet", *arguments
            )
        )

    def floor(self, name):
        self.next_port += 1
        command, *arguments = FLOORS[name]
        return Server(
            self.yardstick(command, *arguments, "--port", str(self.next_port)), self.next_port
        )

    def load(self, server, mode, *arguments):
        output = subprocess.run(
            self.yardstick(
                "wsyard", mode, "--cpu", LOAD_CPU, "--port", str(server.port),
                "--server-pid", str(server.pid), "--json", *arguments,
            ),
            capture_output=True, text=True, check=True,
        ).stdout
        return json.loads(output)

    def compare(self, title, floors, mode, *arguments):
        """CPU of the server for a unit of work, ours and each floor's."""
        makers = {"ringdown": self.ringdown, **{name: self.floor_maker(name) for name in floors}}
        costs = {name: [] for name in makers}
        disturbed = errors = 0
        for _ in range(self.options.rounds):
            for name, make in makers.items():
                with make() as server:
                    result = self.load(server, mode, *arguments)
                costs[name].append(result["server_cpu_us_per_unit"])
                disturbed += result["foreign_busy"] > 0.1
                errors += result["errors"]
        medians = {name: statistics.median(values) for name, values in costs.items()}
        print(f"\n{title}: server CPU, us (median of {self.options.rounds})")
        for name, value in medians.items():
            print(f"  {' '.join(FLOORS.get(name, ['ringdown serve'])):38} {value:8.3f}")
        for name in floors:
            ratios = [ours / its for ours, its in zip(costs["ringdown"], costs[name])]
            low, high = min(ratios), max(ratios)
            print(
                f"  ringdown / {name:26} {statistics.median(ratios):8.3f} x"
                f"   ({low:.3f} to {high:.3f})"
            )
        if errors or disturbed:
            runs = self.options.rounds * len(makers)
            print(f"  {disturbed} of {runs} runs disturbed by others, {errors} errors")

    def floor_maker(self, name):
        return lambda: self.floor(name)

    def close(self):
        for connections in ("64", "1024"):
            self.compare(
                f"close handshake, {connections} open", ["close"],
                "churn", "--conns", connections, "--secs", self.options.seconds,
            )

    def echo(self):
        for connections, pipe, size in (("64", "1", "64"), ("512", "8", "64")):
            self.compare(
                f"echo, {connections} connections x {pipe} x {size} bytes", ["echo", "echo_epoll"],
                "echo", "--conns", connections, "--pipe", pipe, "--size", size,
                "--secs", self.options.seconds,
            )

    def memory(self):
        """What a half-closed connection costs the server's process."""
        first, count = 1000, 18000
        with self.ringdown("--answer-delay", "60", "--close-timeout", "120") as server:
            self.load(server, "hold", "--conns", str(first), "--half", "none", "--secs", "1")
            time.sleep(1)  # until the last of them is closed
            warm = resident(server.pid)
            load = subprocess.Popen(
                self.yardstick(
                    "wsyard", "hold", "--cpu", LOAD_CPU, "--port", str(server.port), "--conns",
                    str(count), "--inflight", "2048", "--timeout", "1", "--half", "close",
                    "--secs", "4", "--server-pid", str(server.pid), "--json",
                ),
                stdout=subprocess.PIPE, text=True,
            )
            held = warm
            while load.poll() is None:
                held = max(held, resident(server.pid))
                time.sleep(0.2)
            result = json.loads(load.stdout.read())
        print(f"\nmemory: {count} half-closed connections")
        print(f"  server side {result['server_side']}, client side {result['client_side']}")
        print(f"  fixed, after {first} connections: {warm >> 10} KiB resident")
        print(f"  each half-closed one: {(held - warm) / (count - first):.0f} bytes of user memory")

    def tls(self):
        """What TLS adds to a connection that opens and closes, beside BoringSSL's own handshake,
        for us and for the least that can be done by hand; and what a connection keeps."""
        with contextlib.ExitStack() as running:
            servers = {
                "ringdown": [
                    running.enter_context(self.ringdown()),
                    running.enter_context(self.ringdown("--tls-self-signed")),
                ],
                "by hand": [
                    running.enter_context(self.floor("echo_epoll")),
                    running.enter_context(self.tls_floor()),
                ],
            }
            for plain, secure in servers.values():
                self.open_and_close(plain)
                self.open_and_close(secure, is_secure=True)
            with kept_awake():
                self.tls_cost("the processor kept awake", servers)
            self.tls_cost("the processor left to itself", servers)
        for half_closed in (False, True):
            self.tls_memory(half_closed)

    def tls_floor(self):
        """epoll with BoringSSL on its sockets."""
        self.next_port += 1
        command = [os.path.join(self.options.build, "bench/tls_floor"), str(self.next_port)]
        return Server(command, self.next_port)

    def tls_cost(self, title, servers):
        """In memory the client has the load's processor, as the load has it beside a server. On a
        virtual machine the two may be threads of one core; then each makes the other's work take
        half as long again, and a handshake beside an idle processor would not be told
        (docs/performance.md)."""
        slices = 12 * self.options.rounds
        in_memory, on_one, shares = [], [], []
        costs = {(name, kind): [] for name in servers for kind in ("ws", "wss")}
        lines = {name: [] for name in servers}
        for _ in range(slices):
            before = self.handshake_in_memory(SERVER_CPU, LOAD_CPU)
            for name, (plain, secure) in servers.items():
                costs[name, "ws"].append(self.open_and_close(plain))
                costs[name, "wss"].append(self.open_and_close(secure, is_secure=True))
            after = self.handshake_in_memory(SERVER_CPU, LOAD_CPU)
            in_memory.append((before + after) / 2)
            on_one.append(self.handshake_in_memory(SERVER_CPU))
            for name in servers:
                added = costs[name, "wss"][-1] - costs[name, "ws"][-1]
                lines[name].append(added / in_memory[-1])
            shares.append(costs["ringdown", "wss"][-1] / costs["by hand", "wss"][-1])
        print(f"\nwss: open + close, {title}: server CPU, us ({slices} turns)")
        print(f"  {'':40} {'median':>8}   (quartiles); best tenth")
        least = best_tenth(in_memory)
        print_quartiles("server's side of a handshake in memory", in_memory, "8.1f", least)
        print_quartiles("the same, one processor for both ends", on_one, "8.1f", best_tenth(on_one))
        for name in servers:
            best = {kind: best_tenth(costs[name, kind]) for kind in ("ws", "wss")}
            for kind in ("ws", "wss"):
                print_quartiles(f"{kind}, {name}", costs[name, kind], "8.1f", best[kind])
            added = (best["wss"] - best["ws"]) / least
            print_quartiles(f"(wss - ws) / in memory, {name}", lines[name], "8.3f", added)
        print_quartiles("wss, ringdown / by hand", shares, "8.3f")

    def open_and_close(self, server, is_secure=False):
        """Of the server, in us a connection. Short: a machine's speed changes within seconds."""
        count = 250 if is_secure else 1000
        before = precise_processor_time(server.pid)
        self.run_storm(
            server, "--pattern", "client-first", "--connections", "64", "--handshakes", str(count),
            *(["--insecure", "--no-resumption"] if is_secure else []),
        )
        return (precise_processor_time(server.pid) - before) / count * 1e6

    def handshake_in_memory(self, *processors):
        output = subprocess.run(
            ["taskset", "-c", ",".join(processors),
             os.path.join(self.options.build, "bench/tls_bench"),
             "--benchmark_format=json", "--benchmark_min_time=0.08"],
            capture_output=True, text=True, check=True,
        ).stdout
        return json.loads(output)["benchmarks"][0]["real_time"] / 1000

    def tls_memory(self, half_closed):
        """What each connection costs the server's process. The first ones pay for what is made
        once; their places in the pools are the next ones'."""
        first = 500
        count = 5000 if half_closed else 2000
        with Server(self.program(
            "serve", "--listen", "127.0.0.1:0", "--mode", "push", "--quiet", "--tls-self-signed"
        )) as server:
            self.run_storm(server, "--insecure", "--no-resumption", "--connections", str(first))
            time.sleep(1)  # until the last of them is closed
            warm = resident(server.pid)
            hold = self.hold_half_closed if half_closed else self.hold_idle
            held = hold(server, count)
        kind = "half-closed" if half_closed else "idle"
        print(f"  {kind:38} {(held - warm) / (count - first):8.0f} bytes of user memory each")

    def hold_half_closed(self, server, count):
        load = subprocess.Popen(
            self.storm_command(
                server, "--insecure", "--no-resumption", "--connections", str(count), "--hold", "3"
            ),
            stdout=subprocess.DEVNULL,
        )
        held = 0
        while load.poll() is None:
            held = max(held, resident(server.pid))
            time.sleep(0.1)
        return held

    @staticmethod
    def hold_idle(server, count):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        clients = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", server.port))
            clients.append(context.wrap_socket(client))
            clients[-1].sendall(UPGRADE)
        for client in clients:
            client.recv(4096)
        held = resident(server.pid)
        for client in clients:
            client.close()
        return held

    def agree(self):
        """Two load generators, one truth: storm's figures beside wsyard's."""
        rate, count = 2000, 20000
        rows = {"storm": [], "wsyard": []}
        for _ in range(self.options.rounds):
            with self.ringdown() as server:
                before = processor_time(server.pid)
                rows["storm"].append(self.storm(server, rate, count, before))
            with self.ringdown() as server:
                before = processor_time(server.pid)
                result = self.load(
                    server, "churn", "--rate", str(rate), "--count", str(count), "--warm", "0",
                    "--secs", str(count // rate + 3),
                )
                cpu = (processor_time(server.pid) - before) / count * 1e6
                rows["wsyard"].append((cpu, result["close_p50_us"], result["handshakes"]))
        print(f"\nagreement: {count} handshakes at {rate} a second")
        print(f"  {'':10} {'server CPU us':>14} {'close p50 us':>14} {'handshakes':>12}")
        for name, values in rows.items():
            medians = [statistics.median(column) for column in zip(*values)]
            print(f"  {name:10} {medians[0]:14.2f} {medians[1]:14.1f} {medians[2]:12.0f}")

    def storm_command(self, server, *arguments):
        scheme = "wss" if "--insecure" in arguments else "ws"
        url = f"{scheme}://127.0.0.1:{server.port}/"
        return ["taskset", "-c", LOAD_CPU, *self.program("storm", url, "--quiet", *arguments)]

    def run_storm(self, server, *arguments):
        subprocess.run(
            self.storm_command(server, *arguments), stdout=subprocess.DEVNULL, check=True
        )

    def storm(self, server, rate, count, before):
        path = os.path.join(self.options.build, "agree.json")
        self.run_storm(
            server, "--pattern", "client-first", "--rate", str(rate), "--handshakes", str(count),
            "--json", path,
        )
        cpu = (processor_time(server.pid) - before) / count * 1e6
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        return cpu, result["latency_us"]["close"]["p50"], result["clean"]


def print_quartiles(title, values, width, best=None):
    low, middle, high = (format(value, width) for value in statistics.quantiles(values))
    tail = "" if best is None else f"; {format(best, width).strip()}"
    print(f"  {title:40} {middle}   ({low.strip()} to {high.strip()}){tail}")


def best_tenth(values):
    """What is left when the machine does nothing else: others only ever add to a time."""
    return statistics.quantiles(values, n=10)[0]


def main():
    parser = argparse.ArgumentParser(prog="tools/bench-floor", description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5, help="of each workload (5)")
    parser.add_argument("--seconds", default="3", help="that a round measures (3)")
    parser.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD",
        help="close, echo, memory, agree, tls (all of them)",
    )
    options = parser.parse_args()
    known = ["close", "echo", "memory", "agree", "tls"]
    for workload in options.workloads:
        if workload not in known:
            parser.error(f"{workload}: one of {', '.join(known)}")
    bench = Bench(options)
    for workload in options.workloads or known:
        getattr(bench, workload)()


main()
