"""tools/lint: the naming table and the bug checks of .clang-tidy are on."""

import json
import shutil
import unittest

from scratch import ROOT, ScratchTest

GOOD = """\
#include "base/good.h"

namespace obscura {
namespace {
constexpr int kSides = 4;
}  // namespace

int Square::area() const {
  int whole_side = side_ * kSides;
  return whole_side;
}

}  // namespace obscura
"""
HEADER = """\
#pragma once
namespace obscura {
enum class Colour { kRed, kGreen };
class Square {
 public:
  int area() const;

 private:
  int side_ = 1;
};
}  // namespace obscura
"""


@unittest.skipUnless(shutil.which("clang-tidy-14"), "no clang-tidy-14 here")
class Lint(ScratchTest):
    def setUp(self):
        super().setUp()
        self.bring(".clang-tidy", "tests/.clang-tidy")
        self.write("src/base/good.h", HEADER)
        self.write("src/base/good.cpp", GOOD)

    def lint(self, *options):
        sources = [str(path) for path in sorted(self.folder.rglob("*.cpp"))]
        self.write("build/compile_commands.json", json.dumps(
            [{"directory": str(self.folder), "file": file,
              "command": f"g++ -std=c++20 -Wno-restrict -I{self.folder}/src -c {file}"} for file in sources]))
        self.track()
        return self.run_tool(ROOT / "tools/lint", "-p", self.folder / "build", *options)

    def test_good_names_pass(self):
        self.assert_passes(self.lint("--all"))

    def test_each_bad_name_fails(self):
        planted = {
            "class bad_type {};": "class 'bad_type'",
            "enum class Shade { Dark };": "enum constant 'Dark'",
            "int BadFunction() { return 1; }": "function 'BadFunction'",
            "constexpr int sides = 4;": "'sides'",
            "class Circle { int radius = 1; };": "private member 'radius'",
            "int area(int Side) { return Side; }": "parameter 'Side'",
        }
        self.write("src/base/bad.cpp", "\n".join(planted) + "\n")
        done = self.lint("--all")
        self.assert_fails(done, *planted.values())
        self.assertEqual(done.stdout.count("readability-identifier-naming"), len(planted), done.stdout)

    def test_a_bug_pattern_fails(self):
        self.write("src/base/bad.cpp", """\
#include <string>
#include <utility>
std::string twice(std::string text) {
  std::string moved = std::move(text);
  return moved + text;
}
""")
        self.assert_fails(self.lint("--all"), "bugprone-use-after-move")

    def test_a_header_is_linted_through_its_source(self):
        self.write("src/base/good.h", HEADER.replace("side_ = 1", "side = 1"))
        self.write("src/base/good.cpp", GOOD.replace("side_ *", "side *"))
        self.assert_fails(self.lint(self.folder / "src/base/good.h"), "private member 'side'")

    def test_without_arguments_it_takes_what_changed_last_first(self):
        self.track()
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        self.assert_passes(self.run_tool("git", *author, "commit", "-q", "-m", "first"))
        self.write("src/base/bad.cpp", "class bad_type {};\n")
        self.assert_fails(self.lint(), "class 'bad_type'", "problems in 1 of 2 sources")

    def test_it_says_how_much_it_left_out_when_the_time_was_up(self):
        done = self.lint("--all", "--seconds=0")
        self.assert_passes(done)
        self.assertIn("lint: 0 sources, no problem; 0 passed before; the time was up before 1 others, first in the next run: "
                      "src/base/good.cpp", done.stdout)

    def test_what_it_left_out_is_in_the_next_run(self):
        self.lint("--all", "--seconds=0")
        self.track()
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        for name in ("first", "second"):
            self.assert_passes(self.run_tool("git", *author, "commit", "-q", "--allow-empty", "-m", name))
        self.assertIn("lint: 1 sources, no problem", self.lint().stdout)

    def test_what_passed_is_looked_at_again_only_when_it_or_its_headers_change(self):
        self.assertIn("lint: 1 sources, no problem; 0 passed before", self.lint("--all").stdout)
        self.assertIn("lint: 0 sources, no problem; 1 passed before", self.lint("--all").stdout)
        self.write("src/base/good.h", HEADER.replace("side_ = 1", "side = 1"))
        self.write("src/base/good.cpp", GOOD.replace("side_ *", "side *"))
        self.assert_fails(self.lint("--all"), "private member 'side'")
        self.assert_fails(self.lint("--all"), "private member 'side'")

    def test_the_name_that_clang_gives_to_a_required_expression_passes(self):
        self.write("src/base/bytes.cpp", """\
#include <concepts>
template <class T>
int bytes_of(const T& object) {
  if constexpr (requires {
                  { object.bytes() } -> std::convertible_to<int>;
                }) {
    return object.bytes();
  }
  return 0;
}
int bytes_of_one() { return bytes_of(1); }
""")
        self.assert_passes(self.lint("--all"))

    def test_the_names_that_googletest_makes_pass(self):
        self.write("tests/base/good_test.cpp", "class Square_HasAnArea_Test {};\n")
        self.assert_passes(self.lint("--all"))


if __name__ == "__main__":
    unittest.main()
