"""The same networks by da4ml: traced, solved, written as Verilog."""

import contextlib
import io

import numpy as np
from da4ml.codegen import RTLModel
from da4ml.trace import FixedVariableArrayInput, HWConfig, comb_trace
from da4ml.trace.ops import quantize

import crn


def half_even(x, shift, width):
    """x is an array of integers; da4ml has no rounding to even, so the bit that decides a tie is added first."""
    if shift == 0:
        return quantize(x, 0, width, 0, "SAT", "TRN")
    lowest = quantize(x, 0, shift + 1, -shift, "WRAP", "TRN")  # the bit of weight 2^shift
    t = x + lowest * 2.0**-shift + float(2 ** (shift - 1) - 1)
    return quantize(t, 0, width + shift, -shift, "SAT", "TRN") * 2.0**-shift


def trace(chain, hard_dc):
    options = {"hard_dc": hard_dc} if hard_dc is not None else None
    inputs = FixedVariableArrayInput((chain.input_elements,), HWConfig(1, -1, -1), solver_options=options)
    x = quantize(inputs, int(chain.input_signed), chain.input_width - int(chain.input_signed), 0, "WRAP", "TRN")
    for layer in chain.layers:
        if isinstance(layer, crn.Dense):
            weights = np.array(layer.weights, dtype=float).reshape(layer.outputs, layer.inputs)
            x = x @ weights.T + np.array(layer.bias, dtype=float)
        else:
            x = half_even(x, layer.shift, layer.width)
    return comb_trace(inputs, x)


def adders(combination):
    """(additions of two words, additions of a constant)"""
    codes = [op.opcode for op in combination.ops]
    return sum(code in (0, 1) for code in codes), sum(code == 4 for code in codes)


def write(combination, name, folder, adders_per_stage):
    """Writes the Verilog; returns the pipeline's registers as da4ml estimates them."""
    model = RTLModel(combination, name, folder, flavor="verilog", latency_cutoff=adders_per_stage)
    with contextlib.redirect_stdout(io.StringIO()):
        model.write()
    return model
