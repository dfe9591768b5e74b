"""tools/run_tests: a failure anywhere reaches the closing line and the exit status."""

import sys
import unittest

from scratch import ScratchTest

MODEL_REPORT = """<testsuites><testsuite>
<testcase name="a" status="run" result="completed"/>
<testcase name="b" classname="Sum" status="run" result="completed"><failure message="2 != 3">a_test.cpp:7 2 != 3</failure></testcase>
<testcase name="c" status="run" result="skipped"><skipped/></testcase>
<testcase name="d" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""
CTEST = """#!{python}
import os, pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--output-junit") + 1]).parent
folder.mkdir(parents=True, exist_ok=True)
(folder / "ctest.xml").write_text({summary!r})
(folder / "io_tests.xml").write_text({report!r})
"""


class RunTests(ScratchTest):
    def setUp(self):
        super().setUp()
        self.bring("tools/run_tests")
        for tool in ("build", "lint", "check_alone", "check_layers", "check_includes", "check_page", "check_format", "check_sizes",
                     "check_words"):
            self.tool(tool, "exit 0")

    def tool(self, name, body):
        self.write(f"tools/{name}", f"#!/bin/bash\n{body}\n", mode=0o755)

    def run_tests(self, *names, **environment):
        return self.run_tool(sys.executable, "-B", self.folder / "tools/run_tests", *names, **environment)

    def assert_closes(self, done, line):
        self.assertEqual(done.stdout.splitlines()[-1], line, done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0 if " 0 failed" in line else 1)

    def test_gates_that_pass(self):
        self.assert_closes(self.run_tests("structure", "lint", "alone"), "8 passed, 0 failed, 0 skipped")

    def test_a_gate_that_fails_shows_why(self):
        self.tool("check_sizes", "echo too long; exit 1")
        done = self.run_tests("structure")
        self.assert_closes(done, "5 passed, 1 failed, 0 skipped")
        self.assertIn("too long", done.stdout)

    def test_a_gate_that_lacks_its_tool_is_skipped_and_says_so(self):
        self.tool("check_format", "echo there is no clang-format-14 here; exit 77")
        done = self.run_tests("structure")
        self.assert_closes(done, "5 passed, 0 failed, 1 skipped")
        self.assertRegex(done.stdout, r"structure +5 +0 +1 +[0-9.]+  there is no clang-format-14 here")

    def test_what_the_lint_left_is_said_at_the_end(self):
        self.tool("lint", "echo 'lint: 3 sources, no problem; the time was up before 1 others: src/a.cpp'")
        self.assertRegex(self.run_tests("lint").stdout, r"lint +1 +0 +0 +[0-9.]+  the time was up before 1 others: src/a.cpp")

    def cuda(self, ninja, stage="cuda"):
        self.tool("cuda_toolkit", "echo fetching; echo /toolkit")
        self.write("bin/cmake", "#!/bin/bash\n[[ $CUDACXX == /toolkit/bin/nvcc ]]\n", mode=0o755)
        self.write("bin/ninja", f"#!/bin/bash\n{ninja}\n", mode=0o755)
        return self.run_tests(stage, PATH=f"{self.folder}/bin:/usr/bin:/bin")

    def test_cuda_is_built_without_a_gpu(self):
        self.assert_closes(self.cuda('[[ $* == *"obscura tests/backend_cuda_tests" ]]'), "1 passed, 0 failed, 0 skipped")
        done = self.cuda("echo kernel.cu:7: error; exit 1")
        self.assert_closes(done, "0 passed, 1 failed, 0 skipped")
        self.assertIn("kernel.cu:7: error", done.stdout)

    def test_cuda_is_skipped_where_no_toolkit_can_be_had(self):
        self.tool("cuda_toolkit", "exit 1")
        for stage in ("cuda", "emulation"):
            done = self.run_tests(stage)
            self.assert_closes(done, "0 passed, 0 failed, 1 skipped")
            self.assertRegex(done.stdout, stage + r" +0 +0 +1 +[0-9.]+  no CUDA toolkit")

    def test_the_emulation_counts_its_cases(self):
        self.write("bin/ctest", CTEST.format(python=sys.executable, report=MODEL_REPORT, summary="<testsuite>"
                                             '<testcase name="io" status="fail" time="1"/></testsuite>'), mode=0o755)
        self.assert_closes(self.cuda("[[ $* == */build/cuda*backend_cuda_emulation_tests ]]", "emulation"),
                           "1 passed, 1 failed, 2 skipped")
        self.assert_closes(self.cuda("exit 1", "emulation"), "0 passed, 1 failed, 0 skipped")

    def test_cuda_that_the_build_had_is_not_built_twice(self):
        for stage in ("cuda", "emulation"):
            self.write(f"build/release/tests/backend_{stage.replace('emul', 'cuda_emul')}_tests", "")
            self.assert_closes(self.run_tests(stage), "0 passed, 0 failed, 0 skipped")

    def test_a_broken_build_ends_the_run(self):
        self.tool("build", "exit 1")
        self.assert_closes(self.run_tests("structure"), "0 passed, 1 failed, 0 skipped")

    def test_an_unknown_name_is_refused(self):
        done = self.run_tests("nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nonsense is no stage", done.stderr)

    def script(self, name, body):
        self.write(f"tests/cli/{name}.sh", body)

    def test_scripts_are_counted_by_their_verdicts(self):
        self.bring("tests/cli/verdicts.bash")
        self.script("good", 'source "$ROOT/tests/cli/verdicts.bash"\n'
                    "check one true\nexpect_status two 3 bash -c 'exit 3'\nskip three 'no GPU'\n")
        self.assert_closes(self.run_tests("cli"), "2 passed, 0 failed, 1 skipped")
        self.script("bad", 'source "$ROOT/tests/cli/verdicts.bash"\n'
                    "check one false\nexpect_status two 0 bash -c 'exit 3'\n")
        self.assert_closes(self.run_tests("cli"), "2 passed, 2 failed, 1 skipped")
        self.assert_closes(self.run_tests("good"), "2 passed, 0 failed, 1 skipped")

    def test_a_script_that_dies_or_says_nothing_has_failed(self):
        self.script("dies", "echo PASS one\nexit 1\n")
        self.assert_closes(self.run_tests("cli"), "1 passed, 1 failed, 0 skipped")
        self.script("dies", "echo all is well\n")
        self.assert_closes(self.run_tests("cli"), "0 passed, 1 failed, 0 skipped")

    def unit(self, summary, report=MODEL_REPORT):
        self.write("bin/ctest", CTEST.format(python=sys.executable, summary=summary, report=report), mode=0o755)
        return self.run_tests("unit", PATH=f"{self.folder}/bin:/usr/bin:/bin")

    def test_googletest_cases_are_counted(self):
        done = self.unit('<testsuite><testcase name="io" status="fail" time="1"/></testsuite>')
        self.assert_closes(done, "1 passed, 1 failed, 2 skipped")
        self.assertIn("a_test.cpp:7 2 != 3", done.stdout)

    def test_a_program_that_crashed_has_failed(self):
        done = self.unit('<testsuite><testcase name="ir" status="fail" time="1"><system-out>last words</system-out>'
                         "</testcase></testsuite>")
        self.assert_closes(done, "0 passed, 1 failed, 0 skipped")
        self.assertIn("last words", done.stdout)
        self.assertEqual(self.named_as_failed(done), ["ir"])

    def test_what_failed_is_named_at_the_end(self):
        self.tool("check_sizes", "exit 1")
        self.assertEqual(self.named_as_failed(self.run_tests("structure")), ["check_sizes"])
        self.script("bad", "echo FAIL one: two\n")
        self.assertEqual(self.named_as_failed(self.run_tests("cli")), ["bad.sh one: two"])
        done = self.unit('<testsuite><testcase name="io" status="fail" time="1"/></testsuite>')
        self.assertEqual(self.named_as_failed(done), ["Sum.b"])
        self.assertEqual(self.named_as_failed(self.run_tests("lint")), [])

    def named_as_failed(self, done):
        _said, found, names = done.stdout.rpartition("\nfailed:\n")
        return [line.strip() for line in names.split("\n\n")[0].splitlines()] if found else []

    def test_no_ctest_is_a_failure(self):
        self.write("bin/ctest", "#!/bin/bash\nexit 8\n", mode=0o755)
        done = self.run_tests("unit", PATH=f"{self.folder}/bin:/usr/bin:/bin")
        self.assert_closes(done, "0 passed, 1 failed, 0 skipped")

    def test_failing_tool_tests_are_counted(self):
        self.write("tests/tools/planted_test.py", "import unittest\nclass T(unittest.TestCase):\n"
                   "    def test_a(self): self.fail()\n    def test_b(self): pass\n    def test_c(self): self.skipTest('')\n")
        self.assert_closes(self.run_tests("tools"), "1 passed, 1 failed, 1 skipped")
        self.write("tests/tools/planted_test.py", "import nothing_of_that_name\n")
        self.assert_closes(self.run_tests("tools"), "0 passed, 1 failed, 0 skipped")

    def test_gpu_tests_that_cannot_run_are_seen(self):
        self.write("tests/backend/cuda/conv_test.cpp", "TEST(A, B) {\n}\nTEST_F(A, C) {\n}\n")
        self.write("tests/backend/cuda/emulation/threads_test.cpp", "TEST(A, D) {\n}\n")
        self.assert_closes(self.run_tests("gpu"), "0 passed, 0 failed, 2 skipped")


if __name__ == "__main__":
    unittest.main()
