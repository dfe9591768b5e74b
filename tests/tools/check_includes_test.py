"""tools/check_includes: a name of the standard library without its header is seen."""

import unittest

from scratch import ROOT, ScratchTest


class CheckIncludes(ScratchTest):
    def check(self):
        return self.run_tool(ROOT / "tools/check_includes")

    def test_a_header_of_the_file_itself_is_enough(self):
        self.write("src/io/png.cpp", "#include <algorithm>\nint a = std::max(1, 2);\n")
        self.assert_passes(self.check())

    def test_a_header_of_ours_brings_what_it_includes(self):
        self.write("src/io/png.h", "#include <vector>\nstd::vector<int> all();\n")
        self.write("src/io/png.cpp", '#include "io/png.h"\nstd::vector<int> all() { return {}; }\n')
        self.assert_passes(self.check())

    def test_what_another_header_may_bring_or_not_fails(self):
        self.write("src/io/png.cpp", "#include <vector>\nvoid f(int* a) { std::copy_n(a, 1, a + 1); }\n")
        self.assert_fails(self.check(), "src/io/png.cpp: #include <algorithm> for std::copy_n")

    def test_headers_and_tests_are_read_too(self):
        self.write("src/io/png.h", "std::string name();\n")
        self.write("tests/io/png_test.cpp", "std::mutex guard;\n")
        self.assert_fails(self.check(), "src/io/png.h: #include <string>", "tests/io/png_test.cpp: #include <mutex>")

    def test_a_longer_name_is_another_and_a_comment_is_no_use(self):
        self.write("src/io/png.cpp", "#include <string_view>\nstd::string_view a;  // not std::string\n")
        self.assert_passes(self.check())


if __name__ == "__main__":
    unittest.main()
