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


def frame(first, payload=b"", masked=False, form=None):
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
            return b"".join(frame(*f, masked=masked) for f in frames)

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
        yield f"{name}_empty_frames", bytes([role | MAX_0]) + THREES + wire(
            (FIN | BINARY,), (FIN | PING,), (FIN | CLOSE,), (FIN | TEXT,)
        )
    long = bytes([FIN | BINARY, 127]) + (66000).to_bytes(8, "big") + b"the beginning"
    yield "client_64_bit_length", bytes([CLIENT | MAX_70000]) + ONE_THEN_SEVEN + long
    yield "client_length_not_minimal", bytes([CLIENT]) + THREES + frame(FIN | TEXT, b"a", form=8)


# --- utf8: how much ASCII comes before, cuts, bytes ---


def utf8():
    yield "every_size", bytes([0]) + THREES + "a\u00e9\u20ac\U0001f600".encode()
    yield "ascii_blocks", bytes([65]) + WHOLE + b"a" * 40 + "\u00e9".encode() + b"a" * 40
    yield "surrogate", bytes([31]) + THREES + b"\xed\xa0\x80"
    yield "overlong", bytes([0]) + WHOLE + b"\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf"
    yield "last_code_point", bytes([30]) + ONE_THEN_SEVEN + b"\xf4\x8f\xbf\xbf\xf4\x90"


def main():
    for target in (message_reader, utf8):
        directory = CORPUS / target.__name__
        directory.mkdir(parents=True, exist_ok=True)
        for name, contents in target():
            (directory / name).write_bytes(contents)


if __name__ == "__main__":
    main()
