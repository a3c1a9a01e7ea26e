#!/usr/bin/env python3
"""Checks the house's arrows: who may include whom, where vendor headers live, that a .cpp file includes its
own header first (which shows that the header compiles alone), and how long files are.

Usage: check_includes.py [ROOT]

Prints one line for each finding. Exit status 1 when an include breaks a rule or a file is longer than
MAX_LINES; files longer than GOOD_LINES are only named.
"""

import pathlib
import re
import sys

# Folder -> the folders whose headers it may include besides its own. Arrows are listed in full, so that
# this table reads as the map in ARCHITECTURE.md does. tests, bench, tools and examples may include all.
ALLOWED = {
    "engine/base": [],
    "engine/network": ["engine/base"],
    "engine/reference": ["engine/base", "engine/network"],
    "engine/importers": ["engine/base", "engine/network"],
    "engine/quantize": ["engine/base", "engine/network", "engine/importers"],
    "engine/codegen": ["engine/base", "engine/network"],
    "engine/wire": ["engine/base"],
    "engine/builder": ["engine/base", "engine/wire"],
    "engine/detector": ["engine/base", "engine/network"],
    "engine/menu": ["engine/base", "engine/network", "engine/detector"],
    "engine/batching": ["engine/base", "engine/network", "backends"],
    "engine/record": ["engine/base", "engine/wire"],
    "engine/pipeline": [
        "engine/base",
        "engine/network",
        "engine/reference",
        "engine/importers",
        "engine/wire",
        "engine/builder",
        "engine/detector",
        "engine/menu",
        "engine/batching",
        "engine/record",
        "backends",
    ],
    "backends": ["engine/base", "engine/network"],
    "backends/cpu": ["engine/base", "engine/network", "backends"],
    "backends/opencl": ["engine/base", "engine/network", "engine/codegen", "backends"],
    "backends/cuda": ["engine/base", "engine/network", "engine/codegen", "backends"],
    "hls": ["engine/base", "engine/network"],
    "sim": ["engine/base", "engine/network", "engine/reference", "hls", "backends"],
}

# backends/registry.cpp is the one file that knows every backend.
REGISTRY = pathlib.PurePosixPath("backends/registry.cpp")

FREE_FOLDERS = ("tests", "bench", "tools", "examples")

# Headers of a vendor or of a large library -> the only folders that may include them.
VENDOR_HEADERS = [
    (re.compile(r"CL/"), ["backends/opencl"]),
    (re.compile(r"cuda|nvrtc|nvml"), ["backends/cuda"]),
    (re.compile(r"onnx/|google/protobuf/|.*\.pb\.h$"), ["engine/importers"]),
    (re.compile(r"verilated"), ["sim"]),
]

# Slow to compile or part of the language's input and output: never in a header of the engine.
HEAVY_IN_HEADERS = re.compile(r"regex$|iostream$|nlohmann/json\.hpp$|boost/spirit|yaml-cpp/yaml\.h$|spdlog/")

# Made at build time, and so not in the tree.
GENERATED = re.compile(r".*\.pb\.h$")

GOOD_LINES = 500
MAX_LINES = 700

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def folder_of(path):
    """The longest folder of ALLOWED that holds `path`, or None."""
    for parent in path.parents:
        if str(parent) in ALLOWED:
            return str(parent)
    return None


def check_include(file, header, quoted):
    """The rule that including `header` in `file` breaks, or None."""
    folder = folder_of(file)
    if file == REGISTRY:
        return None
    for pattern, homes in VENDOR_HEADERS:
        if pattern.match(header) and folder is not None and folder not in homes:
            return f"<{header}> belongs into {' or '.join(homes)} only"
    if folder is None:
        return None
    if file.suffix == ".hpp" and HEAVY_IN_HEADERS.match(header):
        return f"<{header}> is too heavy for a header; include it in a .cpp file"
    target = folder_of(pathlib.PurePosixPath(header)) if quoted else None
    if quoted and header.startswith(FREE_FOLDERS):
        return f'"{header}" is not part of the engine'
    if target is not None and target != folder and target not in ALLOWED[folder]:
        return f"{folder} may not include {target}"
    return None


def check_file(root, file):
    """(errors, notes) of one source file; `file` is relative to `root`."""
    errors, notes = [], []
    lines = (root / file).read_text().splitlines()
    own_header = str(file.with_suffix(".hpp"))
    is_first = file.suffix == ".cpp" and (root / own_header).exists()
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match[1] or match[2]
        if is_first and header != own_header:
            errors.append(f'{file}:{number}: include "{own_header}" first')
        is_first = False
        broken = check_include(file, header, quoted=match[2] is not None)
        if broken:
            errors.append(f"{file}:{number}: {broken}")
        if match[2] is not None and not GENERATED.match(header) and not (root / header).exists():
            errors.append(f'{file}:{number}: "{header}" is not a path from the root of the repository')
    if len(lines) > MAX_LINES:
        errors.append(f"{file}: {len(lines)} lines, more than {MAX_LINES}; split it")
    elif len(lines) > GOOD_LINES:
        notes.append(f"note: {file}: {len(lines)} lines, more than {GOOD_LINES}")
    return errors, notes


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    errors, count = [], 0
    for top in ("engine", "backends", "hls", "sim", *FREE_FOLDERS):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".hpp", ".cpp"):
                continue
            count += 1
            file_errors, notes = check_file(root, pathlib.PurePosixPath(path.relative_to(root)))
            errors += file_errors
            for note in notes:
                print(note)
    for error in errors:
        print(error)
    if count == 0:
        print(f"{root}: no source file found")
        return 1
    print(f"{count} files, {len(errors)} broken rules")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
