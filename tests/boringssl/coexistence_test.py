"""OpenSSL and BoringSSL in one process: they converse, and no symbol of one binds to the other.

    coexistence_test.py PROGRAM_RINGDOWN_FIRST PROGRAM_OPENSSL_FIRST PROGRAM_STATIC
                        LIBRINGDOWN_TLS LIBRINGDOWN PROGRAM_PLAIN ARRANGEMENT

PROGRAM_PLAIN is linked with libringdown.a alone, and says ws:// only.
ARRANGEMENT is `copies` (Debian's BoringSSL, shared), or a static one of the user's own: `prefixed`,
or `hidden`, which is safe inside of libringdown-tls.so only: there the static program is left out.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

RINGDOWN_FIRST, OPENSSL_FIRST, STATIC, TLS, PLAIN, PLAIN_PROGRAM, ARRANGEMENT = sys.argv[1:8]
PROGRAMS = (RINGDOWN_FIRST, OPENSSL_FIRST) + (() if ARRANGEMENT == "hidden" else (STATIC,))
OPENSSL = re.compile(r"lib(ssl|crypto)\.so\.3$")
THEIRS = re.compile(r"lib(ssl|crypto|curl[-\w]*)\.so")
OURS = re.compile(r"libringdown-|libcoexistence_module")
BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \w+ symbol `([^']+)'")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-d", path))


def symbols(path, kind):
    return [line.split(maxsplit=2) for line in output_of("nm", "-DC", kind, path).splitlines()]


def every_name(path):
    """As the linker knows them: defined and not, of the dynamic table and of the other."""
    tables = output_of("nm", "-D", path) + output_of("nm", path)
    return {re.sub("@.*", "", line.split()[-1]) for line in tables.splitlines()}


def libraries_of(path):
    return dict(re.findall(r"(\S+) => (\S+)", output_of("ldd", path)))


class CoexistenceTest(unittest.TestCase):
    def bindings(self, program):
        """(from, to, symbol) of everything that the loader binds in a run of the program."""
        with tempfile.TemporaryDirectory() as directory:
            debug = {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": f"{directory}/ld"}
            environment = {**os.environ, "LD_BIND_NOW": "1", **debug}
            done = subprocess.run([program], env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for log in pathlib.Path(directory).iterdir():
                with open(log, encoding="utf-8", errors="replace") as lines:
                    for line in lines:
                        match = BINDING.search(line)
                        if match:
                            yield tuple(os.path.basename(p) for p in match.groups())

    def test_all_converse_and_nothing_binds_between_the_families(self):
        for program in PROGRAMS:
            with self.subTest(program=program):
                count = {"ours": 0, "theirs": 0}
                crossed = []
                for binder, provider, symbol in self.bindings(program):
                    count["ours"] += bool(OURS.search(binder) and OURS.search(provider))
                    count["theirs"] += bool(THEIRS.search(binder) and THEIRS.search(provider))
                    crossed += [(binder, provider, symbol)] * (
                        bool(OURS.search(binder) and THEIRS.search(provider))
                        or bool(THEIRS.search(binder) and OURS.search(provider))
                        # The program may use both, and each by its own names.
                        or bool(symbol.startswith("ringdown_") and THEIRS.search(provider))
                        or bool(OPENSSL.search(binder) and provider == os.path.basename(program))
                    )
                self.assertEqual(crossed, [])
                self.assertGreater(count["theirs"], 100)
                # A BoringSSL that is inside has nothing left to bind.
                if ARRANGEMENT == "copies":
                    self.assertGreater(count["ours"], 100)
                elif program != STATIC:
                    self.assertGreater(count["ours"], 0)

    def test_they_converse_bound_lazily_too(self):
        environment = {k: v for k, v in os.environ.items() if k != "LD_BIND_NOW"}
        for program in PROGRAMS:
            with self.subTest(program=program):
                done = subprocess.run([program], env=environment, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (0, "20 conversations\n"))

    def test_the_programs_are_what_their_names_say(self):
        def first(program, pattern):
            return next((i for i, n in enumerate(needed(program)) if re.search(pattern, n)), None)

        ours, theirs = OURS.pattern, OPENSSL.pattern
        self.assertLess(first(RINGDOWN_FIRST, ours), first(RINGDOWN_FIRST, theirs))
        self.assertLess(first(OPENSSL_FIRST, theirs), first(OPENSSL_FIRST, ours))
        self.assertIsNone(first(STATIC, "coexistence_module"))

    def test_ringdown_tls_exports_ringdown_and_nothing_else(self):
        own = re.compile(r"((vtable|typeinfo( name)?|non-virtual thunk) (for|to) )?ringdown::")
        defined = symbols(TLS, "--defined-only")
        others = [name for _, kind, name in defined if kind not in "WVu" and not own.match(name)]
        self.assertEqual(others, [])
        inside = [name for _, _, name in defined if "ringdown::protocol::" in name]
        self.assertEqual(inside, [], "a hidden floor is exported")

    def test_ringdown_tls_wants_no_name_that_openssl_has(self):
        openssl = set()
        for name, path in libraries_of(OPENSSL_FIRST).items():
            if OPENSSL.search(name):
                openssl |= {re.sub("@.*", "", s[-1]) for s in symbols(path, "--defined-only")}
        self.assertIn("SSL_new", openssl)
        of_tls = libraries_of(TLS)
        copies = [of_tls[name] for name in of_tls if name.startswith("libringdown-b")]
        for path in (TLS, *copies):
            wanted = {re.sub("@.*", "", s[-1]) for s in symbols(path, "--undefined-only")}
            self.assertEqual(wanted & openssl, set(), path)

    def test_plain_ringdown_and_its_programs_have_nothing_of_boringssl(self):
        boringssl = re.compile(r"(\w+_)?(SSL|EVP|BIO|BN|EC|X509|CRYPTO|ERR|OPENSSL)_\w+$")

        def of_boringssl(path):
            return {name for name in every_name(path) if boringssl.match(name)}

        self.assertGreater(len(of_boringssl(TLS)), 50)
        for path in (PLAIN, PLAIN_PROGRAM):
            self.assertGreater(len(every_name(path)), 100)
            self.assertEqual(of_boringssl(path), set(), path)
            for name in needed(path):
                self.assertIsNone(re.match("libringdown-|libssl|libcrypto", name), path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
