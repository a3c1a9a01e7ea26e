"""The report of a benchmark as a file: strict XML in its drawings, nothing from elsewhere, nothing broken out."""

import html.parser
import json
import pathlib
import re
import xml.etree.ElementTree as xml

import harness
from harness import Case, run_crible

RESULT = pathlib.Path("tests/data/bench/result.json")
ATTACK = "</script></style></svg><script>alert(1)</script>\"'><img src=//x onerror=y> & \u0007"


class Page(html.parser.HTMLParser):
    """Collects tags, attributes and what stands in the element of the JSON."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.handlers, self.json = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.links.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script" and not self.json:
            self.json = data


class Report(Case):
    def render(self, result):
        path = self.folder / "result.json"
        path.write_text(json.dumps(result))
        done = run_crible("bench", "report", path, "--html", self.folder / "report.html")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, (self.folder / "report.html").read_text(encoding="utf-8")

    def check(self, text, result):
        """What holds for every page; returns its tags."""
        for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
            xml.fromstring(drawing)
        page = Page(text)
        self.assertEqual([link for link in page.links if not link.startswith("#")], [])
        self.assertEqual(page.handlers, [])
        self.assertEqual(page.tags.count("script"), 1)
        self.assertNotIn("url(", text)
        self.assertEqual(json.loads(page.json), result)
        return page.tags

    def test_a_result_as_summary_and_page(self):
        result = json.loads(RESULT.read_text())
        summary, text = self.render(result)
        self.assertIn("answers checked: 3,000, wrong: 0", summary)
        self.assertLessEqual(max(map(len, summary.splitlines())), 100)
        self.assertEqual(self.check(text, result).count("svg"), 8)

    def test_hostile_texts_stay_texts(self):
        kept = ("lower", "higher", "measured", "model")

        def attacked(value):
            if isinstance(value, str) and value and value not in kept:
                attacked.count += 1
                return f"{ATTACK} {attacked.count}"
            if isinstance(value, list):
                return [attacked(one) for one in value]
            if isinstance(value, dict):
                return {key: attacked(one) for key, one in value.items()}
            return value

        attacked.count = 0
        plain = self.check(self.render(json.loads(RESULT.read_text()))[1], json.loads(RESULT.read_text()))
        result = attacked(json.loads(RESULT.read_text()))
        summary, text = self.render(result)
        tags = self.check(text, result)
        self.assertEqual(set(tags), set(plain), "no element that the page does not have by itself")
        self.assertEqual(tags.count("svg"), plain.count("svg"))
        self.assertNotIn("\u0007", summary)

    def test_compare_has_the_exit_statuses_of_a_check(self):
        slower = json.loads(RESULT.read_text())
        figure = slower["suites"][0]["figures"][0]
        figure["repeats"] = [2 * value for value in figure["repeats"]]
        path = self.folder / "slower.json"
        path.write_text(json.dumps(slower))
        same = run_crible("bench", "compare", RESULT, RESULT)
        self.assertEqual(same.returncode, 0, same.stderr)
        self.assertIn("0 worse, 0 better, 5 indistinguishable", same.stdout)
        worse = run_crible("bench", "compare", RESULT, path, "--json", self.folder / "compare.json")
        self.assertEqual(worse.returncode, 1, worse.stderr)
        self.assertEqual(json.loads((self.folder / "compare.json").read_text())["worse"], 1)
        self.assertEqual(run_crible("bench", "compare", path, RESULT).returncode, 0, "better is not worse")
        path.write_text(json.dumps(slower)[:-40])
        bad = run_crible("bench", "compare", RESULT, path)
        self.assertEqual(bad.returncode, 2)
        self.assertRegex(bad.stderr, r"slower\.json:1: the file ends too early")


if __name__ == "__main__":
    harness.main("__main__")
