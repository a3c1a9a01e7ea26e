"""The report of a benchmark as a browser shows it: light and dark, without a network, with every plot drawn.

Usage: report_browser_test.py CRIBLE

Needs Chromium; exit status 77 (skipped) where there is none.
"""

import pathlib
import re
import shutil
import struct
import subprocess
import sys
import unittest
import zlib

import harness
from harness import Case, run_crible

RESULT = pathlib.Path("tests/data/bench/result.json")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
SKIPPED = 77


def first_pixel(png):
    """(red, green, blue) of the upper left corner of an 8-bit PNG, whose first row needs no row above it."""
    width, _, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert depth == 8 and colour in (2, 6), (depth, colour)
    parts, at = [], 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            parts.append(png[at + 8 : at + 8 + size])
        at += size + 12
    row = zlib.decompress(b"".join(parts))
    return width, tuple(row[1:4])


class Browser(Case):
    def setUp(self):
        super().setUp()
        self.page = self.folder / "report.html"
        done = run_crible("bench", "report", RESULT, "--html", self.page)
        self.assertEqual(done.returncode, 0, done.stderr)

    def browse(self, *options):
        return subprocess.run(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,3000",
             f"--user-data-dir={self.folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND", *options,
             self.page.as_uri()],
            capture_output=True, text=True, timeout=120, env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})  # fmt: skip

    def shot(self, scheme):
        """The corner's pixel and the size in bytes of a picture in this colour scheme (0 dark, 1 light)."""
        picture = self.folder / f"{scheme}.png"
        done = self.browse(f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}")
        self.assertTrue(picture.exists(), done.stderr)
        png = picture.read_bytes()
        width, pixel = first_pixel(png)
        self.assertEqual(width, 1280)
        return pixel, len(png)

    def test_light_and_dark(self):
        light, light_bytes = self.shot(1)
        dark, dark_bytes = self.shot(0)
        self.assertGreater(min(light), 200)
        self.assertLess(max(dark), 60)
        for size in (light_bytes, dark_bytes):
            self.assertGreater(size, 100_000, "an empty page is smaller")

    def test_every_plot_is_in_the_document(self):
        done = self.browse("--dump-dom")
        source = self.page.read_text()
        self.assertGreaterEqual(source.count("<svg"), 8)
        self.assertEqual(done.stdout.count("<svg"), source.count("<svg"), done.stderr)
        for shape in ("<rect", "<path", "<circle", "<text"):
            self.assertEqual(done.stdout.count(shape), source.count(shape))
        self.assertIsNone(re.search(r"Refused to|Content Security Policy", done.stderr), done.stderr)


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: there is no chromium; tools/setup checks installs it")
        sys.exit(SKIPPED)
    harness.main("__main__")
