"""tools/check_alone: a file that leans on what another one includes is seen, and remembered."""

import json
import unittest

from scratch import ROOT, ScratchTest

GOOD = '#include "base/good.h"\n\n#include <string>\n\nint letters() { return static_cast<int>(std::string("ab").size()); }\n'


class CheckAlone(ScratchTest):
    def setUp(self):
        super().setUp()
        self.write("tools/alone.txt", "src/base\n")
        self.write("src/base/good.h", "#pragma once\nint letters();\n")
        self.write("src/base/good.cpp", GOOD)

    def check(self, *options):
        self.write("build/compile_commands.json", json.dumps(
            [{"directory": str(self.folder / "build"), "file": str(file),
              "command": f"g++ -O3 -std=c++20 -I{self.folder}/src -o x.o -c {file}"}
             for file in sorted(self.folder.rglob("*.cpp"))]))
        return self.run_tool(ROOT / "tools/check_alone", "-p", self.folder / "build", *options)

    def test_files_that_include_what_they_use_pass(self):
        done = self.check()
        self.assert_passes(done)
        self.assertIn("check_alone: 1 files compile by themselves, 0 did before", done.stdout)

    def test_a_source_that_leans_on_its_neighbours_fails_until_it_is_mended(self):
        self.write("src/base/good.cpp", GOOD.replace("#include <string>\n", ""))
        for _ in range(2):
            self.assert_fails(self.check(), "src/base/good.cpp does not include all that it uses", "1 of 1 files")
        self.write("src/base/good.cpp", GOOD)
        self.assert_passes(self.check())

    def test_a_header_without_a_source_is_looked_at_too(self):
        self.write("src/base/list.h", "#pragma once\nstd::vector<int> list();\n")
        self.assert_fails(self.check(), "src/base/list.h does not include all that it uses")

    def test_folders_that_are_not_listed_are_looked_at_only_by_name(self):
        self.write("src/app/main.cpp", "std::string name;\n")
        self.assert_passes(self.check())
        self.assert_fails(self.check("src/app"), "src/app/main.cpp does not include", "1 of 1 files")

    def test_what_passed_is_compiled_again_only_when_it_or_its_headers_change(self):
        self.check()
        self.assertIn("0 files compile by themselves, 1 did before", self.check().stdout)
        self.write("src/base/good.h", "#pragma once\nstd::size_t letters();\n")
        self.assert_fails(self.check(), "src/base/good.cpp does not include")

    def test_what_the_time_did_not_reach_is_named_and_next(self):
        done = self.check("--seconds=0")
        self.assert_passes(done)
        self.assertIn("the time was up before 1 others, first in the next run (never did all of them pass): src/base/good.cpp",
                      done.stdout)
        self.assertIn("1 files compile by themselves", self.check().stdout)
        self.write("src/base/good.h", "#pragma once\n\nint letters();\n")
        self.assertIn("(all had passed 0 hours ago): src/base/good.cpp", self.check("--seconds=0").stdout)

    def test_what_itself_changed_comes_before_what_was_left(self):
        self.write("src/base/user.cpp", '#include "base/good.h"\nint user() { return letters(); }\n')
        self.write("src/base/other.cpp", '#include "base/good.h"\nint other() { return letters(); }\n')
        self.assert_passes(self.check())
        self.write("src/base/good.h", "#pragma once\n\nint letters();\n")
        self.write("src/base/user.cpp", '#include "base/good.h"\nint user() { return 2 * letters(); }\n')
        said = self.check("--seconds=0").stdout
        self.assertIn("0 hours ago): src/base/user.cpp, src/base/good.cpp, src/base/other.cpp", said)


if __name__ == "__main__":
    unittest.main()
