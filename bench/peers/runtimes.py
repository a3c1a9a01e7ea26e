"""Peers as things that can be asked for times: programs that speak the protocol of bench/network/serve.hpp,
and Python's ONNX Runtime, OpenVINO and XGBoost on fixed buffers."""

import subprocess
import tempfile
import time

import numpy as np


def missing(name, why):
    print(f"peer left out: {name}: {str(why).strip().splitlines()[0]}")


class Program:
    """Measures what it has itself checked."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=env)
        self.names = []
        while (line := self.process.stdout.readline().strip()) and line != "ready":
            self.names.append(line)
        if line != "ready":
            missing(command[-1], "it did not start")

    def latencies(self, name, file, _):
        self.process.stdin.write(f"{name} arrivals:{file}\n")
        self.process.stdin.flush()
        return [float(ns) for ns in self.process.stdout.readline().split()]

    def measure(self, name, mode):
        self.process.stdin.write(f"{name} {mode}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class InProcess:
    """A call without arguments for one event and one for the batch; its time includes Python's part of the
    call, which `floor_ns` (that of an empty network) lets one take off."""

    def __init__(self, one, batch, events, floor_ns=0.0):
        self.one, self.batch, self.events, self.floor_ns = one, batch, events, floor_ns

    def latencies(self, name, _, times):
        """An open loop as in bench/network/serve.hpp: an event at each time, from when it was due to its answer."""
        found = []
        start = time.perf_counter_ns()
        for due in times:
            while time.perf_counter_ns() - start < due:
                pass
            self.one()
            found.append(time.perf_counter_ns() - start - due)
        found.sort()
        return [found[int(part * (len(found) - 1))] for part in (0.5, 0.99, 0.999, 1)]

    def measure(self, mode):
        call = self.batch if mode == "batch" else self.one
        calls = max(1, int(1e6 / timed(call, 1)))
        return timed(call, calls) / (self.events if mode == "batch" else 1)


def timed(call, calls):
    start = time.process_time_ns()  # all threads: some runtimes hand the work to one of their own
    for _ in range(calls):
        call()
    return max(1.0, (time.process_time_ns() - start) / calls)


def onnx_runtime(model, shape):
    """A function that runs the model on its buffer, the buffer, and where the answers are."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    x = np.zeros(shape, np.float32)
    result = session.run(None, {"x": x})[0]
    binding = session.io_binding()
    kept = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (x, result)]
    binding.bind_ortvalue_input("x", kept[0])
    binding.bind_ortvalue_output(session.get_outputs()[0].name, kept[1])
    run = session._sess.run_with_iobinding  # without the Python wrapper's own checks

    def call():
        run(binding._iobinding, None)

    return call, kept[0].numpy(), kept[1].numpy


def openvino(model, shape):
    import openvino as ov
    core = ov.Core()
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(model)
        file.flush()
        compiled = core.compile_model(core.read_model(file.name), "CPU",
                                      {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1,
                                       "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    x = np.zeros(shape, np.float32)
    request.set_input_tensor(ov.Tensor(x, shared_memory=True))
    infer = super(type(request), request).infer  # without the Python wrapper's own checks
    return lambda: infer({}, True, False), x, lambda: request.get_output_tensor().data
