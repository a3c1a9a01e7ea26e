"""tools/check_includes.py finds each kind of broken rule in a small tree made for it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[2] / "tools" / "check_includes.py"


def check(files):
    """(exit status, output) of the script on a tree of {path: text}."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)
        return done.returncode, done.stdout


class CheckIncludes(unittest.TestCase):
    def expect_broken(self, files, sentence):
        status, output = check(files)
        self.assertEqual(status, 1, output)
        self.assertIn(sentence, output)

    def test_arrows_in_their_direction_pass(self):
        status, output = check(
            {
                "engine/base/error.hpp": "",
                "engine/network/types.hpp": '#include "engine/base/error.hpp"\n',
                "tests/unit/a_test.cpp": '#include "engine/network/types.hpp"\n',
            }
        )
        self.assertEqual(status, 0, output)

    def test_an_arrow_that_points_back_is_named(self):
        self.expect_broken(
            {
                "engine/network/a.hpp": "",
                "engine/base/b.cpp": '\n#include "engine/network/a.hpp"\n',
            },
            "engine/base/b.cpp:2: engine/base may not include engine/network",
        )

    def test_a_vendor_header_outside_its_backend_is_named(self):
        self.expect_broken({"engine/wire/a.cpp": "#include <CL/cl.h>\n"}, "belongs into backends/opencl")

    def test_a_heavy_header_in_a_header_is_named(self):
        self.expect_broken({"engine/wire/a.hpp": "#include <iostream>\n"}, "too heavy for a header")

    def test_the_engine_does_not_include_tools(self):
        self.expect_broken(
            {"tools/a.hpp": "", "engine/wire/a.cpp": '#include "tools/a.hpp"\n'}, "not part of the engine"
        )

    def test_an_include_that_is_not_from_the_root_is_named(self):
        self.expect_broken(
            {"engine/wire/a.hpp": "", "engine/wire/a.cpp": '#include "a.hpp"\n'}, "not a path from the root"
        )

    def test_a_source_that_does_not_begin_with_its_own_header_is_named(self):
        self.expect_broken(
            {"engine/wire/a.hpp": "", "engine/wire/a.cpp": '#include <string>\n#include "engine/wire/a.hpp"\n'},
            'engine/wire/a.cpp:1: include "engine/wire/a.hpp" first',
        )

    def test_a_file_that_is_too_long_is_named(self):
        self.expect_broken({"engine/wire/a.cpp": "\n" * 1000}, "1000 lines, more than")

    def test_an_empty_tree_is_no_success(self):
        status, _ = check({})
        self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
