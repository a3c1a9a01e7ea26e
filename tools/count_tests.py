#!/usr/bin/env python3
"""Counts the test cases of CTest runs and says which failed.

Usage: count_tests.py BUILD_FOLDER...

Each folder holds what tools/test left: ctest.xml (one entry per test program) and test_results/NAME.json
(the cases of the GoogleTest program NAME). A program without such a file counts as one case. A program
that failed although its cases passed (it crashed at its end, or timed out), or that ran no case at all,
counts as one failure more. Exit status 1 when anything failed or nothing ran.
"""

import collections
import json
import pathlib
import sys
import xml.etree.ElementTree as xml


def count_program(entry, results_folder, totals, failures):
    """Adds the cases of one CTest entry to `totals`, and the names of the failed ones to `failures`."""
    name = entry.get("name")
    status = entry.get("status")  # CTest: run, fail, notrun, disabled
    results = results_folder / f"{name}.json"
    if not results.exists():
        outcome = {"run": "passed", "fail": "failed", "notrun": "skipped"}.get(status, "failed")
        totals[outcome] += 1
        if outcome == "failed":
            failures.append(name)
        return

    cases = collections.Counter()
    for suite in json.loads(results.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                cases["failed"] += 1
                failures.append(f"{name}: {suite['name']}.{case['name']}")
            elif case["result"] == "SKIPPED":
                cases["skipped"] += 1
            elif case["status"] == "RUN":
                cases["passed"] += 1
    if not cases:
        cases["failed"] += 1
        failures.append(f"{name}: ran no test")
    elif status == "fail" and not cases["failed"]:
        cases["failed"] += 1
        failures.append(f"{name}: ended with a failure outside its tests")
    totals.update(cases)


def main(folders):
    if not folders:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    totals = collections.Counter()
    failures = []
    for folder in map(pathlib.Path, folders):
        report = folder / "ctest.xml"
        entries = list(xml.parse(report).getroot().iter("testcase")) if report.exists() else []
        if not entries:
            totals["failed"] += 1
            failures.append(f"{folder}: ran no test")
        for entry in entries:
            count_program(entry, folder / "test_results", totals, failures)
    for failure in failures:
        print(f"failed: {failure}")
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    print(f"{totals['passed']} passed, {totals['failed']} failed{skipped}")
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
