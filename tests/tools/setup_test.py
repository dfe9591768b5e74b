"""tools/setup, with apt and dpkg played by scripts that note what they were asked to do."""

import unittest

from scratch import ROOT, ScratchTest


class Setup(ScratchTest):
    def setUp(self):
        super().setUp()
        self.bring("tools/setup")
        (self.folder / "tools/setup").chmod(0o755)
        self.write("tools/packages.txt", "# comment\nbuild g++\nbuild libpng-dev  # images\ncheck clang-14\n")
        self.installed = self.write("installed", "installed g++\n")
        self.program("dpkg-query", f"cat {self.installed}")
        self.program("apt-get", 'echo "apt-get $*" >> calls; for word; do echo "installed $word"; done >> installed')
        self.offer("*")
        self.program("id", "echo 0")
        for tool in ("bash", "env", "sed", "grep", "tail", "rm", "mktemp", "dirname", "cat"):
            (self.folder / "bin" / tool).symlink_to(f"/usr/bin/{tool}")

    def program(self, name, body):
        self.write(f"bin/{name}", f"#!/bin/bash\n{body}\n", mode=0o755)

    def offer(self, pattern):
        """Lets apt know only the packages that a pattern of bash's matches."""
        self.program("apt-cache", f'shift; for word; do [[ $word == {pattern} ]] && version=1 || version="(none)"; '
                     'printf "%s:\\n  Installed: (none)\\n  Candidate: %s\\n" "$word" "$version"; done')

    def setup(self, *arguments):
        return self.run_tool(self.folder / "tools/setup", *arguments, PATH=str(self.folder / "bin"))

    def calls(self):
        file = self.folder / "calls"
        return file.read_text() if file.exists() else ""

    def test_silent_when_nothing_is_missing(self):
        self.installed.write_text("installed g++\ninstalled libpng-dev\n")
        done = self.setup()
        self.assert_passes(done)
        self.assertEqual((done.stdout, done.stderr, self.calls()), ("", "", ""))

    def test_installs_only_what_is_missing(self):
        done = self.setup()
        self.assert_passes(done)
        self.assertEqual(done.stdout, "")
        self.assertIn("installing 1 packages: libpng-dev\n", done.stderr)
        self.assertRegex(self.calls(), r"install --no-install-recommends libpng-dev\n$")
        self.assertNotIn("clang", self.calls())

    def test_check_means_the_packages_of_the_tests_too(self):
        self.assert_passes(self.setup("check"))
        self.assertRegex(self.calls(), r"libpng-dev clang-14\n$")

    def test_a_package_that_was_removed_but_not_purged_is_missing(self):
        self.installed.write_text("installed g++\nconfig-files libpng-dev\n")
        self.setup()
        self.assertIn("libpng-dev", self.calls())

    def test_of_several_names_it_takes_the_first_that_is_offered(self):
        self.write("tools/packages.txt", "build libboost1.81-dev|libboost1.83-dev  # headers\n")
        self.offer("*1.83*")
        self.assert_passes(self.setup())
        self.assertRegex(self.calls(), r"install --no-install-recommends libboost1.83-dev\n$")
        self.installed.write_text("")
        self.offer("*")
        self.assert_passes(self.setup())
        self.assertRegex(self.calls(), r"install --no-install-recommends libboost1.81-dev\n$")

    def test_any_of_several_names_will_do(self):
        self.write("tools/packages.txt", "build libboost1.81-dev|libboost1.83-dev\n")
        self.installed.write_text("installed libboost1.83-dev\n")
        self.assert_passes(self.setup())
        self.assertEqual(self.calls(), "")

    def test_goes_without_what_may_be_missing(self):
        self.write("tools/packages.txt", "build g++\ncheck clang-format-14|none\n")
        self.offer("g++")
        done = self.setup("check")
        self.assert_passes(done)
        self.assertEqual((done.stderr, self.calls()), ("", ""))
        self.offer("*")
        self.assert_passes(self.setup("check"))
        self.assertIn("install --no-install-recommends clang-format-14\n", self.calls())

    def test_a_package_that_nobody_offers_is_asked_for_by_its_first_name(self):
        self.write("tools/packages.txt", "build libboost1.81-dev|libboost1.83-dev\n")
        self.offer("nothing")
        self.program("apt-get", 'echo "E: Unable to locate package ${!#}"; exit 100')
        self.assert_fails(self.setup(), "package libboost1.81-dev", "  libboost1.81-dev or libboost1.83-dev\n")

    def test_without_root_it_uses_sudo(self):
        self.program("id", "echo 1000")
        self.program("sudo", 'echo sudo >> calls; "$@"')
        self.assert_passes(self.setup())
        self.assertTrue(self.calls().startswith("sudo\napt-get"), self.calls())

    def test_without_root_and_sudo_it_lists_what_is_needed(self):
        self.program("id", "echo 1000")
        self.assert_fails(self.setup(), "only root may install", "  libpng-dev\n", "there is no c++ on this machine")
        self.assertEqual(self.calls(), "")

    def test_it_goes_on_when_the_compiler_is_there_all_the_same(self):
        self.program("apt-get", "echo 'E: Unable to fetch' ; exit 100")
        self.assert_fails(self.setup(), "E: Unable to fetch", "could not install everything")
        for tool in ("c++", "cmake", "ninja", "xz", "python3"):
            self.program(tool, "true")
        done = self.setup()
        self.assert_passes(done)
        self.assertIn("going on with what this machine has", done.stderr)

    def test_another_distribution_gets_the_list(self):
        (self.folder / "bin/apt-get").unlink()
        self.assert_fails(self.setup(), "not a Debian system", "  g++\n", "  libpng-dev\n")

    def test_every_line_of_the_list_has_a_kind_and_one_package(self):
        lines = (ROOT / "tools/packages.txt").read_text().splitlines()
        for line in (line.split("#")[0].split() for line in lines):
            self.assertIn(len(line), (0, 2), line)
            self.assertTrue(not line or line[0] in ("build", "check"), line)


if __name__ == "__main__":
    unittest.main()
