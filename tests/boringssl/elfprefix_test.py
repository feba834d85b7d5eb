"""Copies made by tools/boringssl/elfprefix.py, of two small libraries that name each other.

    elfprefix_test.py ELFPREFIX CC
"""

import ctypes
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

ELFPREFIX, CC = str(pathlib.Path(sys.argv[1]).resolve()), shlex.split(sys.argv[2])
NAMES = 300  # enough for buckets with several names, and with none

LOWER = "".join(f"int low{i}(void) {{ return {i}; }}\n" for i in range(NAMES)) + """
#include <stdio.h>
#include <stdlib.h>
int low_data = 7;
int low_text(char *into) { return snprintf(into, 8, "%d", low_data); }
"""
UPPER = """
#include <stdlib.h>
extern int low_data;
int low1(void); int low299(void); int low_text(char *);
void *OPENSSL_memory_alloc(unsigned long) __attribute__((weak));
int (*const table[])(void) = {low1, low299};
int up(void) { char text[8]; low_text(text); return table[0]() + table[1]() + text[0] + low_data; }
int up_hook(void) { return OPENSSL_memory_alloc && !getenv("no such variable"); }
"""
PROGRAM = """
#include "renamed.h"
#include <stdio.h>
int up(void); int up_hook(void); int low5(void);
void *OPENSSL_memory_alloc(unsigned long size) { return (void *)size; }
#undef up
#undef low5
int up(void); int low5(void);  /* the originals */
int main(void) {
  printf("%d %d %d %d %d\\n", up(), own_up(), low5(), own_low5(), own_up_hook());
  return 0;
}
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class ElfPrefixTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.root = pathlib.Path(temporary.name)
        for name, text in {"low": LOWER, "up": UPPER}.items():
            (cls.root / f"{name}.c").write_text(text, encoding="ascii")
        cls.link("low")
        cls.link("up", "-L.", "-llow")
        cls.copy("first")

    @classmethod
    def link(cls, name, *more):
        shared = [f"-Wl,-soname,lib{name}.so", "-Wl,--hash-style=both", "-Wl,-rpath,/nowhere"]
        flags = ["-shared", "-fPIC", "-O1", "-Wl,-z,now", "-Wl,--build-id"]
        run(*CC, *flags, *shared, f"{name}.c", "-o", f"lib{name}.so", *more, cwd=cls.root)

    @classmethod
    def copy(cls, directory):
        out = cls.root / directory
        out.mkdir()
        tasks = [f"lib{n}.so:{out}/libown-{n}.so:libown-{n}.so" for n in ("low", "up")]
        header = ["--header", f"{out}/renamed.h"]
        run(sys.executable, ELFPREFIX, "--prefix", "own_", *header, *tasks, cwd=cls.root)
        return out

    def symbols(self, path, kind):
        text = run("nm", "-D", kind, path)
        return {re.sub(r"@.*", "", line.split()[-1]) for line in text.splitlines()}

    def test_every_name_of_the_libraries_is_prefixed_and_no_other(self):
        for name in ("low", "up"):
            copy = self.root / f"first/libown-{name}.so"
            before = self.symbols(self.root / f"lib{name}.so", "--defined-only")
            after = self.symbols(copy, "--defined-only")
            self.assertEqual(after, {"own_" + n for n in before})
        wanted = self.symbols(self.root / "first/libown-up.so", "--undefined-only")
        self.assertLessEqual({"own_low1", "own_low_data", "own_OPENSSL_memory_alloc"}, wanted)
        wanted = self.symbols(self.root / "first/libown-low.so", "--undefined-only")
        self.assertTrue([n for n in wanted if "snprintf" in n and not n.startswith("own_")])

    def test_the_dynamic_section_names_the_copies_and_stays_mapped(self):
        text = run("readelf", "-d", self.root / "first/libown-up.so")
        self.assertIn("Library soname: [libown-up.so]", text)
        self.assertIn("Shared library: [libown-low.so]", text)
        self.assertNotIn("[liblow.so]", text)
        self.assertIn("[$ORIGIN]", text)
        self.assertIn("NODELETE", text)

    def test_readelf_finds_nothing_to_warn_of(self):
        for name in ("low", "up"):
            text = run("readelf", "-a", "-W", self.root / f"first/libown-{name}.so")
            self.assertEqual(re.findall("(?:Warning|Error):.*", text), [])

    def test_the_loader_finds_every_name(self):
        library = ctypes.CDLL(str(self.root / "first/libown-low.so"))
        for i in range(NAMES):
            self.assertEqual(library[f"own_low{i}"](), i)
        self.assertFalse(hasattr(library, "low1"))

    def test_originals_and_copies_are_strangers_in_one_program(self):
        (self.root / "program.c").write_text(PROGRAM, encoding="ascii")
        for first, second in (("", "own-"), ("own-", "")):
            libraries = [f"-l{first}up", f"-l{first}low", f"-l{second}up", f"-l{second}low"]
            rpath = f"-Wl,-rpath,{self.root}:{self.root}/first"
            run(*CC, "program.c", "-Ifirst", "-o", "program", "-rdynamic", "-L.", "-Lfirst", rpath,
                *libraries, cwd=self.root)
            self.assertEqual(run("./program", cwd=self.root), "362 362 5 5 1\n")

    def test_the_same_input_gives_the_same_bytes(self):
        again = self.copy("again")
        for name in ("libown-low.so", "libown-up.so", "renamed.h"):
            self.assertEqual((again / name).read_bytes(), (self.root / "first" / name).read_bytes())

    def test_what_it_cannot_do_is_refused(self):
        run(*CC, "-c", "low.c", "-o", "low.o", cwd=self.root)
        run(*CC, "-shared", "-fPIC", "low.c", "-Wl,--hash-style=gnu", "-o", "gnu.so", cwd=self.root)
        for name in ("low.c", "low.o", "gnu.so"):
            command = [sys.executable, ELFPREFIX, "--prefix", "own_", f"{name}:out.so:out.so"]
            done = subprocess.run(command, capture_output=True, text=True, cwd=self.root)
            self.assertEqual(done.returncode, 1, name)
            self.assertTrue(done.stderr.startswith(f"{name}: "), done.stderr)
            self.assertFalse((self.root / "out.so").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
