"""tools/check_sizes: long files and a heavy repository are seen."""

import unittest

from scratch import ROOT, ScratchTest


class CheckSizes(ScratchTest):
    def setUp(self):
        super().setUp()
        self.write("src/io/png.cpp", "\n" * 400)

    def check(self):
        self.track()
        return self.run_tool(ROOT / "tools/check_sizes")

    def test_files_within_the_budget_pass_without_a_word(self):
        done = self.check()
        self.assert_passes(done)
        self.assertNotIn("png.cpp", done.stdout)

    def test_above_400_lines_is_a_warning(self):
        self.write("src/io/jpeg.cpp", "\n" * 401)
        done = self.check()
        self.assert_passes(done)
        self.assertIn("src/io/jpeg.cpp: 401 lines (a warning", done.stdout)

    def test_above_800_lines_fails(self):
        self.write("src/io/jpeg.cpp", "\n" * 801)
        self.assert_fails(self.check(), "src/io/jpeg.cpp: 801 lines")

    def test_a_data_table_may_be_long(self):
        self.write("src/models/clip/vocabulary_table.cpp", "\n" * 5000)
        self.assert_passes(self.check())

    def test_a_heavy_repository_fails(self):
        with open(self.folder / "model.bin", "wb") as file:
            file.truncate((36 << 20) + 1)
        self.assert_fails(self.check(), "at most 37748736 are wanted")


if __name__ == "__main__":
    unittest.main()
