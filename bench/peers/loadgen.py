#!/usr/bin/env python3
"""MLPerf's LoadGen as an independent referee: it asks crible's whole trigger and measures, and so does crible.

A query is an event of the demo. LoadGen hands it to this script, the script to bench_referee through a pipe, and the
decision comes back the same way. What that way costs is measured first, against a bench_referee that answers without
a trigger; LoadGen's latencies less that must be those of crible within MARGIN.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading

import mlperf_loadgen as lg
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/bench_referee"
# They agree when they differ by at most this part of crible's figure, or by at most MARGIN_NS.
MARGIN = 0.15
MARGIN_NS = 30_000
PERCENTILES = {"p50_ns": "50.00", "p90_ns": "90.00", "p99_ns": "99.00"}
SCENARIOS = {"single stream": lg.TestScenario.SingleStream, "server": lg.TestScenario.Server,
             "offline": lg.TestScenario.Offline}


class Referee:
    """bench_referee and the two ends of its pipes."""

    def __init__(self, folder, echo):
        self.summary_file = folder / "summary.json"
        command = [str(PROGRAM), str(self.summary_file)] + (["--echo"] if echo else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.answers = threading.Thread(target=self.take)
        self.answers.start()

    def ask(self, samples):
        """LoadGen calls this when queries are due; it must not wait for answers."""
        self.process.stdin.write(np.array([s.id for s in samples], np.uint64).tobytes())

    def take(self):
        rest = b""
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            data = rest + data
            whole = len(data) // 8 * 8
            rest = data[whole:]
            lg.QuerySamplesComplete([lg.QuerySampleResponse(int(i), 0, 0)
                                     for i in np.frombuffer(data[:whole], np.uint64)])

    def end(self):
        self.process.stdin.close()
        status = self.process.wait()
        self.answers.join()
        if status != 0:
            raise RuntimeError("bench_referee failed")
        return json.loads(self.summary_file.read_text())


def settings_of(scenario, seconds, rate_hz):
    settings = lg.TestSettings()
    settings.scenario = SCENARIOS[scenario]
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = int(seconds * 1000)
    settings.min_query_count = 100
    if scenario == "single stream":
        settings.single_stream_expected_latency_ns = 50_000
    elif scenario == "server":
        settings.server_target_qps = rate_hz
        settings.server_target_latency_ns = 20_000_000
        settings.server_target_latency_percentile = 0.99
        settings.server_coalesce_queries = False
    else:
        settings.min_duration_ms = 1000
        settings.min_query_count = 1
        settings.offline_expected_qps = 100_000  # so many samples a second of that time are asked for at once
    return settings


def measure(scenario, seconds, rate_hz, echo):
    """LoadGen's summary and what bench_referee says of the same queries."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        referee = Referee(folder, echo)
        if not echo:
            threading.Event().wait(1)  # its sockets are connected then
        system = lg.ConstructSUT(referee.ask, lambda: None)
        library = lg.ConstructQSL(1024, 1024, lambda samples: None, lambda samples: None)
        logs = lg.LogSettings()
        output = lg.LogOutputSettings()
        output.outdir = str(folder)
        output.copy_summary_to_stdout = False
        logs.log_output = output
        logs.enable_trace = False
        lg.StartTestWithLogSettings(system, library, settings_of(scenario, seconds, rate_hz), logs)
        lg.DestroyQSL(library)
        lg.DestroySUT(system)
        ours = referee.end()
        return (folder / "mlperf_log_summary.txt").read_text(), ours


def figures_of(text):
    found = {}
    for key, name in PERCENTILES.items():
        if match := re.search(rf"{name} percentile latency \(ns\)\s*:\s*(\d+)", text):
            found[key] = int(match[1])
    if match := re.search(r"Samples per second\s*:\s*([\d.]+)", text):
        found["rate_hz"] = float(match[1])
    found["valid"] = bool(re.search(r"Result is\s*:\s*VALID", text))
    return found


def compare(scenario, seconds, rate_hz):
    floor = figures_of(measure(scenario, min(seconds, 1), rate_hz, True)[0])
    text, ours = measure(scenario, seconds, rate_hz, False)
    theirs = figures_of(text)
    rows = []
    if scenario == "offline":
        rate = ours["count"] / ours["seconds"]
        rows.append({"figure": "events per second", "crible": rate, "loadgen": theirs["rate_hz"], "way": None,
                     "agrees": abs(theirs["rate_hz"] / rate - 1) <= MARGIN})
    else:
        for key in PERCENTILES:
            way = floor[key]
            off = theirs[key] - way - ours[key]
            rows.append({"figure": f"{key[:-3]}, ns", "crible": ours[key], "loadgen": theirs[key], "way": way,
                         "agrees": abs(off) <= max(MARGIN * ours[key], MARGIN_NS)})
    return {"scenario": scenario, "valid": theirs["valid"], "checked": ours["checked"], "rows": rows, "summary": text}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float, default=500, help="queries a second of scenario server")
    options = parser.parse_args()
    results = []
    for scenario in SCENARIOS:
        result = compare(scenario, options.seconds, options.rate)
        results.append(result)
        print(f"{scenario}: {result['checked']} decisions checked, LoadGen says "
              f"{'VALID' if result['valid'] else 'INVALID'}")
        for row in result["rows"]:
            way = "" if row["way"] is None else f", of which the way to it {row['way']:.0f}"
            print(f"  {row['figure']:18} crible {row['crible']:12.0f}  LoadGen {row['loadgen']:12.0f}{way}"
                  f"  {'agree' if row['agrees'] else 'DISAGREE'}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"margin": MARGIN, "margin_ns": MARGIN_NS,
                                                          "scenarios": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
