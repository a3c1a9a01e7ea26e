"""The comparison networks as ONNX models: in float32, and in int8 (QDQ, power-of-two scales, so that a runtime
that computes what the file says gets the integers that crible gets)."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Graph:
    def __init__(self):
        self.nodes, self.initializers, self.count = [], [], 0

    def constant(self, value):
        self.count += 1
        self.initializers.append(numpy_helper.from_array(np.asarray(value), f"c{self.count}"))
        return f"c{self.count}"

    def node(self, kind, inputs, **attributes):
        self.count += 1
        self.nodes.append(helper.make_node(kind, inputs, [f"t{self.count}"], **attributes))
        return f"t{self.count}"

    def bytes(self, input_shape, output, output_shape):
        graph = helper.make_graph(
            self.nodes, "peer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, output_shape)], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                 ir_version=8).SerializeToString()


def empty():
    graph = Graph()
    return graph.bytes([1, 1], graph.node("Identity", ["x"]), [1, 1])


def layered(model, quantized, events):
    """What `bench_network --dump` wrote, for a fixed number of events."""
    graph = Graph()
    shape = model["in_shape"] if len(model["in_shape"]) > 1 else [model["in_shape"][0]]
    kind = np.int8 if model["is_signed"] else np.uint8

    def through(x, scale, zero):
        return graph.node("DequantizeLinear", [graph.node("QuantizeLinear", [x, scale, zero]), scale, zero])

    x, scale = "x", 1.0
    if quantized:
        x = through(x, graph.constant(np.float32(1)), graph.constant(kind(0)))
    outputs = 0
    for layer in model["layers"]:
        if layer["kind"] == "pool":
            x = graph.node("MaxPool", [x], kernel_shape=layer["kernel"], strides=layer["kernel"])
            if quantized:
                x = through(x, graph.constant(np.float32(scale)), graph.constant(np.uint8(0)))
            continue
        outputs = layer.get("outputs") or layer["filters"]
        if layer["kind"] == "dense":
            weights = np.array(layer["weights"], np.int8).reshape(outputs, layer["inputs"])
        else:
            weights = np.array(layer["weights"], np.int8).reshape(outputs, layer["in_shape"][0], *layer["kernel"])
        bias = np.array(layer["bias"], np.int32)
        if quantized:
            one = graph.constant(np.float32(1))
            w = graph.node("DequantizeLinear", [graph.constant(weights), one, graph.constant(np.int8(0))])
            b = graph.node("DequantizeLinear",
                           [graph.constant(bias), graph.constant(np.float32(scale)), graph.constant(np.int32(0))])
        else:
            w = graph.constant(weights.astype(np.float32))
            b = graph.constant((bias * np.float64(scale)).astype(np.float32))
        if layer["kind"] == "dense":
            if len(shape) > 1:
                x = graph.node("Flatten", [x])
            shape = [outputs]
            x = graph.node("Gemm", [x, w, b], transB=1)
        else:
            x = graph.node("Conv", [x, w, b], pads=layer["pad"] * 2, kernel_shape=layer["kernel"])
        if layer["shift"] is None:
            continue
        scale *= 2.0 ** layer["shift"]
        x = graph.node("Relu", [x])
        if quantized:
            x = through(x, graph.constant(np.float32(scale)), graph.constant(np.uint8(0)))
        else:
            x = graph.node("Min", [x, graph.constant(np.float32(255 * scale))])
    return graph.bytes([events, *model["in_shape"]], x, [events, outputs]), scale


GRU_STEPS, GRU_INPUTS, GRU_HIDDEN = 20, 6, 20


def gru(events, seed=5):
    """20 steps of 6 values, hidden size 20, two outputs; the weights are random."""
    random = np.random.default_rng(seed)
    shapes = {"w": (1, 3 * GRU_HIDDEN, GRU_INPUTS), "r": (1, 3 * GRU_HIDDEN, GRU_HIDDEN),
              "b": (1, 6 * GRU_HIDDEN), "dense": (GRU_HIDDEN, 2)}
    weights = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    graph = Graph()
    by_time = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    graph.nodes.append(helper.make_node(
        "GRU", [by_time, *(graph.constant(weights[name]) for name in "wrb")], ["", "last"],
        hidden_size=GRU_HIDDEN, linear_before_reset=1))
    state = graph.node("Reshape", ["last", graph.constant(np.array([-1, GRU_HIDDEN], np.int64))])
    y = graph.node("MatMul", [state, graph.constant(weights["dense"])])
    return graph.bytes([events, GRU_STEPS, GRU_INPUTS], y, [events, 2]), weights


def gru_answers(x, weights):
    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    w, r = (np.split(weights[name][0], 3) for name in "wr")
    b = np.split(weights["b"][0], 6)
    h = np.zeros((len(x), GRU_HIDDEN), np.float32)
    for step in range(GRU_STEPS):
        z, reset = (sigmoid(x[:, step] @ w[i].T + b[i] + h @ r[i].T + b[3 + i]) for i in (0, 1))
        candidate = np.tanh(x[:, step] @ w[2].T + b[2] + reset * (h @ r[2].T + b[5]))
        h = (1 - z) * candidate + z * h
    return h @ weights["dense"]
