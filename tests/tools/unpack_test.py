"""cmake/Unpack.cmake: a model that is not the committed one stops the build."""

import subprocess
import unittest

from scratch import ROOT, ScratchTest


class Unpack(ScratchTest):
    def unpack(self, sha256):
        packed = self.write("model.bin", "weights")
        subprocess.run(["xz", "-k", packed], check=True)
        return self.run_tool("cmake", "-DXZ=xz", f"-DPACKED={packed}.xz", f"-DSHA256={sha256}",
                             f"-DOUTPUT={self.folder}/unpacked", "-P", ROOT / "cmake/Unpack.cmake")

    def test_the_right_bytes_are_unpacked(self):
        digest = subprocess.run(["sha256sum"], input=b"weights", capture_output=True, check=True).stdout.split()[0]
        self.assert_passes(self.unpack(digest.decode()))
        self.assertEqual((self.folder / "unpacked").read_text(), "weights")

    def test_other_bytes_are_refused(self):
        self.assert_fails(self.unpack("0" * 64), "wants SHA-256", "found")
        self.assertFalse((self.folder / "unpacked").exists())


if __name__ == "__main__":
    unittest.main()
