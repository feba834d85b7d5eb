#!/usr/bin/env python3
"""Holds the rules of the tree that no compiler holds; a test of the suite `tidy`.

    tools/tidy.py [--root DIR]                 floors, lengths, words, format
    tools/tidy.py --headers --cxx 'c++ ARGS'   each installed header compiles on its own

Every finding is one line, `path:line: what is wrong`; the exit status is 1 if there is any.
tests/tidy_test.py shows for each rule that it can fail.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

# Who may include whom, beside itself and the public headers. ring and protocol never see each
# other.
FLOORS = {
    "base": set(),
    "ring": {"base"},
    "protocol": {"base"},
    "net": {"base", "ring"},
    "tls": {"base", "ring", "net", "protocol"},
    "websocket": {"base", "ring", "net", "protocol"},
    "win32": {"base"},
    "winhttp": {"base", "ring", "net", "protocol", "tls", "websocket", "win32"},
}
# Installed headers in C, which include each other by their place, so that one -I is enough: the
# names of Windows stand in a directory of their own.
C_HEADERS = ("include/ringdown/win", "include/ringdown/compat/")
# Users of the library: the public headers and their own files only.
OUTSIDE = ("tools", "examples")
# The only places that may see io_uring; the doctor asks the kernel itself.
RING_ONLY = ("src/ring/", "tests/ring/", "tools/ringdown/doctor.cc")
RING_HEADERS = {"liburing.h", "linux/io_uring.h"}
# The only places that may see BoringSSL: what becomes ringdown-tls, and its tests.
TLS_ONLY = ("src/tls/", "src/protocol/tls_session", "src/protocol/tls_verify.cc", "tests/tls/",
            "tests/protocol/tls_", "tests/boringssl/", "tests/fuzz/tls_", "bench/tls_bench.cc",
            "bench/tls_floor.cc", "bench/plain_boringssl.h")

DIRECTORIES = (".ci", "bench", "docs", "examples", "include", "src", "tests", "tools")
SKIPPED_DIRECTORIES = {"__pycache__", "node_modules", "yardstick"}  # the last is not ours

# Spelled in parts, so that this file does not find itself.
BANNED = (
    (re.compile(r"(?<![\w.])/(?:work|ro" r"ot|ho" r"me)/"), "a path of one machine"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b"), "unfinished: do it, or say what is so"),
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


class Tree:
    """The files of the tree under `root`, by path relative to it."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = sorted(self._walk())

    def _walk(self):
        for entry in self.root.iterdir():
            if entry.is_file() and entry.name != ".git":  # which a worktree has
                yield entry.name
        for top in DIRECTORIES:
            for directory, subdirectories, names in os.walk(self.root / top):
                subdirectories[:] = [s for s in subdirectories if s not in SKIPPED_DIRECTORIES]
                for name in names:
                    yield (pathlib.Path(directory) / name).relative_to(self.root).as_posix()

    def sources(self):
        return [p for p in self.paths if p.endswith((".h", ".cc")) and "/" in p]

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


# --- who includes whom ---


def check_floors(tree, path, text):
    parts = path.split("/")
    for number, quoted, name in includes(text):
        if name in RING_HEADERS and not path.startswith(RING_ONLY):
            yield number, f"only src/ring includes {name}"
        if name.startswith("openssl/") and not path.startswith(TLS_ONLY):
            yield number, f"only src/tls and protocol/tls_session*.cc include {name}"
        if is_beside(tree, path, name):
            continue
        if ".." in name.split("/"):
            yield number, f"{name}: include relative to src or include, never upwards"
            continue
        first = name.split("/")[0] if "/" in name else ""
        if not quoted or first == "ringdown":
            continue
        if parts[0] == "include":
            yield number, f"an installed header includes {name}: it may only see ringdown/"
        elif parts[0] == "src":
            yield from check_floor(number, parts[1], first, name)
        elif parts[0] == "tests" and parts[1] in FLOORS and first in FLOORS:
            yield from check_floor(number, parts[1], first, name)
        elif parts[0] in OUTSIDE and not own_file(tree, path, name):
            yield number, f"{parts[0]} may only see ringdown/ and its own files, not {name}"


def check_floor(number, floor, first, name):
    if floor not in FLOORS:
        yield number, f"src/{floor} is no floor: give it its place in tools/tidy.py"
    elif first not in FLOORS[floor] | {floor}:
        yield number, f"{floor} must not include {name}: the floors below it are " + (
            ", ".join(sorted(FLOORS[floor])) or "none"
        )


def is_beside(tree, path, name):
    return path.startswith(C_HEADERS) and (tree.root / path).parent.joinpath(name).is_file()


def own_file(tree, path, name):
    directories = (pathlib.Path(path).parent, pathlib.Path(path.split("/")[0]))
    return any((tree.root / directory / name).is_file() for directory in directories)


def check_installed_includes(tree, path, text):
    """Only the C++ library, or C's in C, the sockets' headers of POSIX, and ringdown's own."""
    if not path.startswith("include/"):
        return
    for number, quoted, name in includes(text):
        c = r"|(?:std[a-z]+|ctype|errno|netdb|string|unistd|wchar|arpa/inet)\.h"
        c = c if path.startswith(C_HEADERS) else ""
        standard = re.fullmatch(r"[a-z_]+|(?:sys|netinet)/[a-z_]+\.h" + c, name)
        if not quoted and not standard:
            yield number, f"an installed header includes <{name}>"


# --- lengths and letters ---


def check_lines(tree, path, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, f"{len(lines)} lines, of at most {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, of at most {COLUMNS_MAX}"
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "spaces at the end of the line"
        if not line.isascii():
            yield number, "not ASCII"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end of the file"


def check_opening(tree, path, text):
    own_header = re.match(r'#include "(?:[\w/]+/)?(\w+)\.h"\n', text)  # it says what its .cc is
    if not text.startswith("// ") and not (
        own_header and path.endswith(f"/{own_header.group(1)}.cc")
    ):
        yield 1, "a source begins with a comment that says what it is, or its own header"
    if path.endswith(".h") and "\n#pragma once\n" not in text:
        yield 1, "a header without #pragma once"


def check_words(tree, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, reason in BANNED:
            match = pattern.search(line)
            if match:
                yield number, f"{match.group(0)}: {reason}"


# --- function lengths ---

LITERALS = re.compile(
    r"//[^\n]*|/\*.*?\*/"  # comments
    r'|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'  # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # characters, not the separators of digits
    r"|^[ ]*\#(?:[^\n]*\\\n)*[^\n]*",  # the preprocessor's lines
    re.DOTALL | re.MULTILINE,
)
TYPE_OR_NAMESPACE = re.compile(
    r"^\s*(?:(?:template\s*<.*>|inline|extern|typedef|static|constexpr|const|requires.*)\s*)*"
    r"(?:namespace|class|struct|union|enum)\b(?![^{]*\)\s*(?:const|noexcept|override)?\s*$)",
    re.DOTALL,
)
CONSTRUCTOR_MEMBER = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:).*[\w>]\s*$", re.DOTALL)


def blank_literals(text):
    """`text` with comments, literals and directives blanked; every line stays where it was."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return LITERALS.sub(blank, text)


def functions(text):
    """(first line, number of lines, signature) of each outermost function body, by its braces.

    What stands between the last `;`, `{` or `}` and a `{` decides what the brace opens: a namespace
    or type is entered, an initializer is part of what surrounds it, and anything else with
    parentheses is a function.
    """
    text = blank_literals(text)
    stack = []  # kind of each open brace: "scope", "part" or "function"
    header, header_line = "", 0
    inside = 0  # open "function" braces: what is inside of one belongs to it
    parentheses = 0
    first = (0, "")
    line = 1
    for letter in text:
        if letter == "\n":
            line += 1
        if inside:
            inside += (letter == "{") - (letter == "}")
            if not inside:
                yield first[0], line - first[0] + 1, first[1]
                header = ""
            continue
        if letter == "{":
            kind = "part" if stack[-1:] == ["part"] else brace_kind(header, parentheses)
            if kind == "function":
                inside, first = 1, (header_line, " ".join(header.split()))
                continue
            stack.append(kind)
            header = header + "{" if kind == "part" else ""
        elif letter == "}":
            kind = stack.pop() if stack else "scope"
            header = header + "}" if kind == "part" else ""
        elif letter == ";" and "part" not in stack and not parentheses:
            header = ""
        elif letter == ":" and header.strip() in ("public", "protected", "private"):
            header = ""
        else:
            parentheses = max(0, parentheses + (letter == "(") - (letter == ")"))
            if not header.strip() and not letter.isspace():
                header, header_line = "", line
            header += letter


def brace_kind(header, parentheses):
    if parentheses:
        return "part"
    if TYPE_OR_NAMESPACE.match(header) or re.search(r"\bextern\s*$", header):
        return "scope"
    if header.rstrip().endswith("=") or re.search(r"\brequires\s*(?:\([^()]*\))?\s*$", header):
        return "part"
    if CONSTRUCTOR_MEMBER.search(header) or "(" not in header:
        return "part"
    return "function"


def check_function_lines(tree, path, text):
    for line, length, signature in functions(text):
        if length > FUNCTION_LINES_MAX:
            of = f"{length} lines, of at most {FUNCTION_LINES_MAX}"
            yield line, f"a function of {of}: {signature[:60]}"


# --- members ---

BARE_MEMBER = re.compile(
    r"^ +(?!(?:using|friend|return|static|typedef|struct|class|enum)\b)[\w:][\w:<>, *&]* [*&]*\w+;$"
)


def check_members(tree, path, text):
    """Who names some members of a public struct is not warned of the others (-Wextra)."""
    if not path.startswith("include/") or path.startswith(C_HEADERS):
        return
    is_struct = []  # of each open brace
    for number, line in enumerate(blank_literals(text).splitlines(), 1):
        if is_struct[-1:] == [True] and BARE_MEMBER.match(line.rstrip()):
            yield number, f"{line.split()[-1].rstrip(';')}: a public struct initializes its members"
        for brace in re.findall(r"[{}]", line):
            if brace == "{":
                is_struct.append(line.lstrip().startswith("struct "))
            elif is_struct:
                is_struct.pop()


# --- format ---


def clang_format():
    """Debian 12's formatter, version 14: others format differently. None where it is missing."""
    for name in ("clang-format-14", "clang-format"):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            if re.search(r"version 14\.", version):
                return program
    return None


def check_format(tree, say):
    program = clang_format()
    sources = tree.sources() + [p for p in tree.paths if p.endswith(".c")]
    if not program:
        say("clang-format 14 is not installed: the format is not checked")
        return
    if not sources:
        return
    command = [program, "--dry-run", "-Werror", "--ferror-limit=1", *sources]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
    for match in re.finditer(r"^(?:\./)?([^\s:]+):(\d+):\d+: error:", done.stderr, re.MULTILINE):
        yield match.group(1), int(match.group(2)), "not formatted: clang-format -i"
    if done.returncode and "error: code should be clang-formatted" not in done.stderr:
        yield ".clang-format", 1, done.stderr.strip().splitlines()[0]


# --- installed headers ---


def check_headers(tree, compiler, extra):
    """Each installed header compiles on its own, in the oldest language it is made for."""
    headers = [p for p in tree.paths if p.startswith("include/") and p.endswith(".h")]
    modes = (["-std=c++20", "-x", "c++"], ["-std=c++20", "-fno-rtti", "-x", "c++"])
    c_modes = (
        ["-std=c99", "-x", "c"],
        ["-std=c99", "-fshort-wchar", "-DUNICODE", "-x", "c"],
        ["-std=c++11", "-fshort-wchar", "-DUNICODE", "-x", "c++"],
    )

    def compile_header(task):
        header, mode = task
        command = [*compiler, *mode, *extra, "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                   "-fsyntax-only", "-Iinclude", "-"]
        source = f'#include "{header[len("include/"):]}"\n'
        return subprocess.run(command, cwd=tree.root, input=source, capture_output=True, text=True)

    tasks = [(header, mode) for header in headers for mode in modes]
    tasks += [(h, mode) for h in headers if h.startswith(C_HEADERS) for mode in c_modes]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (header, mode), done in zip(tasks, pool.map(compile_header, tasks)):
            if done.returncode:
                errors = [e for e in done.stderr.splitlines() if "error:" in e] or [done.stderr]
                yield header, 1, f"does not compile alone with {' '.join(mode)}: {errors[0]}"


# --- all of it ---


def check_tree(tree, say=print):
    of_sources = (check_floors, check_installed_includes, check_opening, check_members,
                  check_function_lines)
    sources = set(tree.sources())
    for path in tree.paths:
        text = tree.text(path)
        if "\0" in text:
            continue
        rules = [check_words]
        if path in sources:
            rules += of_sources
        if path in sources or path.endswith((".py", ".js", ".sh", "meson.build")):
            rules.append(check_lines)
        for rule in rules:
            for line, message in rule(tree, path, text):
                yield path, line, message
    yield from check_format(tree, say)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent)
    arguments.add_argument("--headers", action="store_true", help="compile the installed headers")
    arguments.add_argument("--cxx", default="c++", help="the compiler, with its arguments")
    options = arguments.parse_args()
    tree = Tree(options.root)
    if options.headers:
        findings = list(check_headers(tree, shlex.split(options.cxx), []))
    else:
        findings = list(check_tree(tree))
    for path, line, message in findings:
        print(f"{path}:{line}: {message}")
    print(f"{len(findings)} findings in {len(tree.paths)} files")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
