"""crible quantize: each thing that it does not take has its sentence, status 2, and leaves no file."""

import pathlib
import struct

import harness

MODELS = pathlib.Path("tests/data/float_models")
EVENTS = 48  # in mlp_x.npy
VALUES = 12  # of each


def npy(path, kind, shape, values):
    """`kind` as in NumPy: <f4, <i8."""
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, tuple(shape))
    text += " " * (-(len(text) + 11) % 64) + "\n"
    data = struct.pack("<%d%s" % (len(values), {"<f4": "f", "<i8": "q"}[kind]), *values)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data)
    return path


class Quantize(harness.Case):
    def quantize(self, *words, rows=MODELS / "mlp_x.npy"):
        out = self.folder / "out.crn"
        done = harness.run_crible("quantize", MODELS / "mlp.onnx", "--calibrate", rows, "-o", out, *words)
        return done, out

    def refused(self, sentence, *words, **options):
        done, out = self.quantize(*words, **options)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(sentence, done.stderr)
        self.assertFalse(out.exists(), "nothing half-written")

    def array(self, kind, shape, value=0):
        count = 1
        for extent in shape:
            count *= extent
        return npy(self.folder / "array.npy", kind, shape, [value] * count)

    def test_a_model_is_quantized(self):
        done, out = self.quantize()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(out.exists())

    def test_settings(self):
        self.refused("--range many: give best, all, or a percentile above 50, such as 99.9", "--range", "many")
        self.refused("--range 50: give best, all", "--range", "50")
        self.refused("--layer conv1: give NAME=BITS, as in conv1=w8a8", "--layer", "conv1")
        self.refused("give a fraction from 0 to below 1, such as 0.3", "--hold-back", "1")
        self.refused("give a fraction from 0 to below 1, such as 0.3", "--hold-back=-0.1")
        self.refused("events leaves none to compare with; give more events", "--hold-back", "0.001")

    def test_events(self):
        self.refused("has no events; calibration needs some hundred", rows=self.array("<f4", [0, VALUES]))
        self.refused("holds integers; say what they stand for with --input-type", rows=self.array("<i8", [4, VALUES]))
        self.refused("is NaN or infinite; calibrate with real numbers only",
                     rows=self.array("<f4", [4, VALUES], float("nan")))  # fmt: skip
        self.refused("needs an array of shape", rows=self.array("<f4", [4, VALUES + 1]))

    def test_labels(self):
        self.refused("labels are integers", "--labels", self.array("<f4", [EVENTS]))
        self.refused("has 5 labels for %d events; give one for each" % EVENTS, "--labels", self.array("<i8", [5]))


if __name__ == "__main__":
    harness.main("__main__")
