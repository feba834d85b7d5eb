#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: tests/fuzz/corpus/TARGET/NAME.

What the fuzzers found is committed beside them, by hand, and is not touched.
"""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"

# Cuts: how many sizes, then the sizes of the pieces, over and over (0: all that is left).
WHOLE = bytes([0])
THREES = bytes([1, 3])
ONE_THEN_SEVEN = bytes([2, 1, 7])

# --- message_reader: mode (role, storage, bound), cuts, frames ---

CLIENT, SERVER = 0, 1
STORAGE_STAYS = 2
MAX_0, MAX_130, MAX_70000 = 1 << 2, 2 << 2, 3 << 2
FIN = 0x80
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = bytes([0x37, 0xFA, 0x21, 0x3D])


def wire_frame(first, payload=b"", masked=False, form=None):
    size = len(payload)
    form = form if form is not None else 0 if size < 126 else 2 if size < 65536 else 8
    length = {0: size, 2: 126, 8: 127}[form]
    head = bytes([first, length | (0x80 if masked else 0)])
    head += size.to_bytes(form, "big") if form else b""
    if not masked:
        return head + payload
    return head + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


def message_reader():
    text = "caf\u00e9 \u20ac \U0001f600".encode()
    close = struct.pack(">H", 1000) + b"done"
    for role, name, masked in ((CLIENT, "client", False), (SERVER, "server", True)):

        def wire(*frames):
            return b"".join(wire_frame(*f, masked=masked) for f in frames)

        fragments = wire(
            (TEXT, text[:4]),
            (FIN | PING, b"are you there"),
            (CONTINUATION, text[4:9]),
            (CONTINUATION, b""),
            (FIN | CONTINUATION, text[9:]),
        )
        yield f"{name}_text", bytes([role]) + WHOLE + wire((FIN | TEXT, text))
        yield f"{name}_binary_200", bytes([role]) + THREES + wire((FIN | BINARY, b"b" * 200))
        yield f"{name}_fragments", bytes([role | STORAGE_STAYS]) + ONE_THEN_SEVEN + fragments
        yield f"{name}_close", bytes([role]) + THREES + wire(
            (FIN | TEXT, b"last"), (FIN | CLOSE, close), (FIN | PONG, b"late")
        )
        yield f"{name}_bounded", bytes([role | MAX_130]) + WHOLE + wire(
            (TEXT, b"t" * 100), (FIN | CONTINUATION, b"t" * 31)
        )
        two = ((TEXT, b"t" * 100), (FIN | CONTINUATION, b"t" * 30)) * 2
        yield f"{name}_bounded_two", bytes([role | MAX_130]) + WHOLE + wire(*two)
        yield f"{name}_empty_frames", bytes([role | MAX_0]) + THREES + wire(
            (FIN | BINARY,), (FIN | PING,), (FIN | CLOSE,), (FIN | TEXT,)
        )
    long = bytes([FIN | BINARY, 127]) + (66000).to_bytes(8, "big") + b"the beginning"
    yield "client_64_bit_length", bytes([CLIENT | MAX_70000]) + ONE_THEN_SEVEN + long
    not_minimal = wire_frame(FIN | TEXT, b"a", form=8)
    yield "client_length_not_minimal", bytes([CLIENT]) + THREES + not_minimal


# --- utf8: how much ASCII comes before, cuts, bytes ---


def utf8():
    yield "every_size", bytes([0]) + THREES + "a\u00e9\u20ac\U0001f600".encode()
    yield "ascii_blocks", bytes([65]) + WHOLE + b"a" * 40 + "\u00e9".encode() + b"a" * 40
    yield "surrogate", bytes([31]) + THREES + b"\xed\xa0\x80"
    yield "overlong", bytes([0]) + WHOLE + b"\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf"
    yield "last_code_point", bytes([30]) + ONE_THEN_SEVEN + b"\xf4\x8f\xbf\xbf\xf4\x90"


# --- frame: header, mask or Close frame; see frame_fuzz.cc ---


def frame():
    yield "header_short", bytes([0, 64 | 128 | 1]) + KEY + bytes([1, 250])
    yield "header_16_bits", bytes([0, 2]) + KEY + bytes([2, 1, 252])
    yield "header_64_bits", bytes([0, 128 | 2]) + KEY + bytes([8]) + b"\xff" * 8
    for size in (125, 126, 65535, 65536):  # which are written doubled
        doubled = (2 * size).to_bytes(3, "big")
        yield f"header_of_{size}", bytes([0, 64 | 2]) + KEY + bytes([3]) + doubled
    yield "header_of_ping", bytes([0, 4]) + KEY + bytes([1, 250])
    for size in (3, 15, 70):
        yield f"mask_{size}", bytes([1]) + KEY + bytes([3, 5, size // 2]) + b"m" * size
    for status in (1000, 1005, 1006, 4999):
        yield f"close_{status}", bytes([2]) + struct.pack(">H", status) + KEY + b"done"
    yield "close_reason_no_utf8", bytes([2]) + struct.pack(">H", 3000) + KEY + b"\xe2\x82"
    yield "close_reason_of_123", bytes([2]) + struct.pack(">H", 1011) + KEY + b"r" * 123


# --- accept_key: a message, a text that may be base64, a key ---


def accept_key():
    yield "key", b"dGhlIHNhbXBsZSBub25jZQ=="
    yield "base64_of_2", b"aGk="
    yield "base64_of_3", b"abc+"
    for size in (55, 56, 64, 119):  # at the ends of blocks
        yield f"message_{size}", b"m" * size


# --- head: request or response, cuts, the head; a byte 1 stands for 1000 letters ---


def lines(*of_head):
    return b"".join(line.encode("latin-1") + b"\r\n" for line in (*of_head, ""))


REQUEST = (
    "GET /chat HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
)


def head():
    ask, answer = bytes([1]), bytes([0])
    protocols = ("Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat")
    absolute = ("GET http://server.example.com?x HTTP/1.1", *REQUEST[1:])
    yield "request", ask + WHOLE + lines(*REQUEST)
    yield "request_and_frames", ask + ONE_THEN_SEVEN + lines(*REQUEST, *protocols) + b"\x81\x80"
    yield "request_absolute", ask + THREES + lines(*absolute)
    yield "request_with_body", ask + THREES + lines(*REQUEST, "Content-Length: 5") + b"12345"
    yield "request_two_hosts", ask + WHOLE + lines(*REQUEST, "host: other.example.com")
    yield "request_folded", ask + THREES + lines(*REQUEST, "Cookie: a", " b")
    yield "request_bare_lf", ask + WHOLE + b"GET / HTTP/1.1\nHost: a\n\n"
    yield "request_lf_in_value", ask + WHOLE + lines(*REQUEST, "Cookie: a\nb")
    yield "request_too_large", ask + WHOLE + lines(*REQUEST, "Cookie: " + "\1" * 8)
    yield "request_too_many_fields", ask + WHOLE + lines(*REQUEST, *["a:"] * 59)
    yield "response", answer + WHOLE + lines(*RESPONSE)
    yield "response_with_protocol", answer + ONE_THEN_SEVEN + lines(*RESPONSE, protocols[1][:28])
    yield "response_extension", answer + THREES + lines(*RESPONSE, "Sec-WebSocket-Extensions: x")
    yield "response_404", answer + THREES + lines("HTTP/1.1 404 Not Found", "Content-Length: 0")
    yield "response_of_1_0", answer + THREES + lines("HTTP/1.0 101 ok")


# --- written_head: what, room, status, then texts that 0x1F ends ---


def written_head():
    texts = b"server.example.com\x1f/chat?x=1\x1fhttp://example.com\x1fchat, superchat\x1f"
    cookie = b"Cookie\x1fa=b\x1f"
    smuggled = b"Cookie\x1fa=b\r\nHost: other\x1f"
    yield "request", bytes([0, 0, 0]) + texts + cookie
    yield "request_smuggled", bytes([0, 0, 0]) + texts + smuggled
    yield "request_lf", bytes([0, 0, 0]) + texts + b"Cookie\x1fa\nb\x1f"
    yield "request_own_field", bytes([0, 0, 0]) + texts + b"upgrade\x1fh2c\x1f"
    yield "request_no_room", bytes([0, 50, 0]) + texts
    yield "response", bytes([1, 0, 0]) + b"\x1f\x1f\x1fchat\x1f" + cookie
    yield "response_smuggled", bytes([1, 0, 0]) + b"\x1f\x1f\x1fchat\r\nX: y\x1f" + smuggled
    yield "refusal_404", bytes([2, 0, 104]) + b"Not Found\x1f\x1f\x1f\x1f" + cookie
    yield "refusal_405", bytes([3, 0, 0]) + b"Method Not Allowed\x1f"
    yield "refusal_426", bytes([7, 0, 0]) + b"Upgrade Required\x1f"


# --- url: as it is, and behind ws:// ---


def url():
    yield "plain", b"ws://server.example.com/chat"
    yield "secure_with_port", b"WSS://server.example.com:8443/chat?room=1"
    yield "ipv6", b"ws://[2001:db8::1]:9001"
    yield "query_only", b"wss://a.b?x=y"
    yield "port_left_out", b"ws://a:/"
    yield "user", b"ws://user@host/"
    yield "fragment", b"ws://host/#a"
    yield "host_alone", b"host:65535"


# --- tls_bytes: mode (server, host, little input, shutdown, TLS 1.2), cuts, what the peer says ---

AS_SERVER, WITH_HOST, LITTLE_INPUT, SHUT_DOWN, SERVER_OF_1_2 = 1, 2, 4, 8, 16


def extension(number, data):
    return struct.pack(">HH", number, len(data)) + data


def sized(size, data):
    return len(data).to_bytes(size, "big") + data


def record(kind, data):
    return bytes([kind, 3, 3]) + sized(2, data)


def client_hello():
    name = sized(2, b"\0" + sized(2, b"server.test"))
    x = bytes(range(32))  # as a key share of X25519 as good as any
    extensions = (
        extension(0, name)
        + extension(10, sized(2, bytes([0, 29, 0, 23])))
        + extension(11, sized(1, b"\0"))
        + extension(13, sized(2, bytes([4, 3, 8, 4])))
        + extension(16, sized(2, sized(1, b"http/1.1")))
        + extension(43, sized(1, bytes([3, 4, 3, 3])))
        + extension(51, sized(2, bytes([0, 29]) + sized(2, x)))
    )
    ciphers = bytes([0x13, 1, 0xC0, 0x2B, 0xC0, 0x2C])
    hello = b"\3\3" + bytes(32) + sized(1, bytes(32)) + sized(2, ciphers) + b"\1\0"
    return b"\1" + sized(3, hello + sized(2, extensions))


def server_hello():
    x = bytes(range(32))
    extensions = extension(43, b"\3\4") + extension(51, bytes([0, 29]) + sized(2, x))
    hello = b"\3\3" + bytes(range(32)) + b"\0" + bytes([0x13, 1, 0]) + sized(2, extensions)
    return b"\2" + sized(3, hello)


def server_hello_1_2():
    extensions = extension(0xFF01, b"\0") + extension(11, sized(1, b"\0"))
    hello = b"\3\3" + bytes(range(32)) + b"\0" + bytes([0xC0, 0x2B, 0]) + sized(2, extensions)
    return b"\2" + sized(3, hello)


def tls_bytes():
    hello = record(22, client_hello())
    alert = record(21, b"\2\x28")
    yield "server_hears_hello", bytes([AS_SERVER | WITH_HOST]) + WHOLE + hello
    yield "server_hears_hello_1_2", bytes([AS_SERVER | SERVER_OF_1_2]) + ONE_THEN_SEVEN + hello
    yield "server_hears_hello_and_alert", bytes([AS_SERVER]) + WHOLE + hello + alert
    yield "server_hears_too_much", bytes([AS_SERVER | LITTLE_INPUT]) + WHOLE + hello
    yield "server_hears_http", bytes([AS_SERVER]) + THREES + b"GET / HTTP/1.1\r\n\r\n"
    yield "client_hears_hello", bytes([WITH_HOST]) + WHOLE + record(22, server_hello())
    yield "client_hears_hello_1_2", bytes([0]) + THREES + record(22, server_hello_1_2())
    yield "client_hears_alert", bytes([SHUT_DOWN]) + WHOLE + alert
    yield "client_hears_close_notify", bytes([0]) + WHOLE + record(21, b"\1\0")


# --- tls_wire: mode, then acts of three bytes: what and where to, where, how ---

ONLY_1_2, TICKETS, RESUME, SMALL_RECORDS, ALPN, NOT_VERIFIED, LAZY, OTHER_HOST = (
    1 << bit for bit in range(8)
)
TO_SERVER, TO_CLIENT = 0, 1
ALL, SOME, COLLECT, WRITE, SHUTDOWN, UPDATE, ERASE, INSERT, REPEAT, OWN, SWAP, END, FLIP = (
    2 * act for act in range(13)
)


def acts(*of_three):
    return b"".join(bytes(act[:3]) + b"".join(act[3:]) for act in of_three)


def tls_wire():
    talk = acts(
        (ALL, 0, 0),
        (WRITE | TO_SERVER, 20, 4),
        (WRITE | TO_CLIENT, 200, 60),
        (ALL, 0, 0),
        (SHUTDOWN | TO_SERVER, 0, 0),
        (WRITE | TO_CLIENT, 9, 1),
    )
    for name, version in (("1_3", 0), ("1_2", ONLY_1_2)):
        yield f"nobody_between_{name}", bytes([version | TICKETS | ALPN]) + talk
        yield f"resumed_{name}", bytes([version | RESUME]) + talk
        yield f"small_records_{name}", bytes([version | SMALL_RECORDS | NOT_VERIFIED]) + talk
        yield f"other_host_{name}", bytes([version | OTHER_HOST]) + talk
        yield f"lazy_{name}", bytes([version | LAZY | SMALL_RECORDS]) + talk
        yield f"split_{name}", bytes([version]) + acts(*[(SOME | i % 2, 50, 0) for i in range(20)])
        flips = acts(
            (ALL, 0, 0), (WRITE | TO_SERVER, 20, 4), (FLIP | TO_SERVER, 9, 1), (ALL, 0, 0)
        )
        yield f"data_flipped_{name}", bytes([version]) + flips
        cut = acts((ALL, 0, 0), (WRITE | TO_SERVER, 20, 4), (ERASE | TO_SERVER, 20, 99))
        yield f"data_cut_{name}", bytes([version]) + cut
        hello_flipped = acts((FLIP | TO_SERVER, 100, 1))
        yield f"hello_flipped_{name}", bytes([version]) + hello_flipped
        server_hello_cut = acts((SOME | TO_SERVER, 255, 255), (ERASE | TO_CLIENT, 50, 9))
        yield f"server_hello_cut_{name}", bytes([version]) + server_hello_cut
        repeated = acts((ALL, 0, 0), (WRITE | TO_CLIENT, 9, 1), (REPEAT | TO_CLIENT, 0, 255))
        yield f"records_repeated_{name}", bytes([version]) + repeated
        forged = acts((ALL, 0, 0), (OWN | TO_CLIENT, 0, 7, record(21, b"\1\0")))
        yield f"close_notify_forged_{name}", bytes([version]) + forged
        ends = acts((ALL, 0, 0), (WRITE | TO_CLIENT, 9, 1), (SHUTDOWN | TO_CLIENT, 0, 0))
        parts = acts(*[(COLLECT | TO_CLIENT, 9, 0)] * 6)
        yield f"close_notify_in_parts_{name}", bytes([version]) + ends + parts
        much = (WRITE | TO_CLIENT, 255, 63)
        collect = (COLLECT | TO_CLIENT, 100, 50)
        yield f"output_in_parts_{name}", bytes([version]) + acts((ALL, 0, 0), much, collect, much)
        early = acts((SOME | TO_SERVER, 255, 255), (END | TO_CLIENT, 0, 0))
        yield f"fin_in_handshake_{name}", bytes([version]) + early
    updates = acts(
        (ALL, 0, 0),
        (UPDATE | TO_CLIENT, 0, 0),
        (WRITE | TO_CLIENT, 9, 1),
        (SHUTDOWN | TO_SERVER, 0, 0),
        (ALL, 0, 0),
        (UPDATE | TO_CLIENT, 0, 0),
        (WRITE | TO_CLIENT, 9, 1),
    )
    yield "keys_updated", bytes([0]) + updates


TARGETS = (
    accept_key,
    frame,
    head,
    message_reader,
    tls_bytes,
    tls_wire,
    url,
    utf8,
    written_head,
)


def main():
    for target in TARGETS:
        directory = CORPUS / target.__name__
        directory.mkdir(parents=True, exist_ok=True)
        for name, contents in target():
            (directory / name).write_bytes(contents)


if __name__ == "__main__":
    main()
