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
SAMPLES = SOURCE / "tests/winhttp/samples"
PROGRAMS = [
    *SAMPLES.glob("*.c"),
    *(path for path in SAMPLES.glob("*.cc") if not path.stem.endswith("_cxx")),
    *(SOURCE / "examples").glob("winhttp_*.c"),
]
MODES = [
    ["gcc", "-std=c99", "-x", "c"],
    ["clang-19", "-std=c99", "-x", "c"],
    ["g++", "-std=c++11", "-x", "c++"],  # C too
    ["g++", "-std=c++17", "-x", "c++"],
    ["clang++-19", "-std=c++20", "-x", "c++"],
]


def takes(mode, program):
    """Programs of C as C and as two kinds of C++, those of C++ as the newer ones."""
    of_c = {"-std=c99", "-std=c++11", "-std=c++20"}
    return mode[1] in of_c if program.suffix == ".c" else mode[1] in ("-std=c++17", "-std=c++20")


HEADERS = "".join(p.read_text() for p in (SOURCE / "include/ringdown").glob("win*.h"))
OPTIONS = [[], ["-fshort-wchar", "-DUNICODE"]]


def compile_program(command):
    return subprocess.run(command, capture_output=True, text=True, cwd=SOURCE)


class CompileTest(unittest.TestCase):
    def test_programs_compile_without_warnings(self):
        self.assertGreaterEqual(len(PROGRAMS), 15)
        strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]
        include = "-Iinclude/ringdown/compat"
        commands = [
            [*mode, *strict, *options, include, str(program)]
            for mode in MODES
            if shutil.which(mode[0])
            for options in OPTIONS
            for program in PROGRAMS
            if takes(mode, program)
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

    def test_each_call_can_be_asked_for_by_its_name(self):
        """What GetProcAddress finds is what the headers declare for the two modules."""
        tables = (SOURCE / "src/winhttp/modules.cc").read_text()
        found = set(re.findall(r"(?:ONE|WIDE)\((\w+)\)|\{\"(\w+)\"", tables))
        found = {a or b for a, b in found}
        names = {
            name
            for path in (SOURCE / "include/ringdown").glob("win*.h")
            if path.name not in ("win32_crypt.h", "win32_text.h", "win32_types.h")
            for name in re.findall(r"(\w+)\([^;()]*\)\s+RINGDOWN_(?:SYMBOL|WIDE)", path.read_text())
        }
        self.assertGreater(len(names), 70)
        self.assertEqual(names - found - {"_beginthreadex", "SecureZeroMemory"}, set())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
