"""Runs examples/minimal with the real command, both sources and the subscriber, as examples/README.md says."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
CRIBLE = None  # set by main
EVENTS = 1000


def start(*command, **options):
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, **options)  # fmt: skip


class Minimal(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(EXAMPLES / "minimal", self.folder / "minimal")
        # Sockets in the file system, so that no test needs a free port.
        self.input = f"ipc://{self.folder}/in"
        self.decisions = f"ipc://{self.folder}/out"
        self.config = self.folder / "minimal" / "trigger.yaml"
        text = self.config.read_text()
        for old, new in (("tcp://127.0.0.1:5700", self.input), ("tcp://127.0.0.1:5800", self.decisions)):
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.config.write_text(text)

    def test_the_configuration_is_valid(self):
        done = subprocess.run([CRIBLE, "run", "--check", EXAMPLES / "minimal" / "trigger.yaml"],
                              capture_output=True, text=True)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_sources_trigger_and_subscriber_work_together(self):
        subscriber = start(sys.executable, EXAMPLES / "subscriber.py", self.decisions, 5)
        trigger = start(CRIBLE, "run", self.config)
        inputs = (self.input, self.input + ".1")  # each source has its own
        sources = [start(sys.executable, EXAMPLES / "source.py", i, inputs[i], EVENTS) for i in (0, 1)]
        for process in sources:
            output, _ = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, output)
        output, _ = trigger.communicate(timeout=60)
        self.assertEqual(trigger.returncode, 0, output)
        lines = subscriber.communicate(timeout=60)[0].splitlines()
        self.assertEqual(subscriber.returncode, 0, lines)
        counts = {name: int(count) for count, name in re.findall(r"(\d+) ([a-z ]+)", lines[-1])}
        self.assertEqual(counts["accepted"] + counts["rejected"], EVENTS, lines[-1])
        self.assertEqual(len(lines) - 1, counts["accepted"])
        self.assertGreater(counts["accepted"], 0)
        self.assertGreater(counts["rejected"], 0)


if __name__ == "__main__":
    CRIBLE = sys.argv.pop(1)
    unittest.main()
