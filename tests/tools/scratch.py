"""A folder that a test of a tool plants things in."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ScratchTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="obscura_tools_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, path, text, mode=0o644):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def bring(self, *paths):
        """Copies files of the project to the same places in the folder."""
        for path in paths:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.folder / path)

    def track(self):
        """Makes the folder a repository that tracks all its files."""
        subprocess.run(["git", "init", "-q", self.folder], check=True)
        subprocess.run(["git", "add", "-A"], cwd=self.folder, check=True)

    def run_tool(self, *command, **environment):
        """The finished process; tools take the folder for the project's root."""
        return subprocess.run([str(word) for word in command], cwd=self.folder, capture_output=True, text=True,
                              env={**os.environ, "OBSCURA_ROOT": str(self.folder),
                                   "XDG_CACHE_HOME": str(self.folder / ".cache"), **environment})

    def assert_fails(self, done, *words):
        output = done.stdout + done.stderr
        self.assertNotEqual(done.returncode, 0, output)
        for word in words:
            self.assertIn(word, output)

    def assert_passes(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
