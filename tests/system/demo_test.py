"""The main job on the bundled sample."""

import json

import harness
from harness import Case


class Demo(Case):
    def test_the_demo_keeps_its_promises(self):
        out = self.folder / "out"
        done = harness.run_crible("demo", "--events", 6000, "--out", out)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for word in ("events/s", "p99", "zerobias", "ledger: balanced", "replay: identical"):
            self.assertIn(word, done.stdout)
        summary = json.loads((out / "summary.json").read_text())
        self.assertEqual(summary["events"], 6000)
        self.assertEqual(summary["decisions"]["received"], 6000)
        self.assertTrue(summary["ledger"]["balanced"])
        self.assertEqual(summary["ledger"]["total"]["events"]["complete"], 6000)
        self.assertEqual((summary["replay"]["gained"], summary["replay"]["lost"]), (0, 0))
        self.assertTrue(summary["replay"]["identical"])
        stages = summary["latency_ns"]
        self.assertGreaterEqual(stages["total"]["p99"], stages["total"]["p50"])
        self.assertEqual(stages["total"]["count"], stages["transport"]["count"])
        self.assertTrue(all(counts["after_prescale"] <= counts["before_prescale"]
                            for counts in summary["chains"].values()))  # fmt: skip
        labels = summary["labels"]
        self.assertEqual(sum(label["events"] for label in labels.values()), 6000)
        kept = {name: label["kept"] / label["events"] for name, label in labels.items()}
        zero_bias = kept.pop("zerobias")
        self.assertLess(zero_bias, 0.1)
        self.assertGreater(min(kept.values()), 0.25)
        self.assertTrue((out / "demo.crec").exists())

    def test_a_forced_backend_takes_every_batch(self):
        if "opencl:0" not in harness.run_crible("devices").stdout:
            self.skipTest("no OpenCL device here")
        out = self.folder / "opencl"
        done = harness.run_crible("demo", "--events", 2000, "--out", out, "--backend", "opencl")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        summary = json.loads((out / "summary.json").read_text())
        self.assertTrue(summary["ledger"]["balanced"])
        self.assertTrue(summary["replay"]["identical"])
        for network in summary["networks"].values():
            devices = {entry["device"]: entry["batches"] for entry in network["routing"]["devices"]}
            self.assertEqual(devices.pop("opencl:0"), network["batches"])
            self.assertEqual(set(devices.values()), {0})
            self.assertEqual(network["routing"]["troubles"], [])
        again = harness.run_crible("replay", out / "demo.crec", "--config", "tools/demo_data/run.yaml",
                                   "--backend", "opencl:0")  # fmt: skip
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)

    def test_the_choice_between_backends_is_reported(self):
        out = self.folder / "auto"
        done = harness.run_crible("demo", "--events", 2000, "--out", out, "--backend", "auto")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        summary = json.loads((out / "summary.json").read_text())
        for network in summary["networks"].values():
            self.assertIn("expected first", network["routing"]["why"])
            batches = sum(entry["batches"] for entry in network["routing"]["devices"])
            self.assertEqual(batches, network["batches"])

    def test_an_unknown_backend_is_refused(self):
        done = harness.run_crible("demo", "--events", 100, "--backend", "abacus")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("abacus", done.stderr)


if __name__ == "__main__":
    harness.main("__main__")
