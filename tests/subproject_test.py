"""A project that has ringdown as a subproject of Meson's finds it by dependency('ringdown').

    subproject_test.py MESON BUILD_DIRECTORY SOURCE_DIRECTORY

The libraries are not built anew: those of BUILD_DIRECTORY are put where the project's would be.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

MESON, BUILD, SOURCE = sys.argv[1:4]

PROJECT = """
project('user', 'c', 'cpp', default_options: 'cpp_std=c++20')
ringdown = dependency('ringdown', fallback: 'ringdown', default_options: 'tools=false')
executable('user', 'user.cc', dependencies: ringdown)
tls = dependency('ringdown-tls', required: false)
if tls.found()
  executable('user-tls', 'user_tls.cc', dependencies: tls)
  winhttp = dependency('ringdown-winhttp')
  assert(import('fs').is_dir(winhttp.get_variable('compat_includedir')))
  executable('user-winhttp', 'user_winhttp.c', dependencies: winhttp)
endif
"""
PROGRAMS = {
    "user.cc": """
#include <ringdown/ringdown.h>

int main() { return ringdown::name(ringdown::Start::busy) == "busy" ? 0 : 1; }
""",
    # OpenSSL's headers are the user's, and not BoringSSL's of the same names.
    "user_tls.cc": """
#include <ringdown/tls.h>
#if __has_include(<openssl/ssl.h>)
#include <openssl/crypto.h>
#ifdef OPENSSL_IS_BORINGSSL
#error BoringSSL
#endif
#endif

int main() {
  try {
    const ringdown::TlsClientContext secure({.ca_file = "/none"});
  } catch (const ringdown::SetupError&) {
    return 0;
  }
}
""",
    "user_winhttp.c": """
#include <ringdown/winhttp.h>

int main(void) { return WinHttpCloseHandle(0) ? 1 : 0; }
""",
}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


class SubprojectTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.project = pathlib.Path(temporary.name)
        (self.project / "subprojects").mkdir()
        (self.project / "subprojects/ringdown").symlink_to(SOURCE)
        for name, text in {"meson.build": PROJECT, **PROGRAMS}.items():
            (self.project / name).write_text(text, encoding="utf-8")
        self.build = self.project / "build"
        run(*shlex.split(MESON), "setup", "build", cwd=self.project)

    def test_its_programs_build_and_run(self):
        for source in PROGRAMS:
            program = source.partition(".")[0].replace("_", "-")
            if program != "user" and not (pathlib.Path(BUILD) / "src/libringdown-tls.a").exists():
                continue
            with self.subTest(program=program):
                run("ninja", f"{program}.p/{source}.o", cwd=self.build)
                link = run("ninja", "-t", "commands", "-s", program, cwd=self.build).strip()
                self.put_libraries(link)
                run("sh", "-c", link, cwd=self.build)
                run(f"./{program}", cwd=self.build, env=dict(os.environ, LD_LIBRARY_PATH=LIBRARIES))

    def put_libraries(self, link):
        ours = [word for word in shlex.split(link) if word.startswith("subprojects/ringdown/")]
        self.assertTrue(ours, link)
        for word in ours:
            built = pathlib.Path(BUILD) / pathlib.Path(word).relative_to("subprojects/ringdown")
            (self.build / word).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(built, self.build / word)
        # Those that they need, by the names they are asked for.
        for built in (pathlib.Path(BUILD) / "src").glob("libringdown*.so.?"):
            place = self.build / "subprojects/ringdown/src" / built.name
            if not place.exists():
                shutil.copy(built, place)


LIBRARIES = f"{BUILD}/src:{BUILD}/tools/boringssl"

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
