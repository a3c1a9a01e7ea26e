"""tools/count_tests.py counts cases, crashes and empty runs as its description says."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[2] / "tools" / "count_tests.py"


def case(name, result="COMPLETED", status="RUN", failures=None):
    return {"name": name, "result": result, "status": status, **({"failures": failures} if failures else {})}


def count(programs):
    """(exit status, last line, output) for {program: (CTest status, cases or None)}."""
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder, "test_results")
        results.mkdir()
        entries = ""
        for name, (status, cases) in programs.items():
            entries += f'<testcase name="{name}" status="{status}"/>'
            if cases is not None:
                suite = {"name": "Suite", "testsuite": cases}
                (results / f"{name}.json").write_text(json.dumps({"testsuites": [suite] if cases else []}))
        pathlib.Path(folder, "ctest.xml").write_text(f"<testsuite>{entries}</testsuite>")
        done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()[-1], done.stdout


class CountTests(unittest.TestCase):
    def test_cases_are_counted_one_by_one(self):
        cases = [case("A"), case("B"), case("C", result="SKIPPED")]
        status, line, _ = count({"unit": ("run", cases), "script": ("run", None)})
        self.assertEqual((status, line), (0, "3 passed, 0 failed, 1 skipped"))

    def test_a_failed_case_is_named(self):
        status, line, output = count({"unit": ("fail", [case("A"), case("B", failures=[{}])])})
        self.assertEqual((status, line), (1, "1 passed, 1 failed"))
        self.assertIn("failed: unit: Suite.B", output)

    def test_a_program_that_crashed_counts_as_failed(self):
        status, line, _ = count({"unit": ("fail", None)})
        self.assertEqual((status, line), (1, "0 passed, 1 failed"))

    def test_a_failure_outside_the_cases_counts(self):
        status, line, _ = count({"unit": ("fail", [case("A")])})
        self.assertEqual((status, line), (1, "1 passed, 1 failed"))

    def test_a_program_without_a_case_fails(self):
        status, line, _ = count({"unit": ("run", [])})
        self.assertEqual((status, line), (1, "0 passed, 1 failed"))

    def test_a_case_switched_off_is_not_counted_as_passed(self):
        status, line, _ = count({"unit": ("run", [case("A"), case("B", result="SUPPRESSED", status="NOTRUN")])})
        self.assertEqual((status, line), (0, "1 passed, 0 failed"))

    def test_no_run_at_all_fails(self):
        status, line, _ = count({})
        self.assertEqual((status, line), (1, "0 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
