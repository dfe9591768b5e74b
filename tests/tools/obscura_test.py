"""./obscura: builds when something changed, and only then; standard output is the program's alone."""

import os
import time
import unittest

from scratch import ScratchTest

PROGRAM = '#!/bin/bash\\necho "ran with: $*"\\nexit 7\\n'


class Door(ScratchTest):
    def setUp(self):
        super().setUp()
        self.bring("obscura")
        (self.folder / "obscura").chmod(0o755)
        for path in ("CMakeLists.txt", "CMakePresets.json", "cmake/Layer.cmake", "models/README.md",
                     "src/app/main.cpp", "tools/layers.txt", "tools/packages.txt"):
            self.write(path, "")
        self.write("tools/setup", "#!/bin/bash\necho set-up >&2\n", mode=0o755)
        self.write("tools/build", "#!/bin/bash\necho building >&2\necho $* >> builds\n"
                   f"printf '{PROGRAM}' > build/release/obscura\nchmod +x build/release/obscura\n", mode=0o755)

    def door(self, *arguments):
        return self.run_tool(self.folder / "obscura", *arguments)

    def builds(self):
        file = self.folder / "builds"
        return file.read_text().splitlines() if file.exists() else []

    def later(self, path):
        """Gives a file or folder a time after the last build, as an edit a moment later would."""
        moment = time.time() + 2
        os.utime(self.folder / path, (moment, moment))

    def test_the_first_call_builds_and_runs(self):
        done = self.door("render", "a workflow.json")
        self.assertEqual(done.stdout, "ran with: render a workflow.json\n")
        self.assertEqual(done.returncode, 7)
        self.assertEqual(done.stderr, "set-up\nbuilding\n")
        self.assertEqual(self.builds(), ["obscura"])

    def test_the_next_call_only_runs(self):
        self.door()
        done = self.door("--help")
        self.assertEqual((done.stdout, done.stderr), ("ran with: --help\n", ""))
        self.assertEqual(len(self.builds()), 1)

    def test_an_edited_source_is_built(self):
        self.door()
        self.later("src/app/main.cpp")
        self.door()
        self.assertEqual(len(self.builds()), 2)

    def test_a_removed_source_is_noticed(self):
        self.door()
        (self.folder / "src/app/main.cpp").unlink()
        self.later("src/app")
        self.door()
        self.assertEqual(len(self.builds()), 2)

    def test_an_edit_during_the_build_is_not_lost(self):
        build = (self.folder / "tools/build").read_text()
        self.write("tools/build", build + "sleep 0.02\ntouch src/app/main.cpp\n", mode=0o755)
        self.door()
        self.door()
        self.assertEqual(len(self.builds()), 2)

    def test_a_failed_build_runs_nothing_and_is_tried_again(self):
        self.door()
        self.later("src/app/main.cpp")
        self.write("tools/build", "#!/bin/bash\necho broken >&2\nexit 1\n", mode=0o755)
        for _ in range(2):
            done = self.door()
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("broken", done.stderr)


if __name__ == "__main__":
    unittest.main()
