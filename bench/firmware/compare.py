"""Runs the comparison; see `run` beside it."""

import argparse
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import time

import numpy as np

import crn
import peer

ADDERS_PER_STAGE = 3
SYNTHESIS = "synth_xilinx -top {top} -family xcup -noiopad -nodsp -nobram -nolutram -flatten"
JET = "tests/data/models/qkeras_jet3/model.onnx"


def crible(arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def dense_network(name, inputs, outputs, bits, seed):
    """A layer of random weights as a network's text."""
    numbers = random.Random(seed)
    most = 2 ** (bits - 1)
    rows = [" ".join(str(numbers.randrange(-most, most)) for _ in range(inputs)) for _ in range(outputs)]
    return (
        f"crible network 1\nname {name}\nx = input : s8.0 [{inputs}]\n  scale 0x1p+0\n"
        f"y = dense(x) : s32.0 [{outputs}]\n  outputs {outputs}\n  inputs {inputs}\n  weight_fraction 0\n"
        "  weights\n" + "".join(f"    {row}\n" for row in rows) + f"  bias\n    {' '.join(['0'] * outputs)}\n"
        f"out = output(y) : s32.0 [{outputs}]\n  scale 0x1p+0\n"
    )


def networks(command, folder):
    jet = folder / "jet.crn"
    crible([command, "import", JET, "-o", str(jet), "--input-type", "s16.10"])
    yield "jet tagger, 16-64-32-32-5", jet
    for inputs, outputs, bits in ((64, 64, 8), (72, 16, 6)):
        path = folder / f"dense_{inputs}_{outputs}.crn"
        path.write_text(dense_network(path.stem, inputs, outputs, bits, 1))
        yield f"dense {inputs} x {outputs}, {bits} bit", path


def check_same(chain, combination, command, path, folder):
    """Both must give the same integers before any count means anything."""
    events = 1000
    low = -(2 ** (chain.input_width - 1)) if chain.input_signed else 0
    high = low + 2**chain.input_width
    x = np.random.default_rng(1).integers(low, high, (events, chain.input_elements))
    kind = np.int16 if chain.input_width > 8 else np.int8
    np.save(folder / "x.npy", x.astype(kind))
    crible([command, "eval", str(path), "--input", str(folder / "x.npy"), "--output", str(folder / "y.npy")])
    wanted = np.load(folder / "y.npy").astype(float)
    got = np.asarray(combination.predict(x.astype(float))).reshape(wanted.shape)
    if not np.array_equal(wanted, got):
        raise SystemExit(f"{path}: da4ml's network gives other numbers; the comparison would be worth nothing")


def synthesise(sources, top):
    # Deferred, because da4ml's library has a table that names a file which is not there unless a network uses it.
    script = f"read_verilog -sv -defer {' '.join(map(str, sources))}; {SYNTHESIS.format(top=top)}; stat"
    done = subprocess.run(["yosys", "-p", script], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"yosys: {done.stderr.strip() or done.stdout[-500:]}")
    text = done.stdout
    text = text[text.rindex("Number of cells:") :]
    cells = {match[1]: int(match[2]) for match in re.finditer(r"^\s+(\w+)\s+(\d+)$", text, re.M)}
    return {
        "lut": sum(count for cell, count in cells.items() if re.fullmatch(r"LUT\d", cell)),
        "flip_flops": sum(count for cell, count in cells.items() if cell.startswith("FD")),
        "shift_registers": sum(count for cell, count in cells.items() if cell.startswith("SRL")),
        "carry4": cells.get("CARRY4", 0),
    }


def of_crible(command, path, folder, synthesis):
    target = folder / (path.stem + "_crible")
    report = folder / "firmware.json"
    crible([command, "firmware", str(path), "-o", str(target), "--adders-per-stage", str(ADDERS_PER_STAGE), "--json", str(report)])
    result = json.loads(report.read_text())
    row = {
        "adders": result["adders"] - result["constant_adders"],
        "constant_adders": result["constant_adders"],
        "seconds": result["generation_seconds"],
    }
    if synthesis:
        row.update(synthesise([target / "rtl" / f"{result['top']}.sv"], result["top"]))
    return row


def of_da4ml(command, path, folder, synthesis):
    """The best of its depth settings by adders."""
    chain = crn.read_chain(path)
    best = None
    for hard_dc in (2, 0, None):
        begin = time.perf_counter()
        combination = peer.trace(chain, hard_dc)
        seconds = time.perf_counter() - begin
        adders, constant_adders = peer.adders(combination)
        if best is None or adders < best[0]["adders"]:
            best = ({"adders": adders, "constant_adders": constant_adders, "seconds": seconds}, combination)
    row, combination = best
    check_same(chain, combination, command, path, folder)
    if synthesis:
        target = folder / (path.stem + "_da4ml")
        peer.write(combination, "peer", target, ADDERS_PER_STAGE)
        sources = [f for f in sorted(target.rglob("*.v")) if "wrapper" not in f.name and "sim" not in f.parts]
        row.update(synthesise(sources, "peer"))
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--crible", required=True)
    parser.add_argument("--synthesis", action="store_true")
    parser.add_argument("--only", default="", help="networks whose title holds this text")
    parser.add_argument("--json")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crible_firmware_"))
    results = {}
    try:
        for title, path in networks(options.crible, folder):
            if options.only not in title:
                continue
            synthesis = options.synthesis and "jet" in title
            ours = of_crible(options.crible, path, folder, synthesis)
            theirs = of_da4ml(options.crible, path, folder, synthesis)
            results[title] = {"crible": ours, "da4ml": theirs}
            print(f"{title}: identical on 1000 random events")
            for key in ours:
                ratio = f"{ours[key] / theirs[key]:8.3f}" if theirs[key] else "       -"
                print(f"  {key:16} crible {ours[key]:10.6g}   da4ml {theirs[key]:10.6g}   ratio {ratio}")
    finally:
        shutil.rmtree(folder)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
