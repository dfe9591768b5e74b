"""tools/check_format: a badly set file is seen, named and mended."""

import shutil
import unittest

from scratch import ROOT, ScratchTest


@unittest.skipUnless(shutil.which("clang-format-14"), "no clang-format-14 here")
class CheckFormat(ScratchTest):
    def setUp(self):
        super().setUp()
        self.bring(".clang-format")
        self.write("src/good.cpp", "int one() {\n  return 1;\n}\n")

    def check(self, *options):
        return self.run_tool(ROOT / "tools/check_format", *options)

    def test_well_set_files_pass(self):
        self.track()
        self.assert_passes(self.check())

    def test_a_badly_set_file_fails_and_is_mended(self):
        self.track()
        self.write("src/bad.h", "int   two( ) ;\n")  # New: not yet tracked.
        self.assert_fails(self.check(), "src/bad.h:1", "tools/check_format --fix")
        self.assert_passes(self.check("--fix"))
        self.assertEqual((self.folder / "src/bad.h").read_text(), "int two();\n")
        self.assert_passes(self.check())

    def test_nothing_to_check_fails(self):
        (self.folder / "src/good.cpp").unlink()
        self.track()
        self.assert_fails(self.check(), "found no C++ file")


if __name__ == "__main__":
    unittest.main()
