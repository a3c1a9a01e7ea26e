"""Compiles hls4ml's emulation of a QONNX model and prints how many events a second one thread does.

Usage: hls4ml_rate.py MODEL.onnx EVENTS
"""

import json
import pathlib
import shutil
import sys
import tempfile
import time

import hls4ml
import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.cleanup import cleanup_model


def main():
    events = int(sys.argv[2])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crible_hls4ml_"))
    try:
        model = cleanup_model(ModelWrapper(sys.argv[1]))
        config = hls4ml.utils.config_from_onnx_model(model, granularity="name", backend="Vitis",
                                                     default_precision="fixed<16,6>")
        emulation = hls4ml.converters.convert_from_onnx_model(model, output_dir=str(folder), io_type="io_parallel",
                                                              backend="Vitis", hls_config=config)
        emulation.compile()
        inputs = int(np.prod(emulation.get_input_variables()[0].shape))
        x = np.random.default_rng(1).normal(size=(events, inputs)).astype(np.float32)
        emulation.predict(x[:100])
        rates = []
        for _ in range(3):
            begin = time.perf_counter()
            emulation.predict(x)
            rates.append(events / (time.perf_counter() - begin))
        print(json.dumps({"per_second": sorted(rates)[1]}))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
