"""tools/check_words: words that the glossary replaces are seen, in prose and in names."""

import unittest

from scratch import ROOT, ScratchTest

GLOSSARY = """# Glossary

| word | elsewhere | not | meaning |
| --- | --- | --- | --- |
| image | | picture | pixels |
| sigma | | noise level, level of noise | how much noise |
"""


class CheckWords(ScratchTest):
    def setUp(self):
        super().setUp()
        self.write("docs/glossary.md", GLOSSARY)
        self.write("tools/words.txt", "# comment\n: golden/*\npicture: src/io/theirs.cpp\nnoise level\n")

    def check(self):
        self.track()
        return self.run_tool(ROOT / "tools/check_words")

    def test_the_better_words_pass_and_so_do_the_glossary_and_the_list(self):
        self.write("src/io/png.cpp", "// an image\n")
        self.assert_passes(self.check())

    def test_prose_and_names_fail_with_place_and_better_word(self):
        for text in ("// a picture", "small_picture()", "kPicture", "LastPictures", "PICTURE"):
            self.write("src/io/png.cpp", f"first line\n{text}\n")
            self.assert_fails(self.check(), "src/io/png.cpp:2: ", "say image")

    def test_a_word_over_the_end_of_a_line_fails(self):
        self.write("src/a.cpp", "// the noise\n  // level\n")
        self.assert_fails(self.check(), "say sigma")

    def test_a_name_of_several_parts_fails(self):
        for text in ("noise_levels", "NoiseLevel", "noise-level"):
            self.write("src/a.cpp", text)
            self.assert_fails(self.check(), "say sigma")

    def test_the_name_of_a_file_fails(self):
        self.write("tests/pictures.sh", "")
        self.assert_fails(self.check(), "tests/pictures.sh:0: ")

    def test_names_of_other_libraries_and_longer_words_pass(self):
        self.write("src/a.cpp", "WebPPictureFree(&image); picturesque depictured\n")
        self.assert_passes(self.check())

    def test_a_word_may_stand_in_the_files_that_are_listed(self):
        self.write("src/io/theirs.cpp", "picture")
        self.write("golden/theirs.json", "picture, noise level")
        self.assert_passes(self.check())
        self.write("src/io/theirs.cpp", "noise level")
        self.assert_fails(self.check(), "src/io/theirs.cpp:1: ")

    def test_a_word_that_the_glossary_does_not_replace_fails(self):
        self.write("tools/words.txt", "photograph\n")
        self.assert_fails(self.check(), "'photograph'")


if __name__ == "__main__":
    unittest.main()
