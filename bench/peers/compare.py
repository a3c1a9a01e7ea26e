#!/usr/bin/env python3
"""crible beside its peers on one thread, in one run: answers first, then interleaved repeats.

The networks are those of bench_network. XNNPACK, oneDNN and tl2cgen are called from C++; ONNX Runtime,
OpenVINO and XGBoost from Python on fixed buffers, and from their times of single calls the time of an empty
network through the same binding is taken off, which favours them. Times are of the process, medians.
"""

import argparse
import collections
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile

import numpy as np

import models
from runtimes import InProcess, Program, missing, onnx_runtime, openvino, timed

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
BATCH = 1024
MODES = ("single", "chained", "batch")
SETTINGS = {
    "all": "one thread, buffers and sessions made before, the same events, warm, answers compared first",
    "crible": "one slot, batches of 1 and 1024",
    "onnxruntime": "CPUExecutionProvider, intra_op and inter_op threads 1, inputs and outputs bound",
    "openvino": "CPU, INFERENCE_NUM_THREADS 1, NUM_STREAMS 1, INFERENCE_PRECISION_HINT f32, shared input tensor",
    "xnnpack": "no thread pool, operators set up once",
    "onednn": "OMP_NUM_THREADS 1, primitives made once; a second time held to AVX2",
    "xgboost": "nthread 1, inplace_predict",
    "tl2cgen": "gcc, branches annotated, quantize 1",
    "mlserver": "no worker processes, ONNX Runtime with one thread, binary tensors over gRPC, time of the wall",
}

# crible's network -> the peers' network of the same shape, and the targets: at most this part of the best
# peer's time for one event, at least this multiple of its rate in batches.
ROWS = {
    "jet_mlp": ("jet_mlp_8", 0.35, 2.0),
    "jet_mlp_8": ("jet_mlp_8", None, 1.0),
    "big_mlp": ("big_mlp", 0.7, 1.0),
    "calo_cnn": ("calo_cnn", 0.6, 1.0),
    "gru": ("gru", 0.25, 4.0),
    "trees_8": ("trees_8", 0.25, 10.0),
}


def runtimes():
    for name, load in (("onnxruntime", onnx_runtime), ("openvino", openvino)):
        try:
            call, _, _ = load(models.empty(), (1, 1))
            yield name, load, statistics.median(timed(call, 2000) for _ in range(5))
        except Exception as error:  # whatever a peer throws, it is left out and named
            missing(name, error)


def prepare(load, model_for, shape, fill, right, floor):
    """Both sizes of a model, its answers checked by `right(answers)`."""
    calls = []
    for events in (1, BATCH):
        call, x, answers = load(model_for(events), (events, *shape))
        x[...] = fill[:events].reshape(x.shape)
        call()
        right(np.asarray(answers()), events)
        calls.append(call)
    return InProcess(*calls, BATCH, floor)


def layered_peers(dumped, name, load, floor):
    for model in dumped:
        events = np.array(model["events"], np.float32)
        wanted = np.array(model["answers"], np.float64)
        for quantized in (False, True):
            label = f"{name}_{'int8' if quantized else 'float'}"
            differing = []

            def right(got, count, quantized=quantized, differing=differing):
                checked = min(count, len(wanted))
                scale = models.layered(model, quantized, 1)[1]
                error = np.abs(got[:checked] / scale - wanted[:checked])
                differing.append(float((error > 0.5).mean()))
                if error.max() > 0.05 * np.abs(wanted).max() + 0.5:
                    raise ValueError(f"its answers are wrong by up to {error.max():.0f} of {np.abs(wanted).max():.0f}")

            try:
                subject = prepare(load, lambda n, q=quantized: models.layered(model, q, n)[0], model["in_shape"],
                                  events, right, floor)
                if quantized and max(differing) > 0:
                    print(f"{label} on {model['name']}: {100 * max(differing):.1f} % of the outputs are not the "
                          "integers that the file says")
                yield f"{model['name']}@{label}", subject
            except Exception as error:
                missing(f"{label} on {model['name']}", error)


def gru_peer(name, load, floor):
    events = np.random.default_rng(3).normal(size=(BATCH, models.GRU_STEPS, models.GRU_INPUTS)).astype(np.float32)
    weights = models.gru(1)[1]
    wanted = models.gru_answers(events, weights)

    def right(got, count):
        if np.abs(got - wanted[:count]).max() > 1e-3:
            raise ValueError("its answers are wrong")

    try:
        yield f"gru@{name}_float", prepare(load, lambda n: models.gru(n)[0], events.shape[1:], events, right, floor)
    except Exception as error:
        missing(f"{name} on gru", error)


def tree_peers(folder, programs):
    try:
        import xgboost
    except ImportError as error:
        return missing("xgboost", error)
    random = np.random.default_rng(2)
    x = random.normal(size=(20000, 16)).astype(np.float32)
    y = (x[:, :4].sum(axis=1) + random.normal(size=len(x)) > 0).astype(int)
    booster = xgboost.train({"max_depth": 4, "objective": "binary:logistic", "nthread": 1},
                            xgboost.DMatrix(x, y), 100)
    events = np.ascontiguousarray(x[:BATCH])
    wanted = booster.predict(xgboost.DMatrix(events), output_margin=True)
    one = np.ascontiguousarray(events[:1])
    yield "trees_8@xgboost", InProcess(lambda: booster.inplace_predict(one, predict_type="margin"),
                                       lambda: booster.inplace_predict(events, predict_type="margin"), BATCH)
    try:
        import tl2cgen
        import treelite
        model = treelite.frontend.from_xgboost(booster)
        tl2cgen.annotate_branch(model, tl2cgen.DMatrix(x), path=folder / "branches.json", nthread=1)
        tl2cgen.export_lib(model, toolchain="gcc", libpath=folder / "trees.so",
                           params={"quantize": 1, "annotate_in": str(folder / "branches.json")})
        events.tofile(folder / "events")
        wanted[:256].astype(np.float32).tofile(folder / "sums")
        programs.append(Program([BUILD / "bench_peer_trees", folder / "trees.so", folder / "events",
                                 folder / "sums"]))
    except Exception as error:
        missing("tl2cgen", error)


def served_networks(folder, dumped):
    """What server_peer.py reads: networks in float for any number of events, and the answers that are right."""
    folder.mkdir()
    for model in dumped:
        graph, scale = models.layered(model, False, "n")
        wanted = np.array(model["answers"], np.float64)
        events = np.array(model["events"], np.float32).reshape(-1, *model["in_shape"])
        (folder / f"{model['name']}.onnx").write_bytes(graph)
        np.savez(folder / f"{model['name']}.npz", events=events, answers=wanted * scale,
                 tolerance=scale * (0.05 * np.abs(wanted).max() + 0.5))
    events = np.random.default_rng(3).normal(size=(BATCH, models.GRU_STEPS, models.GRU_INPUTS)).astype(np.float32)
    graph, weights = models.gru("n")
    (folder / "gru.onnx").write_bytes(graph)
    np.savez(folder / "gru.npz", events=events, answers=models.gru_answers(events, weights), tolerance=1e-3)


def inference_server(folder, dumped):
    python = ROOT / "build/peers_server/bin/python"
    if not python.exists():
        missing("MLServer over gRPC", "its environment is not there")
        return []
    served_networks(folder / "served", dumped)
    return [Program([python, ROOT / "bench/peers/server_peer.py", folder / "served"])]


def poisson_times(rate_hz, seconds):
    """The same arrivals for everybody, in nanoseconds."""
    gaps = np.random.default_rng(11).exponential(1e9 / rate_hz, int(rate_hz * seconds))
    return [int(time) for time in np.cumsum(gaps)]


def under_load(folder, programs, subjects, rate_hz, seconds, rounds):
    """p50, p99, p99.9 and the highest latency of one event at Poisson arrivals, medians of the rounds, in ns."""
    times = poisson_times(rate_hz, seconds)
    file = folder / "times"
    file.write_text("\n".join(map(str, times)) + "\n")
    asked = [(name, program) for program in programs for name in program.names] + list(subjects.items())
    found = collections.defaultdict(list)
    for _ in range(rounds):
        for name, peer in asked:
            found[name].append(peer.latencies(name, file, times))
    keys = ("p50", "p99", "p999", "max")
    medians = {name: dict(zip(keys, (statistics.median(column) for column in zip(*rows))))
               for name, rows in found.items()}
    print(f"\n{rate_hz:.0f} events/s, Poisson: latency of one event, us\n"
          f"{'network':10} {'runtime':20} {'p50':>9} {'p99':>9} {'p99.9':>9}")
    for name, t in sorted(medians.items(), key=lambda item: (item[0].split("@")[0], item[1]["p50"])):
        print(f"{name.split('@')[0]:10} {name.split('@')[1]:20} {t['p50'] / 1e3:9.2f} {t['p99'] / 1e3:9.2f} "
              f"{t['p999'] / 1e3:9.2f}")
    return {"rate_hz": rate_hz, "seconds": seconds, "rounds": rounds, "ns": medians}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    versions = {}
    for package in ("onnxruntime", "openvino", "xgboost", "tl2cgen", "treelite", "mlcommons_loadgen"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    for package in ("libxnnpack-dev", "libdnnl-dev"):
        found = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
        versions[package] = found.stdout or None
    return {"date": datetime.date.today().isoformat(), "processor": model, "cores": os.cpu_count(),
            "avx512_vnni": "avx512_vnni" in flags, "system": platform.platform(), "versions": versions}


def has_avx2_form(peer):
    """oneDNN is measured a second time, held to AVX2, and so compared with crible's other variants."""
    return peer.startswith("onednn_") and "avx2" not in peer


def report(medians):
    """The table; returns the comparisons."""
    peers = collections.defaultdict(dict)
    ours = collections.defaultdict(dict)
    for name, figures in medians.items():
        network, runtime = name.split("@")
        (ours if runtime.startswith("cpu:") else peers)[network][runtime] = figures
    print(f"\n{'network':10} {'runtime':20} {'one event us':>13} {'chained us':>11} {'M events/s of 1024':>19}")
    for network in dict.fromkeys([*peers, *ours]):
        for runtime, t in sorted({**peers[network], **ours[network]}.items(), key=lambda item: item[1]["batch"]):
            print(f"{network:10} {runtime:20} {t['single'] / 1e3:13.3f} {t['chained'] / 1e3:11.3f} "
                  f"{1e3 / t['batch']:19.3f}")
    print("\nOver the best peer: time of one event (independent, chained; at most), rate of batches (at least)")
    compared = []
    for network, (shape, most, least) in ROWS.items():
        if not peers[shape]:
            continue
        for device, t in ours[network].items():
            allowed = [peer for peer in peers[shape] if device == "cpu:avx512vnni" or not has_avx2_form(peer)]
            allowed = [peer for peer in allowed if device != "cpu:avx512vnni" or "avx2" not in peer]
            best = {mode: min(allowed, key=lambda peer: peers[shape][peer][mode]) for mode in MODES}
            row = {"network": network, "device": device, "best_peers": best, "target_time": most, "target_rate": least}
            for mode in MODES:
                row[mode] = t[mode] / peers[shape][best[mode]][mode]
            row["rate"] = 1 / row.pop("batch")
            compared.append(row)
            wanted = "-" if most is None else f"{most:.2f}"
            print(f"{network:10} {device:15} {row['single']:6.2f} {row['chained']:6.2f} ({wanted}, {best['single']})"
                  f"   {row['rate']:6.2f} ({least:.1f}, {best['batch']})")
    return compared


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rate", type=float, default=2000, help="of the Poisson arrivals, events a second")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # oneDNN of Debian
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([BUILD / "bench_network", "--dump", folder / "models.json"], check=True)
        dumped = json.loads((folder / "models.json").read_text())
        programs = [Program([BUILD / "bench_network", "--serve"])]
        for peer in ("xnnpack", "onednn"):
            path = BUILD / f"bench_peer_{peer}"
            if path.exists():
                programs.append(Program([path, folder / "models.json"]))
                if peer == "onednn":
                    held = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}
                    programs.append(Program([path, folder / "models.json", "_avx2"], held))
            else:
                missing(peer, "its library is not installed (tools/setup bench)")
        programs += inference_server(folder, dumped)
        subjects = {}
        floors = {}
        for runtime, load, floor in runtimes():
            floors[runtime] = floor
            subjects |= dict(layered_peers(dumped, runtime, load, floor))
            subjects |= dict(gru_peer(runtime, load, floor))
        subjects |= dict(tree_peers(folder, programs))
        measured = collections.defaultdict(list)
        for _ in range(options.rounds):
            for program in programs:
                for subject in program.names:
                    for mode in MODES:
                        measured[subject, mode].append(program.measure(subject, mode))
            for subject, peer in subjects.items():
                for mode in ("single", "batch"):
                    measured[subject, mode].append(peer.measure(mode))
        loaded = under_load(folder, programs, subjects, options.rate, 0.5, min(options.rounds, 3))
        for program in programs:
            program.close()
    medians = collections.defaultdict(dict)
    for (subject, mode), values in measured.items():
        medians[subject][mode] = statistics.median(values)
    for subject, peer in subjects.items():
        if peer.floor_ns > medians[subject]["single"] / 2:
            print(f"one event of {subject} is not compared: an empty network takes more than half of its time")
            medians[subject]["single"] = float("inf")
        else:
            medians[subject]["single"] -= peer.floor_ns
        medians[subject]["chained"] = medians[subject]["single"]  # a call ends before Python makes the next
    print("an empty network: " + ", ".join(f"{name} {ns / 1e3:.2f} us" for name, ns in floors.items()))
    compared = report(medians)
    if options.json:
        for figures in medians.values():
            figures.update({mode: None for mode in MODES if figures[mode] == float("inf")})
        result = {"machine": machine(), "empty_network_ns": floors, "ns_per_event": medians, "compared": compared,
                  "arrivals": loaded, "settings": SETTINGS}
        pathlib.Path(options.json).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
