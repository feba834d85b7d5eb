"""What `meson install` gives is all that a program outside the tree needs.

    installed_test.py MESON BUILD_DIRECTORY SOURCE_DIRECTORY

Installs into a temporary directory and builds programs there as their users do: with pkg-config,
shared, with the static library, and all static, with each compiler that is here, as C++20, with and
without RTTI. One is the README's.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

MESON, BUILD, SOURCE = sys.argv[1:4]
CLANG = shutil.which("clang++-19") or shutil.which("clang++")
COMPILERS = ["g++", CLANG] if CLANG else ["g++"]

# Every installed header, and a symbol of the library.
UMBRELLA = """
#include <ringdown/ringdown.h>

#include <cstdio>

int main() {
  const auto text = ringdown::name(ringdown::Start::io_pending);
  return text == "io_pending" ? 0 : 1;
}
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


class InstalledTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        destination = pathlib.Path(cls.temporary.name) / "installed"
        install = [*shlex.split(MESON), "install", "-C", BUILD, "--no-rebuild", "--destdir"]
        run(*install, str(destination))
        # Whoever installed it may move it.
        moved = destination.rename(pathlib.Path(cls.temporary.name) / "moved")
        cls.package = next(moved.rglob("ringdown.pc"))
        cls.libraries = cls.package.parent.parent
        text = cls.package.read_text(encoding="utf-8")
        prefix = re.search(r"^prefix=(.*)$", text, re.MULTILINE).group(1)
        cls.is_relocatable = prefix.startswith("${pcfiledir}/")
        if cls.is_relocatable:
            cls.prefix = (cls.package.parent / prefix.partition("/")[2]).resolve()
        else:
            cls.prefix = moved / prefix.lstrip("/")

    def pkg_config(self, *arguments, package="ringdown"):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.package.parent))
        prefix = [] if self.is_relocatable else [f"--define-variable=prefix={self.prefix}"]
        return run("pkg-config", *prefix, *arguments, package, env=environment).split()

    # All others build with what the packages say then.
    def test_packages_find_themselves_where_they_are_moved_to(self):
        options = json.loads(run(*shlex.split(MESON), "introspect", "--buildoptions", BUILD))
        asked = {option["name"]: option["value"] for option in options}
        if not asked["pkgconfig.relocatable"]:
            self.skipTest("configured with -Dpkgconfig.relocatable=false")
        for package in self.package.parent.glob("*.pc"):
            with self.subTest(package=package.name):
                for variable in ("libdir", "includedir"):
                    found = self.pkg_config(f"--variable={variable}", package=package.stem)[0]
                    self.assertTrue(pathlib.Path(found).resolve().is_relative_to(self.prefix))
                    self.assertTrue(pathlib.Path(found).is_dir())

    def test_the_program_starts_where_it_was_moved_to(self):
        options = json.loads(run(*shlex.split(MESON), "introspect", "--buildoptions", BUILD))
        if not next(o["value"] for o in options if o["name"] == "tools"):
            self.skipTest("configured with -Dtools=false")
        alone = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
        self.assertTrue(run(str(self.prefix / "bin/ringdown"), "--version", env=alone))

    def test_headers_are_those_of_the_tree(self):
        def headers(root):
            include = root / "include/ringdown"
            return {p.relative_to(include) for p in include.rglob("*") if p.is_file()}

        of_tree = {p for p in headers(pathlib.Path(SOURCE)) if p.name.endswith(".h")}
        self.assertEqual(headers(self.prefix), of_tree)

    def test_static_library_holds_every_object(self):
        members = run("ar", "t", str(self.libraries / "libringdown.a")).split()
        elsewhere = self.objects_of_tls() | self.objects_of_winhttp()
        self.assertEqual(set(members), self.objects_of_tree() - elsewhere)

    def objects_of_tree(self):
        of_tree = (pathlib.Path(SOURCE) / "src").rglob("*.cc")
        return {f"{path.parent.name}_{path.name}.o" for path in of_tree}

    def objects_of_tls(self):
        of_tls = re.compile(r"tls_|protocol_tls_(session|verify)")
        return {o for o in self.objects_of_tree() if of_tls.match(o)}

    def objects_of_winhttp(self):
        return {o for o in self.objects_of_tree() if re.match(r"win32_|winhttp_", o)}

    def test_shared_library_exports_ringdown_and_nothing_else(self):
        symbols = run("nm", "-DC", "--defined-only", str(self.libraries / "libringdown.so"))
        kinds = {name: kind for _, kind, name in (s.split(" ", 2) for s in symbols.splitlines())}
        self.assertIn("ringdown::name(ringdown::Start)", kinds)
        own = re.compile(r"((vtable|typeinfo( name)?|non-virtual thunk) (for|to) )?ringdown::")
        # Weak ones are of the C++ library's templates: the same in every library that uses them.
        others = [name for name, kind in kinds.items() if kind not in "WVu" and not own.match(name)]
        self.assertEqual(others, [])
        # Connections are, for ringdown-winhttp, with what they say of protocol in their signatures.
        hidden = re.compile(r"((vtable|typeinfo( name)?) for )?ringdown::protocol::")
        inside = [name for name in kinds if hidden.match(name)]
        self.assertEqual(inside, [], "a hidden floor is exported")

    def test_shared_library_needs_liburing_alone(self):
        dynamic = run("readelf", "-d", str(self.libraries / "libringdown.so"))
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        own = re.compile(r"lib(uring|stdc\+\+|m|gcc_s|c|pthread)\.so|ld-linux")
        self.assertEqual([name for name in needed if not own.match(name)], [])

    def build_all(self, name, text, start):
        directory = pathlib.Path(self.temporary.name) / name
        static_libraries = directory / "static"
        static_libraries.mkdir(parents=True)
        shutil.copy(self.libraries / "libringdown.a", static_libraries)
        (directory / "program.cc").write_text(text, encoding="utf-8")
        for compiler in COMPILERS:
            for mode in ([], ["-fno-rtti"]):
                with self.subTest(compiler=compiler, mode=mode):
                    self.build(directory, [compiler, "-std=c++20", *mode], start)

    def build(self, directory, compiler, start):
        flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", *self.pkg_config("--cflags")]
        shared = self.pkg_config("--libs")
        static = [f"-L{directory}/static", *self.pkg_config("--static", "--libs")]
        run(*compiler, *flags, "-c", "program.cc", cwd=directory)
        run(*compiler, "program.o", "-o", "with-shared", *shared, cwd=directory)
        run(*compiler, "program.o", "-o", "with-static", *static, cwd=directory)
        self.assertNotIn("libringdown", run("readelf", "-d", str(directory / "with-static")))
        all_static = self.pkg_config("--static", "--libs")
        run(*compiler, "-static", "program.o", "-o", "all-static", *all_static, cwd=directory)
        self.assertNotIn("NEEDED", run("readelf", "-d", str(directory / "all-static")))
        if start:
            run(str(directory / "with-static"))
            path = dict(os.environ, LD_LIBRARY_PATH=str(self.libraries))
            run(str(directory / "with-shared"), env=path)

    def test_ringdown_tls_is_complete_and_keeps_boringssl_to_itself(self):
        if not (self.libraries / "libringdown-tls.so").exists():
            self.skipTest("configured without TLS")
        members = run("ar", "t", str(self.libraries / "libringdown-tls.a")).split()
        self.assertEqual(set(members), self.objects_of_tls())
        directory = pathlib.Path(self.temporary.name) / "tls"
        static_libraries = directory / "static"
        static_libraries.mkdir(parents=True)
        for name in ("libringdown.a", "libringdown-tls.a"):
            shutil.copy(self.libraries / name, static_libraries)
        (directory / "program.cc").write_text(UMBRELLA, encoding="utf-8")
        flags = self.pkg_config("--cflags", "--libs", package="ringdown-tls")
        compiler = ["g++", "-std=c++20", "program.cc", "-Wl,--no-as-needed"]
        run(*compiler, "-o", "with-shared", *flags, cwd=directory)
        flags = self.pkg_config("--static", "--cflags", "--libs", package="ringdown-tls")
        whole = "-Wl,--whole-archive,-lringdown-tls,--no-whole-archive"
        flags[flags.index("-lringdown-tls")] = whole
        run(*compiler, "-o", "with-static", f"-L{directory}/static", *flags, cwd=directory)
        # The copies of BoringSSL lie beside, and nothing of where they came from is needed.
        path = dict(os.environ, LD_LIBRARY_PATH=str(self.libraries))
        for program in ("with-shared", "with-static"):
            found = run("ldd", "-r", str(directory / program), env=path)
            self.assertNotRegex(found, "not found|undefined|/android/")
            run(str(directory / program), env=path)
        # Whoever has it inside and is unloaded would leave BoringSSL pointers to nothing.
        shared = ["-shared", "-fPIC", "-o", "plugin.so"]
        run(*compiler, *shared, f"-L{directory}/static", *flags, cwd=directory)
        self.assertIn("NODELETE", run("readelf", "-d", str(directory / "plugin.so")))
        library = str(self.libraries / "libringdown-tls.so")
        dynamic = run("readelf", "-d", library)
        self.assertIn("[$ORIGIN]", dynamic)
        self.assertIn("NODELETE", dynamic)
        self.assertNotRegex(run("ldd", "-r", library), "not found|undefined|/android/")

    def test_ringdown_winhttp_exports_its_calls_and_nothing_else(self):
        if not (self.libraries / "libringdown-winhttp.so").exists():
            self.skipTest("configured without TLS")
        members = run("ar", "t", str(self.libraries / "libringdown-winhttp.a")).split()
        of_wmain = run("ar", "t", str(self.libraries / "libringdown-wmain.a")).split()
        self.assertEqual(set(members) | set(of_wmain), self.objects_of_winhttp())
        self.assertEqual(of_wmain, ["winhttp_wmain.cc.o"])
        library = str(self.libraries / "libringdown-winhttp.so")
        symbols = run("nm", "-DC", "--defined-only", library)
        kinds = {name: kind for _, kind, name in (s.split(" ", 2) for s in symbols.splitlines())}
        wanted = ("WinHttpOpen", "WinHttpOpen_utf16", "WinHttpWebSocketShutdown", "CreateEventA")
        self.assertLessEqual({f"ringdown_{name}" for name in wanted}, set(kinds))
        strong = [name for name, kind in kinds.items() if kind not in "WVu"]
        self.assertEqual([name for name in strong if not name.startswith("ringdown_")], [])

    def test_a_program_of_windows_builds_untouched(self):
        if not (self.libraries / "libringdown-winhttp.so").exists():
            self.skipTest("configured without TLS")
        package = "ringdown-winhttp"
        include = self.pkg_config("--variable=compat_includedir", package=package)[0]
        strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{include}"]
        flags = self.pkg_config("--cflags", "--libs", package=package)
        path = dict(os.environ, LD_LIBRARY_PATH=str(self.libraries))
        for name in ("winhttp_sync", "winhttp_async", "winhttp_half_close"):
            source = f"{SOURCE}/examples/{name}.c"
            program = f"{self.temporary.name}/{name}"
            for compiler in (["gcc", "-std=c99"], ["g++", "-x", "c++"]):
                run(*compiler, *strict, "-c", source, "-o", f"{program}.o")
                link = [f"{program}.o", *flags, f"-Wl,-rpath-link,{self.libraries}"]
                run("gcc", "-o", program, *link)
                self.assertNotRegex(run("ldd", "-r", program, env=path), "not found|undefined")
            done = subprocess.run([program], capture_output=True, text=True, env=path)
            self.assertIn("usage: ", done.stderr)
        self.build_programs_of_wmain(strict, path)
        # The same with the static libraries, linked by a compiler of C.
        static = pathlib.Path(self.temporary.name) / "winhttp-static"
        static.mkdir()
        for library in self.libraries.glob("libringdown*.a"):
            shutil.copy(library, static)
        flags = self.pkg_config("--static", "--libs", package=package)
        run("gcc", "-o", program, f"{program}.o", f"-L{static}", *flags)
        self.assertNotIn("libringdown-winhttp", run("readelf", "-d", program))
        done = subprocess.run([program], capture_output=True, text=True, env=path)
        self.assertIn("usage: ", done.stderr)

    def build_programs_of_wmain(self, strict, path):
        """Each begins with a wmain, which sees its argument; whichever way that is declared."""
        flags = self.pkg_config("--cflags", "--libs", package="ringdown-wmain")
        program = f"{self.temporary.name}/wmain"
        source = f"{program}.c"
        argument = "\u20ac and more"
        sees = 'return count == 2 && words[1][0] == 0x20AC && !words[2] ? 42 : 1;'
        entries = {
            "int wmain(void)": "return 42;",
            "int __cdecl wmain(int count, wchar_t* words[])": sees,
            "int wmain(int count, WCHAR** words, WCHAR** variables)": sees + "(void)variables;",
            "int _tmain(int count, _TCHAR* words[])": sees,
        }
        for entry, body in entries.items():
            for compiler in (["gcc", "-std=c99"], ["g++", "-x", "c++"]):
                with self.subTest(entry=entry, compiler=compiler):
                    text = f"#define UNICODE\n#include <tchar.h>\n{entry} {{ {body} }}\n"
                    pathlib.Path(source).write_text(text, encoding="utf-8")
                    run(*compiler, *strict, "-c", source, "-o", f"{program}.o")
                    link = [f"{program}.o", *flags, f"-Wl,-rpath-link,{self.libraries}"]
                    run("gcc", "-o", program, *link)
                    done = subprocess.run([program, argument], env=path)
                    self.assertEqual(done.returncode, 42)

    def test_a_program_of_the_umbrella_header_builds_and_runs(self):
        self.build_all("umbrella", UMBRELLA, start=True)

    def programs_of_the_readme(self):
        readme = (pathlib.Path(SOURCE) / "README.md").read_text(encoding="utf-8")
        return re.findall(r"^```(?:cpp|c\+\+)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)

    def test_the_program_of_the_readme_builds(self):
        programs = self.programs_of_the_readme()
        self.assertTrue(programs, "the README shows no program")
        self.build_all("readme", programs[0], start=False)

    def test_the_readmes_lines_for_tls_go_into_its_program(self):
        if not (self.libraries / "libringdown-tls.so").exists():
            self.skipTest("configured without TLS")
        program, client, server, asking, events = self.programs_of_the_readme()
        url = "  request.url"
        self.assertIn(url, program)
        text = program.replace(url, client + url, 1)
        text += f"struct Events final : ServerEvents {{\n{events}}};\n"
        text += f"void serve() {{\n{server}{asking}secure.reload();\nEvents events;\n}}\n"
        directory = pathlib.Path(self.temporary.name) / "readme-tls"
        directory.mkdir()
        source = "#include <ringdown/tls.h>\n" + text
        (directory / "program.cc").write_text(source, encoding="utf-8")
        flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-std=c++20"]
        flags += self.pkg_config("--cflags", "--libs", package="ringdown-tls")
        run("g++", "program.cc", *flags, cwd=directory)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
