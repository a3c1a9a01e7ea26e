#!/usr/bin/env python3
"""MLServer, an inference server, asked over gRPC on this machine: speaks the protocol of bench/network/serve.hpp.

    server_peer.py FOLDER    with NAME.onnx (for any number of events) and NAME.npz (events, answers) of each network

Times are of the wall: two processes work on a request, and a third of nothing else. Binary tensors, one channel, one
request under way; the server has no worker processes, as its manual recommends for small models.
"""

import json
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import tritonclient.grpc as grpc

from runtimes import InProcess

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 1024


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder, names):
    """The server's process and a client of it, once every network is loaded."""
    port = free_port()
    (folder / "settings.json").write_text(json.dumps(
        {"host": "127.0.0.1", "grpc_port": port, "http_port": free_port(), "metrics_port": free_port(),
         "parallel_workers": 0, "debug": False, "use_structured_logging": False, "load_models_at_startup": True}))
    for name in names:
        (folder / name).mkdir()
        (folder / name / "model-settings.json").write_text(json.dumps(
            {"name": name, "implementation": "served.Served", "parameters": {"uri": str(folder / f"{name}.onnx")}}))
    log = (folder / "server.log").open("w")
    server = subprocess.Popen([pathlib.Path(sys.executable).parent / "mlserver", "start", folder], stdout=log, stderr=log,
                              env={"PYTHONPATH": str(HERE), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"})
    client = grpc.InferenceServerClient(f"127.0.0.1:{port}")
    give_up = time.monotonic() + 60
    while True:
        try:
            if all(client.is_model_ready(name) for name in names):
                return server, client
        except grpc.InferenceServerException:
            pass
        if server.poll() is not None or time.monotonic() > give_up:
            server.kill()
            raise RuntimeError("the server does not come up: " + (folder / "server.log").read_text()[-300:])
        time.sleep(0.2)


def requests_of(client, name, events):
    """A call that asks for these events and returns the answers."""
    tensor = grpc.InferInput("x", events.shape, "FP32")
    tensor.set_data_from_numpy(events)
    return lambda: client.infer(name, [tensor]).as_numpy("y")


def seconds_of(call, calls):
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls


def main():
    folder = pathlib.Path(sys.argv[1])
    names = [file.stem for file in sorted(folder.glob("*.onnx"))]
    server, client = start(folder, names)
    try:
        calls = {}
        for name in names:
            kept = np.load(folder / f"{name}.npz")
            one, batch = (requests_of(client, name, kept["events"][:n]) for n in (1, BATCH))
            for call, count in ((one, 1), (batch, len(kept["answers"]))):
                if np.abs(call()[:count] - kept["answers"][:count]).max() > kept["tolerance"]:
                    raise RuntimeError(f"the answers for {name} are wrong")
            calls[name] = (one, batch)
        for name in names:
            print(f"{name}@mlserver_grpc")
        print("ready", flush=True)
        for line in sys.stdin:
            name, mode = line.split()
            one, batch = calls[name.split("@")[0]]
            if mode.startswith("arrivals:"):
                times = [int(line) for line in open(mode.split(":", 1)[1])]
                print(*InProcess(one, batch, BATCH).latencies(name, None, times), flush=True)
            elif mode == "batch":
                print(seconds_of(batch, 3) * 1e9 / BATCH, flush=True)
            else:
                print(seconds_of(one, 50) * 1e9, flush=True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
