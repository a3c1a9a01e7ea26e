#!/usr/bin/env python3
"""Batches of 1024 and single events on one thread: crible beside ONNX Runtime, OpenVINO, XGBoost and tl2cgen.

The networks have the shapes of bench_network. The peers run them in float32 and, where they can, in int8
(QDQ, per-tensor scales); their answers are checked against NumPy before anything is timed. Time is the
process's own, the median of interleaved repeats. Calls of single events include the peer's Python binding
(4 to 7 us).
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

BATCH = 1024
ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = {  # as in bench/network/networks.cpp
    "jet_mlp": [16, 64, 32, 32, 5],
    "autoencoder": [57, 32, 16, 3, 16, 32, 57],
    "big_mlp": [57, 256, 256, 128, 1],
}


def missing(name, why):
    print(f"peer left out: {name}: {why}")


class Mlp:
    """Dense layers with relu between them, in float and in int8 as ONNX models."""

    def __init__(self, widths, seed):
        random = np.random.default_rng(seed)
        self.widths = widths
        self.weights = [random.normal(0, 40, (i, o)).clip(-127, 127).round().astype(np.int8)
                        for i, o in zip(widths, widths[1:])]
        self.inputs = random.integers(-127, 127, (BATCH, widths[0])).astype(np.float32)
        self.scales = [1.0 / (40 * np.sqrt(i)) for i in widths[:-1]]

    def answers(self):
        x = self.inputs
        for n, weights in enumerate(self.weights):
            x = x @ (weights.astype(np.float32) * np.float32(self.scales[n]))
            if n + 1 < len(self.weights):
                x = np.maximum(x, 0)
        return x

    def onnx(self, quantized):
        from onnx import TensorProto, helper, numpy_helper
        nodes, initializers = [], []

        def constant(name, value):
            initializers.append(numpy_helper.from_array(np.asarray(value), name))
            return name

        x = "x"
        for n, weights in enumerate(self.weights):
            if quantized:
                kind = np.uint8 if n else np.int8
                scale, zero = constant(f"s{n}", np.float32(1)), constant(f"z{n}", kind(0))
                nodes.append(helper.make_node("QuantizeLinear", [x, scale, zero], [f"q{n}"]))
                nodes.append(helper.make_node("DequantizeLinear", [f"q{n}", scale, zero], [f"d{n}"]))
                x = f"d{n}"
                nodes.append(helper.make_node(
                    "DequantizeLinear",
                    [constant(f"w{n}", weights), constant(f"ws{n}", np.float32(self.scales[n])),
                     constant(f"wz{n}", np.int8(0))], [f"wd{n}"]))
                weight = f"wd{n}"
            else:
                weight = constant(f"w{n}", weights.astype(np.float32) * np.float32(self.scales[n]))
            nodes.append(helper.make_node("MatMul", [x, weight], [f"m{n}"]))
            x = f"m{n}"
            if n + 1 < len(self.weights):
                nodes.append(helper.make_node("Relu", [x], [f"r{n}"]))
                x = f"r{n}"
        graph = helper.make_graph(
            nodes, "mlp", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", self.widths[0]])],
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", self.widths[-1]])], initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                 ir_version=8).SerializeToString()


def close_enough(got, wanted, quantized):
    tolerance = 0.1 if quantized else 1e-4
    return np.abs(got - wanted).max() <= tolerance * max(1.0, np.abs(wanted).max())


def onnx_runtime(model):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def openvino(model):
    import openvino as ov
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(model)
        file.flush()
        core = ov.Core()
        compiled = core.compile_model(core.read_model(file.name), "CPU",
                                      {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1,
                                       "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()

    def run(x):
        request.set_input_tensor(ov.Tensor(x))
        request.infer()
        return request.get_output_tensor().data

    return run


def mlp_cases():
    for name, widths in SHAPES.items():
        mlp = Mlp(widths, 1)
        wanted = mlp.answers()
        for peer, load in (("onnxruntime", onnx_runtime), ("openvino", openvino)):
            for quantized in (False, True):
                try:
                    call = load(mlp.onnx(quantized))
                    if not close_enough(call(mlp.inputs), wanted, quantized):
                        missing(f"{peer} on {name}", "its answers are wrong")
                        continue
                except Exception as error:  # whatever a peer throws, it is left out and named
                    missing(f"{peer} on {name}", str(error).splitlines()[0])
                    continue
                yield name, f"{peer} {'int8' if quantized else 'float'}", call, mlp.inputs


def tree_cases():
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
    yield "trees_8", "xgboost", lambda part: booster.inplace_predict(part, predict_type="margin"), events
    try:
        import tl2cgen
        import treelite
        model = treelite.frontend.from_xgboost(booster)
        folder = pathlib.Path(tempfile.mkdtemp())
        library = folder / "trees.so"
        tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"quantize": 1})
        predictor = tl2cgen.Predictor(library, nthread=1)
        got = predictor.predict(tl2cgen.DMatrix(events), pred_margin=True).ravel()
        if np.abs(got - wanted).max() > 1e-3:
            return missing("tl2cgen", "its answers are wrong")
        yield ("trees_8", "tl2cgen",
               lambda part: predictor.predict(tl2cgen.DMatrix(part), pred_margin=True), events)
    except Exception as error:
        missing("tl2cgen", str(error).splitlines()[0])


def timed(call, part, calls):
    start = time.thread_time_ns()
    for _ in range(calls):
        call(part)
    return (time.thread_time_ns() - start) / calls


def measure(cases, rounds):
    measured = {}
    calls = {key: max(1, int(3e6 / timed(call, x, 3))) for key, (call, x) in cases.items()}
    for _ in range(rounds):
        for key, (call, x) in cases.items():
            batch, single = measured.setdefault(key, ([], []))
            batch.append(timed(call, x, calls[key]) / len(x))
            single.append(timed(call, x[:1], 100))
    return {key: tuple(statistics.median(v) for v in values) for key, values in measured.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=str(ROOT / "build/release/bench_network"))
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    cases = {(name, peer): (call, x) for source in (mlp_cases, tree_cases)
             for name, peer, call, x in source() or ()}
    peers = measure(cases, options.rounds)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([options.bench, "--rounds", str(options.rounds), "--json", file.name], check=True,
                       stdout=subprocess.DEVNULL)
        ours = json.load(open(file.name))["networks"]
    rows = [{"network": name, "runtime": peer, "batch_ns": batch, "single_ns": single}
            for (name, peer), (batch, single) in peers.items()]
    rows += [{"network": row["network"], "runtime": "crible " + row["device"],
              "batch_ns": row["batch_1024_ns_per_event"], "single_ns": row["single_ns"]} for row in ours]
    print(f"{'network':13} {'runtime':24} {'ns/event':>10} {'M events/s':>11} {'one event us':>13}")
    for row in sorted(rows, key=lambda r: (r["network"], r["batch_ns"])):
        print(f"{row['network']:13} {row['runtime']:24} {row['batch_ns']:10.1f} {1e3 / row['batch_ns']:11.3f} "
              f"{row['single_ns'] / 1e3:13.2f}")
    for name in sorted({name for name, _ in peers}):
        best = min(row["batch_ns"] for row in rows if row["network"] == name and "crible" not in row["runtime"])
        for row in rows:
            if row["network"] == name and "crible" in row["runtime"]:
                print(f"{name}, {row['runtime']}: {best / row['batch_ns']:.2f} times the best peer, batches of {BATCH}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
