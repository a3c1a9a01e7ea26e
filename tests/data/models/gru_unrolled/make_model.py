#!/usr/bin/env python3
"""Makes model.onnx, inputs.npy and expected_int.npy: a quantized GRU that is exported step by step, with
QuantizeLinear and DequantizeLinear after each operation, and what ONNX Runtime computes with it.

Usage: make_model.py        (needs numpy, onnx and onnxruntime; writes beside itself)
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent
STEPS, INPUTS, HIDDEN, ROWS = 5, 3, 6, 400
random = np.random.default_rng(11)
nodes, constants = [], []


def constant(name, values):
    constants.append(numpy_helper.from_array(np.asarray(values), name))
    return name


def node(kind, inputs, output, **attributes):
    nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
    return output


def quantizer(name, scale, kind):
    return constant(name + "_scale", np.float32(scale)), constant(name + "_zero", kind(0))


def qdq(x, ends, output):
    q = node("QuantizeLinear", [x, *ends], output + "_q")
    return node("DequantizeLinear", [q, *ends], output)


def weights(name, *shape):
    ends = quantizer(name, 0.0137, np.int8)
    q = constant(name + "_q", random.integers(-90, 91, shape).astype(np.int8))
    return node("DequantizeLinear", [q, *ends], name)


X = quantizer("x", 1 / 32, np.int8)
SUM = quantizer("sum", 0.051, np.int8)
GATE = quantizer("gate", 1 / 256, np.uint8)
STATE = quantizer("state", 1 / 128, np.int8)

x = qdq("x", X, "xq")
w = {g: weights("w" + g, INPUTS, HIDDEN) for g in "zrn"}
r = {g: weights("r" + g, HIDDEN, HIDDEN) for g in "zrn"}
b = {g: constant("b" + g, (random.integers(-60, 61, HIDDEN) / 64).astype(np.float32)) for g in "zrn"}
one = constant("one", np.float32(1))
h = None
for t in range(STEPS):
    step = node("Gather", [x, constant(f"t{t}", np.int64(t))], f"x{t}", axis=1)

    def gate(g, state, curve, ends):
        total = node("Add", [node("MatMul", [step, w[g]], f"{g}w{t}"), b[g]], f"{g}b{t}")
        if state:
            total = node("Add", [total, node("MatMul", [state, r[g]], f"{g}r{t}")], f"{g}s{t}")
        # The candidate's sum is rounded before its curve, the gates' are not.
        if g == "n":
            total = qdq(total, SUM, f"nq{t}")
        return qdq(node(curve, [total], f"{g}c{t}"), ends, f"{g}{t}")

    z = gate("z", h, "Sigmoid", GATE)
    scaled = None
    if h:
        reset = gate("r", h, "Sigmoid", GATE)
        scaled = qdq(node("Mul", [reset, h], f"rh{t}"), STATE, f"rhq{t}")
    n = gate("n", scaled, "Tanh", STATE)
    new = node("Mul", [node("Sub", [one, z], f"rest{t}"), n], f"fresh{t}")
    if h:
        new = node("Add", [new, node("Mul", [z, h], f"kept{t}")], f"mix{t}")
    h = qdq(new, STATE, f"h{t}")
node("MatMul", [h, weights("out", HIDDEN, 2)], "y_sum")
qdq("y_sum", quantizer("y", 0.03, np.int8), "y")

value = helper.make_tensor_value_info
graph = helper.make_graph(
    nodes,
    "gru_unrolled",
    [value("x", TensorProto.FLOAT, ["N", STEPS, INPUTS])],
    [value("y", TensorProto.FLOAT, ["N", 2])],
    constants,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
model.ir_version = 8
onnx.checker.check_model(model)
onnx.save(model, FOLDER / "model.onnx")

inputs = random.integers(-128, 128, (ROWS, STEPS, INPUTS)).astype(np.int8)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
y = session.run(["y"], {"x": inputs.astype(np.float32) / 32})[0]
np.save(FOLDER / "inputs.npy", inputs)
np.save(FOLDER / "expected_int.npy", np.rint(y / np.float32(0.03)).astype(np.int8))
print(f"{ROWS} events; outputs {np.rint(y / 0.03).min()} to {np.rint(y / 0.03).max()}")
