"""Programs for Windows compile without a warning: with each compiler that is here, as C99 and as
C++, with either width of wchar_t, and with one -I.

    compile_test.py SOURCE_DIRECTORY
"""

import concurrent.futures
import os
import pathlib
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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
