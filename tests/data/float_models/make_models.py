#!/usr/bin/env python3
"""Makes the float models of this folder and what ONNX Runtime computes with them.

Usage: make_models.py        (needs numpy, onnx and onnxruntime; writes beside itself)

For each model NAME: NAME.onnx, NAME_x.npy (float32 rows) and NAME_y.npy (the output, float32).
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent
ROWS = 48


class Graph:
    """A model under construction: nodes, constants, one input "x" and one output "y"."""

    def __init__(self, name, shape, seed, opset=13):
        self.name, self.shape, self.opset = name, shape, opset
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants = [], []

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, name, *shape, size=None):
        size = size or 1.2 / np.sqrt(np.prod(shape[1:]))
        return self.constant(name, self.random.normal(0, size, shape).astype(np.float32))

    def node(self, kind, inputs, output, outputs=None, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs or [output], name=output, **attributes))
        return output

    def batch_norm(self, x, channels, output):
        r = self.random
        gamma = r.normal(1, 0.4, channels).astype(np.float32)
        gamma[0] = -gamma[0]
        names = [
            self.constant(output + "_gamma", gamma),
            self.constant(output + "_beta", r.normal(0, 0.3, channels).astype(np.float32)),
            self.constant(output + "_mean", r.normal(0, 0.3, channels).astype(np.float32)),
            self.constant(output + "_var", r.uniform(0.3, 2, channels).astype(np.float32)),
        ]
        return self.node("BatchNormalization", [x, *names], output)

    def write(self):
        def value(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes, self.name, [value("x", ["N", *self.shape])], [value("y", ["N", "M"])], self.constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        onnx.save(model, FOLDER / f"{self.name}.onnx")
        x = self.random.normal(0, 1, (ROWS, *self.shape)).astype(np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        # One event a call: what the model says about a single event.
        y = np.concatenate([session.run(["y"], {"x": row[None]})[0] for row in x])
        np.save(FOLDER / f"{self.name}_x.npy", x)
        np.save(FOLDER / f"{self.name}_y.npy", y.reshape(ROWS, -1))


def mlp():
    """Gemm, MatMul + Add, batch norm with a negative gamma, relu, leaky relu, tanh, a normalised input."""
    g = Graph("mlp", [12], 1)
    mean = g.constant("mean", g.random.normal(0, 0.2, 12).astype(np.float32))
    std = g.constant("std", g.random.uniform(0.5, 1.5, 12).astype(np.float32))
    h = g.node("Div", [g.node("Sub", ["x", mean], "centred"), std], "normal")
    h = g.node("Gemm", [h, g.weights("w1", 24, 12), g.weights("b1", 24, size=0.3)], "fc1", transB=1, alpha=0.5)
    h = g.node("Relu", [g.batch_norm(h, 24, "bn1")], "relu1")
    h = g.node("MatMul", [h, g.weights("w2", 24, 16)], "fc2")
    h = g.node("LeakyRelu", [g.node("Add", [h, g.weights("b2", 16, size=0.3)], "bias2")], "leaky", alpha=0.125)
    h = g.node("Tanh", [g.node("MatMul", [h, g.weights("w3", 16, 8)], "fc3")], "tanh")
    h = g.node("Gemm", [h, g.weights("w4", 8, 4), g.weights("b4", 4, size=0.3)], "y")
    return g


def cnn():
    """Asymmetric padding, batch norm after conv, a residual sum, depthwise, all poolings, concat, flatten."""
    g = Graph("cnn", [2, 11, 9], 2)
    h = g.node("Conv", ["x", g.weights("w1", 6, 2, 3, 3), g.weights("b1", 6, size=0.2)], "conv1",
               auto_pad="SAME_UPPER", strides=[2, 1])
    skip = g.node("Relu", [g.batch_norm(h, 6, "bn1")], "relu1")
    h = g.node("Conv", [skip, g.weights("w2", 6, 1, 3, 3)], "depthwise", group=6, pads=[1, 1, 1, 1])
    h = g.node("Conv", [h, g.weights("w3", 6, 6, 1, 1), g.weights("b3", 6, size=0.2)], "pointwise")
    h = g.node("Clip", [g.node("Add", [h, skip], "residual"), g.constant("low", np.float32(0)),
                        g.constant("high", np.float32(6))], "relu6")
    a = g.node("MaxPool", [h], "max", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 1, 0, 0])
    b = g.node("AveragePool", [h], "average", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 1, 0, 0])
    h = g.node("Concat", [a, b], "both", axis=1)
    h = g.node("Relu", [g.node("Conv", [h, g.weights("w4", 8, 12, 3, 3)], "dilated", dilations=[1, 2],
                               pads=[1, 2, 1, 2])], "relu4")
    all_ = g.node("GlobalAveragePool", [h], "all")
    shape = g.node("Shape", [all_], "shape")
    events = g.node("Gather", [shape, g.constant("zero", np.int64(0))], "events", axis=0)
    events = g.node("Unsqueeze", [events, g.constant("axes", np.int64([0]))], "events1")
    to = g.node("Concat", [events, g.constant("rest", np.int64([-1]))], "to", axis=0)
    flat = g.node("Reshape", [all_, to], "flat")
    h = g.node("Flatten", [h], "flat2")
    h = g.node("Gemm", [h, g.weights("w5", 120, 4)], "fc5")
    h = g.node("Concat", [flat, h], "joined", axis=1)
    g.node("Gemm", [h, g.weights("w6", 12, 3), g.weights("b6", 3, size=0.2)], "y")
    return g


def conv_1d():
    """One-dimensional convolutions, a transposed input, a mean over time, a product of two branches."""
    g = Graph("conv_1d", [16, 3], 3)
    h = g.node("Transpose", ["x"], "channels_first", perm=[0, 2, 1])
    h = g.node("Relu", [g.node("Conv", [h, g.weights("w1", 8, 3, 5), g.weights("b1", 8, size=0.2)], "conv1",
                               pads=[2, 2])], "relu1")
    gate = g.node("Sigmoid", [g.node("Conv", [h, g.weights("w2", 8, 8, 1)], "gate_sum")], "gate")
    h = g.node("Mul", [h, gate], "gated")
    h = g.node("ReduceMean", [h], "mean", axes=[2], keepdims=0)
    g.node("Gemm", [h, g.weights("w3", 8, 2), g.weights("b3", 2, size=0.2)], "y")
    return g


def recurrent(name, kind, seed, gates, hidden=10, direction="forward", sequence=False, **attributes):
    """A recurrent layer and a dense one; events are moved to axis 1 and back, as exporters do."""
    g = Graph(name, [12, 4], seed)
    directions = 2 if direction == "bidirectional" else 1
    h = g.node("Transpose", ["x"], "time_first", perm=[1, 0, 2])
    w = g.weights("w", directions, gates * hidden, 4, size=0.7)
    r = g.weights("r", directions, gates * hidden, hidden, size=0.8 / np.sqrt(hidden))
    b = g.weights("b", directions, 2 * gates * hidden, size=0.2)
    states = ["all", "last"] + (["cell"] if kind == "LSTM" else [])
    g.node(kind, [h, w, r, b], "cells", outputs=states, hidden_size=hidden, direction=direction, **attributes)
    if sequence:
        h = g.node("Transpose", ["all"], "events_first", perm=[2, 0, 1, 3])
        h = g.node("Reshape", [h, g.constant("to", np.int64([0, 12, directions * hidden]))], "sequence")
        h = g.node("Gather", [h, g.constant("end", np.int64(-1))], "end_state", axis=1)
    else:
        h = g.node("Transpose", ["last"], "events_first", perm=[1, 0, 2])
        h = g.node("Reshape", [h, g.constant("to", np.int64([-1, directions * hidden]))], "state")
    g.node("Gemm", [h, g.weights("w2", directions * hidden, 2), g.weights("b2", 2, size=0.2)], "y")
    return g


MODELS = [
    mlp(),
    cnn(),
    conv_1d(),
    recurrent("gru", "GRU", 4, 3),
    recurrent("gru_after", "GRU", 5, 3, linear_before_reset=1, sequence=True),
    recurrent("gru_both_ways", "GRU", 6, 3, direction="bidirectional", linear_before_reset=1, sequence=True),
    recurrent("lstm", "LSTM", 7, 4),
    recurrent("lstm_reverse", "LSTM", 8, 4, direction="reverse"),
    recurrent("rnn", "RNN", 9, 1),
    recurrent("rnn_relu", "RNN", 10, 1, activations=["Relu"]),
]

if __name__ == "__main__":
    for model in MODELS:
        model.write()
        print(model.name)
