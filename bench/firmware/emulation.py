"""Runs the comparison of speeds; see `emulation` beside it."""

import argparse
import ctypes
import json
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

import numpy as np

import crn
import peer
from compare import ADDERS_PER_STAGE, JET, crible

FLAGS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal", "-Wno-lint"]  # those of sim/model.cpp
OPTIMIZATION = "-O1"
REPEATS = 3


def per_second(action, events):
    """Events a second, the median of a few runs; the first one warms up."""
    action()
    rates = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        rates.append(events / (time.perf_counter() - begin))
    return sorted(rates)[REPEATS // 2]


def of_crible(command, network, backend, x, folder, events):
    """Events for each second of processor time, from two lengths of the same array: start and loading drop out."""
    def seconds(count):
        path = folder / f"x_{count}.npy"
        np.save(path, np.resize(x, (count, x.shape[1])))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        crible([command, "eval", str(network), "--input", str(path), "--output", str(folder / "y.npy"),
                "--backend", backend])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    seconds(1000)  # builds what is to be built
    rates = [(events - 1000) / (seconds(events) - seconds(1000)) for _ in range(REPEATS)]
    return sorted(rates)[REPEATS // 2], np.load(folder / "y.npy")


def da4ml_emulation(combination, folder):
    """da4ml's Verilog with its own driver, compiled with crible's flags. Its makefile needs another Verilator."""
    peer.write(combination, "peer", folder, ADDERS_PER_STAGE)
    root = subprocess.run(["verilator", "--getenv", "VERILATOR_ROOT"], check=True, capture_output=True,
                          text=True).stdout.strip()
    objects = folder / "sim" / "obj_dir"
    subprocess.run(["verilator", "--cc", *FLAGS, "peer_wrapper.v", "--prefix", "Vpeer_wrapper", "--Mdir", str(objects),
                    "-I../src", "-I../src/static"], check=True, cwd=folder / "sim", capture_output=True)
    library = folder / "sim" / "emulation.so"
    runtime = [f"{root}/include/{name}.cpp" for name in ("verilated", "verilated_threads")]
    subprocess.run(["g++", "-std=c++17", OPTIMIZATION, "-fPIC", "-shared", "-pthread", f"-I{objects}",
                    f"-I{root}/include", f"-I{root}/include/vltstd", "-o", str(library), "peer_wrapper_binder.cc",
                    *map(str, sorted(objects.glob("*.cpp"))), *runtime], check=True, cwd=folder / "sim")
    return ctypes.CDLL(str(library))


def hls4ml_rate(python, events):
    script = pathlib.Path(__file__).with_name("hls4ml_rate.py")
    done = subprocess.run([python, str(script), JET, str(events)], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"hls4ml: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])["per_second"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--crible", required=True)
    parser.add_argument("--hls4ml", required=True, help="a Python that has it")
    parser.add_argument("--json")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crible_emulation_"))
    try:
        network = folder / "jet.crn"
        crible([options.crible, "import", JET, "-o", str(network), "--input-type", "s16.10"])
        chain = crn.read_chain(network)
        x = np.random.default_rng(1).integers(-2**15, 2**15, (20_000, chain.input_elements)).astype(np.int16)

        rates = {}
        rates["crible, firmware"], wanted = of_crible(options.crible, network, "rtl", x, folder, 20_000)
        rates["crible, cpu"], again = of_crible(options.crible, network, "cpu", x, folder, 1_000_000)
        combination = peer.trace(chain, 2)
        values = x.astype(float)
        got = np.asarray(combination.predict(values, n_threads=1)).reshape(wanted.shape)
        rates["da4ml, interpreter"] = per_second(lambda: combination.predict(values, n_threads=1), len(x))
        emulation = da4ml_emulation(combination, folder / "peer")
        given = np.ascontiguousarray(x.astype(np.int32))
        taken = np.zeros(wanted.shape, np.int32)
        pointer = ctypes.POINTER(ctypes.c_int32)

        def emulate():
            emulation.inference(given.ctypes.data_as(pointer), taken.ctypes.data_as(pointer), ctypes.c_size_t(len(x)),
                                ctypes.c_size_t(1))

        rates["da4ml, Verilator"] = per_second(emulate, len(x))
        for name, array in (("crible's cpu", again[: len(x)]), ("da4ml's interpreter", got), ("da4ml's Verilator", taken)):
            if not np.array_equal(wanted.astype(float), array.astype(float)):
                raise SystemExit(f"{name} gives other numbers; the comparison would be worth nothing")
        rates["hls4ml, emulation"] = hls4ml_rate(options.hls4ml, 2000)
    finally:
        shutil.rmtree(folder)
    ratios = {"firmware simulated, crible / da4ml": rates["crible, firmware"] / rates["da4ml, Verilator"],
              "crible cpu / da4ml interpreter": rates["crible, cpu"] / rates["da4ml, interpreter"]}
    if rates["hls4ml, emulation"]:
        ratios["crible cpu / hls4ml emulation"] = rates["crible, cpu"] / rates["hls4ml, emulation"]
    for name, rate in rates.items():
        print(f"{name:24} {f'{rate:12,.0f} events/s of one thread' if rate else '     not run'}")
    for name, ratio in ratios.items():
        print(f"{name:36} {ratio:8.2f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"per_second": rates, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
