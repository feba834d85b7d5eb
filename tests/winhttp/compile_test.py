"""Programs for Windows compile without a warning: with each compiler that is here, as C99 and as
C++, with either width of wchar_t, and with one -I.

    compile_test.py SOURCE_DIRECTORY
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
PROGRAMS = [
    *(SOURCE / "tests/winhttp/samples").glob("*.c"),
    *(SOURCE / "examples").glob("winhttp_*.c"),
]
MODES = {
    "gcc": ["-std=c99", "-x", "c"],
    "clang-19": ["-std=c99", "-x", "c"],
    "g++": ["-std=c++11", "-x", "c++"],
    "clang++-19": ["-std=c++20", "-x", "c++"],
}
HEADERS = "".join(p.read_text() for p in (SOURCE / "include/ringdown").glob("win*.h"))
OPTIONS = [[], ["-fshort-wchar", "-DUNICODE"]]


def compile_program(command):
    return subprocess.run(command, capture_output=True, text=True, cwd=SOURCE)


class CompileTest(unittest.TestCase):
    def test_programs_compile_without_warnings(self):
        self.assertGreaterEqual(len(PROGRAMS), 5)
        strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]
        include = "-Iinclude/ringdown/compat"
        commands = [
            [compiler, *mode, *strict, *options, include, str(program)]
            for compiler, mode in MODES.items()
            if shutil.which(compiler)
            for options in OPTIONS
            for program in PROGRAMS
        ]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for command, done in zip(commands, pool.map(compile_program, commands)):
                self.assertEqual(done.returncode, 0, f"{' '.join(command)}\n{done.stderr}")

    def test_no_macro_renames_what_the_program_names(self):
        """A class of the program's with a method Sleep has it in each of its files."""
        include = "-Iinclude/ringdown/compat"
        command = ["gcc", "-dM", "-E", include, "-include", "winhttp.h", "-x", "c", "/dev/null"]
        done = compile_program([*command, "-DUNICODE"])
        self.assertEqual(done.returncode, 0, done.stderr)
        macros = [line.split(None, 2)[1:] for line in done.stdout.splitlines()]
        ours = [m for m in macros if "ringdown_" in m[-1] and not m[0].startswith("RINGDOWN_")]
        self.assertEqual(ours, [])
        calls = set(re.findall(r"RINGDOWN_(?:SYMBOL|WIDE|TEXT)\((\w+)\)", HEADERS))
        self.assertGreater(len(calls), 70)
        self.assertEqual([m[0] for m in macros if m[0].split("(")[0] in calls], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
