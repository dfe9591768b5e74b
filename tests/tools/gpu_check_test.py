"""tools/gpu_check: packing and unpacking, what it says without a GPU, how it reads what programs print."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import lzma
import subprocess
import tarfile
import time
import types
import unittest

from scratch import ROOT, ScratchTest


def load_tool():
    loader = importlib.machinery.SourceFileLoader("gpu_check", str(ROOT / "tools/gpu_check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_check", loader))
    loader.exec_module(module)
    return module


gpu_check = load_tool()
MODEL = bytes(i * 7 % 251 for i in range(9000))


class Bundles(ScratchTest):
    def setUp(self):
        super().setUp()
        packed = self.folder / gpu_check.POCKET
        packed.parent.mkdir(parents=True)
        packed.write_bytes(lzma.compress(MODEL))

    def program(self, name, carries):
        """A real program that prints the sum of the bytes that it carries."""
        data = ",".join(map(str, MODEL if carries else b"\1\2"))
        source = self.write(f"{name}.c", '#include <stdio.h>\n#include <zlib.h>\n'
                            f'const unsigned char model[] = {{{data}}};\n'
                            'int main() { printf("%lu\\n", adler32(0, model, sizeof model)); }\n')
        (self.folder / "build").mkdir(exist_ok=True)
        subprocess.run(["gcc", source, "-o", self.folder / "build" / name, "-lz"], check=True)

    def pack(self):
        self.program("with", True)
        self.program("without", False)
        bundle = self.folder / "out" / "bundle.tar.xz"
        gpu_check.pack(self.folder / "build", bundle, {"with": "with", "without": "without"}, self.folder)
        return bundle

    def test_programs_come_back_as_they_were(self):
        bundle = self.pack()
        with tarfile.open(bundle) as archive:
            names = archive.getnames()
            blanked = archive.extractfile("with").read()
        self.assertEqual([name for name in names if "libz" in name and name.startswith("lib/")], [
            name for name in names if name.startswith("lib/")])
        self.assertNotIn(MODEL[:64], blanked)
        there = self.folder / "there"
        gpu_check.unpack(bundle, there, self.folder)
        for name in ("with", "without"):
            before = subprocess.run([self.folder / "build" / name], capture_output=True, check=True).stdout
            self.assertEqual(subprocess.run([there / name], capture_output=True, check=True).stdout, before)

    def test_another_model_is_refused(self):
        bundle = self.pack()
        (self.folder / gpu_check.POCKET).write_bytes(lzma.compress(MODEL[::-1]))
        with self.assertRaisesRegex(gpu_check.Failed, "packed with another"):
            gpu_check.unpack(bundle, self.folder / "there", self.folder)
        with self.assertRaisesRegex(gpu_check.Failed, "is not there"):
            gpu_check.pack(self.folder / "build", bundle, {"missing": "missing"}, self.folder)

    def test_paths_that_lead_outside_are_refused(self):
        bundle = self.folder / "hostile.tar.xz"
        with tarfile.open(bundle, "w:xz") as archive:
            archive.add(self.write("x", "x"), "../escaped")
        with self.assertRaisesRegex(gpu_check.Failed, "escaped"):
            gpu_check.unpack(bundle, self.folder / "there", self.folder)
        self.assertFalse((self.folder / "escaped").exists())

    def test_tests_of_a_bundle_find_sources_and_golden_data(self):
        golden = self.folder / "tests/golden/some.json.xz"
        golden.parent.mkdir(parents=True)
        golden.write_bytes(lzma.compress(b"golden"))
        manifest = {"source": str(self.folder / "elsewhere"), "build": str(self.folder / "far/build")}
        gpu_check.stand_in(manifest, self.folder)
        self.assertTrue((self.folder / "elsewhere" / "tests").is_dir())
        self.assertEqual((self.folder / "far/build/tests/golden/some.json").read_text(), "golden")


class Calls(ScratchTest):
    def call(self, *arguments):
        return self.run_tool(ROOT / "tools/gpu_check", *arguments)

    def test_wrong_calls(self):
        for arguments in ([], ["--build", "b", "--bundle", "c"], ["--bundle", "c", "--pack", "d"],
                          ["--build", "b", "--stages", "everything"]):
            self.assertEqual(self.call(*arguments).returncode, 2, arguments)

    @unittest.skipIf(gpu_check.gpu_here(), "there is a GPU here")
    def test_without_a_gpu_it_says_so(self):
        done = self.call("--build", "nowhere", "--json", self.folder / "found.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("skipped: no NVIDIA GPU", done.stdout)
        self.assertEqual(json.loads((self.folder / "found.json").read_text())["skipped"], "no GPU")

    def test_a_missing_program_is_named(self):
        done = self.call("--build", "nowhere", "--pack", "x.tar.xz")
        self.assertEqual(done.returncode, 1)


class FakeProgram:
    """Answers like the programs, without a GPU."""

    def __init__(self, answers):
        self.answers, self.calls, self.environment = answers, [], {}

    def run(self, name, *arguments, seconds, **_):
        self.calls.append((name, *map(str, arguments)))
        for words, answer in self.answers:
            if all(word in self.calls[-1] for word in words):
                return answer
        return 0, json.dumps({"median_ms": 20.0, "launch_ms": 0.5, "peak_held_bytes": 5 << 30, "output_sha256": "a",
                              "against": {"rms": 1e-6}}), ""


class Stages(ScratchTest):
    def setUp(self):
        super().setUp()
        quiet = contextlib.redirect_stdout(io.StringIO())
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)

    def check(self, *answers):
        options = types.SimpleNamespace(device="cuda", work=self.folder)
        self.programs, self.report = FakeProgram(answers), gpu_check.Report()
        check = gpu_check.Check(self.programs, self.report, options)
        check.ends = time.monotonic() + 100
        return check

    def rows(self, **wanted):
        return [row for row in self.report.rows if all(row[key] == value for key, value in wanted.items())]

    def test_what_gtest_prints_is_counted(self):
        text = ("[==========] 9 tests ran.\n[  PASSED  ] 5 tests.\n[  SKIPPED ] 1 test, listed below:\n"
                "[  SKIPPED ] A.b\n[  FAILED  ] 3 tests, listed below:\n[  FAILED  ] A.c\n\n 3 FAILED TESTS\n")
        self.assertEqual(gpu_check.tally_of(text), (5, 3, 1))
        self.assertEqual(gpu_check.tally_of(""), (0, 0, 0))

    def test_every_test_runs_once_and_failures_count(self):
        check = self.check((["--gtest_filter=Norms/*"], (1, "[  PASSED  ] 2 tests.\n[  FAILED  ] 1 test, listed below:", "")),
                           (["--gtest_color=no"], (0, "[  PASSED  ] 4 tests.", "")))
        check.run_stage("parity")
        self.assertEqual(self.report.failures, 1)
        self.assertEqual(len(self.report.rows), len(gpu_check.PARITY))
        self.assertIn("-CudaKernels", self.programs.calls[-1][1])

    def test_all_skipped_is_not_called_good(self):
        check = self.check((["backend_cuda_tests"], (0, "[  PASSED  ] 0 tests.\n[  SKIPPED ] 9 tests, listed below:", "")))
        check.gtest("parity", "backend_cuda_tests", "*")
        self.assertEqual(self.report.rows[0]["verdict"], "skipped")

    def test_a_failing_part_does_not_stop_the_next(self):
        check = self.check((["vae-decode"], (1, "", "error: no kernel")))
        check.run_stage("random")
        self.assertEqual(len(self.rows(verdict="FAILED")), 2)
        self.assertEqual(len(self.rows(verdict="ok")), 3)
        self.assertIn("no kernel", self.rows(verdict="FAILED")[0]["value"])

    def test_a_precision_that_a_gpu_lacks_is_skipped(self):
        check = self.check((["fp8"], (2, "", 'error: the device cuda:0 has no precision "fp8"; it has: fp16, fp32')))
        check.run_stage("random")
        self.assertEqual([row["what"] for row in self.rows(verdict="skipped")], ["unet fp8"])
        self.assertEqual(self.report.failures, 0)

    def test_budgets_are_held_to_bits_and_bytes(self):
        other = json.dumps({"median_ms": 30.0, "peak_held_bytes": 5 << 30, "output_sha256": "b"})
        check = self.check((["4GiB"], (0, other, "")), (["3GiB"], (1, "", "error: lacking")))
        check.bench_unet(2, 26)
        check.parts("bench", [(str(gib), lambda gib=gib: check.bench_budget(gib)) for gib in (6, 4, 3)])
        verdicts = {row["what"]: row["verdict"] for row in self.report.rows}
        self.assertEqual(verdicts["within 6 GiB"], "ok")
        self.assertEqual(verdicts["within 4 GiB"], "FAILED")
        self.assertIn("OTHER BITS, NOT KEPT", [row["value"] for row in self.report.rows])
        self.assertEqual(verdicts["3"], "FAILED")

    def test_a_time_beyond_its_aim_is_no_failure(self):
        check = self.check()
        check.bench_unet(2, 10)
        self.assertEqual(self.report.rows[0]["verdict"], "SHORT")
        self.assertEqual(self.report.failures, 0)

    def test_no_time_left_is_said(self):
        check = self.check()
        check.ends = time.monotonic() - 1
        check.parts("bench", [("unet", lambda: self.fail("ran"))])
        self.assertIn("no time is left", self.report.rows[0]["value"])


if __name__ == "__main__":
    unittest.main()
