#!/usr/bin/env python3
"""tools/read_recording.py, written from docs/recording-format.md alone, reads what the writer wrote."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import read_recording  # noqa: E402

# Seven events, numbers 5 to 11, of tests/unit/record/made_events.cpp.
SAMPLE = ROOT / "tests/fuzz/corpus/recording/plain"


def read(data):
    return list(read_recording.blocks(data))


class ReadRecording(unittest.TestCase):
    def setUp(self):
        self.data = SAMPLE.read_bytes()

    def test_crc(self):
        self.assertEqual(read_recording.crc32c(b"123456789"), 0xE3069283)

    def test_every_block_and_event(self):
        blocks = read(self.data)
        self.assertEqual(blocks[0][0]["kind"], 1)
        self.assertEqual(blocks[-1][0]["kind"], 5)
        self.assertEqual(blocks[-1][0]["end"], len(self.data))
        self.assertEqual([header["sequence"] for header, _ in blocks], list(range(len(blocks))))
        events = [event for header, body in blocks if header["kind"] == 2 for event in read_recording.events(body)]
        self.assertEqual([event[0] for event in events], [5, 6, 7, 8, 9, 10, 11])
        for number, luminosity_block, streams, decision, fragments in events:
            self.assertEqual(luminosity_block, number // 100)
            self.assertEqual(streams, number % 5)
            self.assertEqual(len(decision), 5 + number % 23)
            sources = [source for source in range(4) if (number + source) % 7 != 0]
            self.assertEqual(len(fragments), len(sources))

    def test_a_cut_keeps_the_complete_blocks(self):
        self.assertEqual(len(read(self.data[:-1])), len(read(self.data)) - 1)

    def test_a_flipped_bit_ends_the_reading(self):
        damaged = bytearray(self.data)
        damaged[len(damaged) // 2] ^= 4
        self.assertLess(len(read(bytes(damaged))), len(read(self.data)))

    def test_exit_status(self):
        self.assertEqual(read_recording.main([str(SAMPLE)]), 0)
        with tempfile.NamedTemporaryFile() as cut:
            cut.write(self.data[:-8])
            cut.flush()
            self.assertEqual(read_recording.main([cut.name]), 1)


if __name__ == "__main__":
    unittest.main()
