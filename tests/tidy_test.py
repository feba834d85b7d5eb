"""Each rule of tools/tidy.py passes a tree that keeps it and finds the one line that breaks it."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import tidy  # noqa: E402

SOURCE = "// A file of the test.\n"
HEADER = SOURCE + "#pragma once\n"
CLEAN = {
    "include/ringdown/result.h": HEADER + "\n#include <sys/socket.h>\n\n#include <cstdint>\n",
    "include/ringdown/tcp.h": HEADER + '\n#include "ringdown/result.h"\n',
    "src/base/check.h": HEADER + '\n#include "ringdown/result.h"\n',
    "src/ring/ring.cc": SOURCE + '#include <liburing.h>\n\n#include "base/check.h"\n',
    "src/protocol/frame.h": HEADER + '\n#include "base/check.h"\n',
    "src/net/tcp.cc": SOURCE + '#include "base/check.h"\n#include "ring/ring.h"\n',
    "src/websocket/dial.cc": SOURCE + '#include "net/tcp.h"\n#include "protocol/frame.h"\n',
    "tests/protocol/frame_test.cc": SOURCE + '#include "protocol/frame.h"\n',
    "tools/ringdown/report.h": HEADER,
    "tools/ringdown/main.cc": SOURCE
    + '#include "report.h"\n#include "ringdown/result.h"\n#include "ringdown/tcp.h"\n',
    "docs/conventions.md": "Times are absolute.\n",
}


def lines(count):
    return "".join(f"  step({i});\n" for i in range(count))


class TidyTest(unittest.TestCase):
    def findings(self, changes, check=None):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**CLEAN, **changes}.items():
                file = pathlib.Path(root) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            formatter, tidy.clang_format = tidy.clang_format, lambda: None
            try:
                found = (check or (lambda t: tidy.check_tree(t, lambda _: None)))(tidy.Tree(root))
                return [f"{path}:{line}: {message}" for path, line, message in found]
            finally:
                tidy.clang_format = formatter

    def assert_found(self, changes, start, part, check=None):
        found = self.findings(changes, check)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(start), found)
        self.assertIn(part, found[0])

    def assert_include_found(self, path, include, part):
        text = CLEAN.get(path, HEADER if path.endswith(".h") else SOURCE)
        line = text.count("\n") + 1
        self.assert_found({path: f"{text}#include {include}\n"}, f"{path}:{line}:", part)

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual(self.findings({}), [])

    def test_no_floor_includes_a_floor_above_it(self):
        for floor, below in tidy.FLOORS.items():
            for other in tidy.FLOORS:
                include = f'"{other}/thing.h"'
                path = f"src/{floor}/new.cc"
                if other in below | {floor}:
                    self.assertEqual(self.findings({path: f"{SOURCE}#include {include}\n"}), [])
                else:
                    self.assert_include_found(path, include, f"{floor} must not include {other}/")

    def test_ring_and_protocol_never_see_each_other(self):
        self.assert_include_found("src/ring/new.cc", '"protocol/frame.h"', "must not include")
        self.assert_include_found("src/protocol/new.cc", '"ring/ring.h"', "must not include")

    def test_a_directory_of_src_is_a_floor(self):
        self.assert_include_found("src/misc/new.cc", '"base/check.h"', "no floor")

    def test_tests_keep_to_their_floor(self):
        self.assert_include_found("tests/protocol/frame_test.cc", '"net/tcp.h"', "must not include")

    def test_users_see_the_installed_headers_only(self):
        for path in ("tools/ringdown/main.cc", "examples/echo.cc"):
            self.assert_include_found(path, '"protocol/frame.h"', "may only see ringdown/")

    def test_only_the_ring_includes_liburing(self):
        for name in ("<liburing.h>", "<linux/io_uring.h>"):
            for path in ("src/net/tcp.cc", "src/base/new.cc", "tests/net/new.cc", "tools/x.cc"):
                self.assert_include_found(path, name, "only src/ring includes")
            self.assertEqual(self.findings({"tests/ring/new.cc": f"{SOURCE}#include {name}\n"}), [])

    def test_only_tls_includes_boringssl(self):
        paths = ("src/net/tcp.cc", "src/protocol/frame.h", "src/websocket/dial.cc", "tools/x.cc",
                 "tests/protocol/frame_test.cc")
        for path in paths:
            self.assert_include_found(path, "<openssl/ssl.h>", "only src/tls and")
        text = f"{SOURCE}#include <openssl/ssl.h>\n"
        for path in ("src/tls/new.cc", "src/protocol/tls_session.cc", "tests/boringssl/new.cc"):
            self.assertEqual(self.findings({path: text}), [])

    def test_tls_is_above_net_and_protocol_and_unseen_by_websocket(self):
        text = SOURCE + '#include "net/tcp.h"\n#include "protocol/frame.h"\n'
        self.assertEqual(self.findings({"src/tls/new.cc": text}), [])
        self.assert_include_found("src/tls/new.cc", '"websocket/x.h"', "tls must not include")
        for path in ("src/websocket/dial.cc", "src/protocol/frame.h", "src/net/tcp.cc"):
            self.assert_include_found(path, '"tls/new.h"', "must not include tls/new.h")

    def test_no_include_goes_upwards(self):
        self.assert_include_found("src/net/tcp.cc", '"../ring/ring.h"', "never upwards")

    def test_an_installed_header_needs_nothing_installed_beside_it(self):
        path = "include/ringdown/tcp.h"
        self.assert_include_found(path, "<zlib.h>", "includes <zlib.h>")
        self.assert_include_found(path, '"base/check.h"', "may only see ringdown/")
        found = self.findings({path: CLEAN[path] + "#include <liburing.h>\n"})
        self.assertEqual(len(found), 2, found)

    def test_an_installed_header_compiles_alone_in_cxx20_and_without_rtti(self):
        path = "include/ringdown/tcp.h"

        def check(tree):
            return tidy.check_headers(tree, ["c++"], [])

        self.assertEqual(self.findings({}, check), [])
        found = self.findings({path: CLEAN[path] + "std::string name();\n"}, check)
        self.assertEqual(len(found), 2, found)
        newer = CLEAN[path] + "inline int f(auto x) { if consteval { return x; } return 0; }\n"
        self.assertEqual(len(self.findings({path: newer}, check)), 2)
        rtti = "#include <typeinfo>\ninline auto& f() { return typeid(int); }\n"
        self.assert_found({path: CLEAN[path] + rtti}, path, "-fno-rtti", check)

    def test_an_installed_header_in_c_includes_what_is_beside_it_and_compiles_as_c99(self):
        path, beside = "include/ringdown/compat/windows.h", "include/ringdown/win32.h"
        text = HEADER + '\n#include "../win32.h"\n#include <stdint.h>\n'
        self.assertEqual(self.findings({path: text, beside: HEADER}), [])
        self.assert_include_found(path, '"../base/check.h"', "never upwards")
        self.assert_include_found(path, "<poll.h>", "includes <poll.h>")

        def check(tree):
            return tidy.check_headers(tree, ["c++"], [])

        self.assertEqual(self.findings({path: text, beside: HEADER + "extern int n;\n"}, check), [])
        found = self.findings({beside: HEADER + "extern bool b;\n"}, check)
        self.assertEqual(len(found), 2, found)

    def test_a_file_ends_at_its_limit(self):
        path = "src/net/tcp.cc"
        fits = SOURCE + "\n" * (tidy.FILE_LINES_MAX - 1)
        self.assertEqual(self.findings({path: fits}), [])
        self.assert_found({path: fits + "\n"}, f"{path}:401:", "401 lines")

    def test_a_line_ends_at_its_limit(self):
        for path in ("src/net/tcp.cc", "tools/peer.py", "src/net/meson.build"):
            fits = SOURCE + "# " + "x" * (tidy.COLUMNS_MAX - 2) + "\n"
            self.assertEqual(self.findings({path: fits}), [])
            self.assert_found({path: fits[:-1] + "x\n"}, f"{path}:2:", "101 columns")

    def test_letters(self):
        path = "src/net/tcp.cc"
        self.assert_found({path: SOURCE + "int\ta;\n"}, f"{path}:2:", "a tab")
        self.assert_found({path: SOURCE + "int a; \n"}, f"{path}:2:", "spaces at the end")
        self.assert_found({path: SOURCE + "// caf\u00e9\n"}, f"{path}:2:", "not ASCII")
        self.assert_found({path: SOURCE + "int a;"}, f"{path}:2:", "no newline")

    def test_a_source_says_what_it_is(self):
        self.assert_found({"src/net/tcp.cc": "int a;\n"}, "src/net/tcp.cc:1:", "begins with")
        self.assertEqual(self.findings({"src/net/tcp.cc": '#include "net/tcp.h"\n'}), [])
        other = '#include "ring/ring.h"\n'
        self.assert_found({"src/net/tcp.cc": other}, "src/net/tcp.cc:1:", "begins with")
        self.assert_found({"src/net/tcp.h": SOURCE}, "src/net/tcp.h:1:", "#pragma once")

    def test_words_that_do_not_belong_here(self):
        for word in ("TO" "DO", "FIX" "ME", "X" "XX", "/wo" "rk/main", "/ro" "ot/x", "/ho" "me/me"):
            changed = {"docs/conventions.md": f"One\nand {word} again\n"}
            self.assert_found(changed, "docs/conventions.md:2:", word[:5])
        allowed = 'mkdtemp("XX' 'XXXX"), http://localhost/ho' "me/, src/wo" "rk/\n"
        self.assertEqual(self.findings({"docs/conventions.md": allowed}), [])

    def test_a_public_struct_initializes_its_members(self):
        path = "include/ringdown/result.h"
        good = "struct A {\n  using B = int;\n  int c = 1;\n  int d{};\n  int e() const;\n};\n"
        private = "class A {\n  struct B {\n    int c = 1;\n  };\n  int d_;\n};\n"
        self.assertEqual(self.findings({path: HEADER + good + private}), [])
        bare = "struct A {\n  int b = 1;\n  std::vector<int> c;\n};\n"
        self.assert_found({path: HEADER + bare}, f"{path}:5:", "c: a public struct")
        inside = "class A {\n  struct B {\n    int* c;\n  };\n};\n"
        self.assert_found({path: HEADER + inside}, f"{path}:5:", "c: a public struct")
        self.assertEqual(self.findings({"src/net/tcp.h": HEADER + bare}), [])

    def assert_function_limit(self, head, tail="}\n"):
        path = "src/net/tcp.cc"
        around = head.count("\n") + tail.count("\n")
        if head.lstrip().startswith(("class", "namespace")):
            around -= 2
        fits = head + lines(tidy.FUNCTION_LINES_MAX - around) + tail
        self.assertEqual(self.findings({path: SOURCE + fits}), [])
        longer = head + lines(tidy.FUNCTION_LINES_MAX - around + 1) + tail
        self.assert_found({path: SOURCE + longer}, path, "a function of 71 lines")

    def test_a_function_ends_at_its_limit(self):
        self.assert_function_limit("void f() {\n")
        self.assert_function_limit("void C::f(int a,\n    int b) const noexcept {\n")
        self.assert_function_limit("template <class T>\nauto f(T) -> std::vector<int> {\n")
        self.assert_function_limit("C::C(int a) : a_{a}, b_{1'000} {\n")
        self.assert_function_limit("C::C(int a)\n    : a_(a), b_(2) {\n")
        self.assert_function_limit("void f(Options o = {}) {\n")
        self.assert_function_limit("TEST(A, B) {\n")
        self.assert_function_limit("namespace a {\nvoid f() {\n", "}\n}\n")
        self.assert_function_limit("class A : public B {\n  void f() override {\n", "  }\n};\n")
        self.assert_function_limit("void f() {\n  // }\n  g(\"}\", '}', R\"(\n})\");\n")
        self.assert_function_limit("void f() {\n  auto g = [] {\n", "  };\n}\n")

    def test_a_table_or_a_type_is_no_function(self):
        table = "constexpr A table[] = {\n" + "    {1, f(2)},\n" * 90 + "};\n"
        members = "class A {\n public:\n" + "  int f() { return 1; }\n" * 90 + "};\n"
        self.assertEqual(self.findings({"src/net/tcp.cc": SOURCE + table + members}), [])
        names = [name for _, _, name in tidy.functions(SOURCE + members)]
        self.assertEqual(names, ["int f()"] * 90)

    @unittest.skipUnless(tidy.clang_format(), "clang-format 14 is not installed")
    def test_sources_are_formatted(self):
        style = {".clang-format": "BasedOnStyle: Google\n"}
        formatter = tidy.clang_format()

        def check(tree):
            tidy.clang_format = lambda: formatter
            return list(tidy.check_format(tree, self.fail))

        well, badly = SOURCE + "int a = 1;\n", SOURCE + "int a=1;\n"
        self.assertEqual(self.findings({**style, "src/net/tcp.cc": well}, check), [])
        self.assert_found(
            {**style, "src/net/tcp.cc": badly}, "src/net/tcp.cc:2:", "clang-format -i", check
        )


if __name__ == "__main__":
    unittest.main()
