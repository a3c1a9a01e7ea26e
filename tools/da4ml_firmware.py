#!/usr/bin/env python3
"""Makes firmware of a dense network with da4ml, and the file that binds its ports for `crible verify --rtl`.

Usage: da4ml_firmware.py NET.crn DIR [--adders-per-stage N]

da4ml must be importable: `python3 -m venv build/da4ml && build/da4ml/bin/pip install da4ml`, then run this with
build/da4ml/bin/python. DIR/src gets the Verilog, DIR/ports.yaml the binding. Networks of one input, dense layers
and requantize (shifts; rounding floor, half_up, half_even; saturate or wrap), in a chain; others are refused.
"""

import argparse
import json
import pathlib
import re
import sys

import numpy as np
from da4ml.codegen import RTLModel
from da4ml.trace import FixedVariableArrayInput, comb_trace
from da4ml.trace.ops import quantize
from da4ml.types import minimal_kif

NODE = re.compile(r'^(\S+) = (\w+)(?:\((.*)\))? : ([us])(\d+)\.(-?\d+) \[(.*)\]$')


def read_network(path):
    """Nodes of a canonical network text, each a dictionary with its attributes as lists of words."""
    nodes, key = [], None
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split()
        match = NODE.match(line)
        if match:
            name, operation, inputs, sign, width, fraction, shape = match.groups()
            nodes.append({'name': name, 'operation': operation, 'inputs': (inputs or '').split(', '),
                          'signed': sign == 's', 'width': int(width), 'fraction': int(fraction),
                          'shape': [int(x) for x in shape.split(',') if x.strip()], 'attributes': {}})
        elif nodes and words and re.match(r'^-?\d', words[0]):
            nodes[-1]['attributes'][key] += words
        elif nodes and words:
            key = words[0]
            nodes[-1]['attributes'][key] = words[1:]
    return nodes


def refuse(node, why):
    sys.exit(f"da4ml_firmware: node '{node['name']}' ({node['operation']}): {why}")


def integers(node, key, default):
    return np.array([int(x) for x in node['attributes'].get(key, default)], dtype=np.int64)


def dense(node, x):
    fraction = int(node['attributes'].get('weight_fraction', ['0'])[0])
    outputs, inputs = (int(node['attributes'][key][0]) for key in ('outputs', 'inputs'))
    weights = integers(node, 'weights', []).reshape(outputs, inputs) / 2.0**fraction
    return x @ weights.T + integers(node, 'bias', []) / 2.0 ** node['fraction']


def requantize(node, x, fraction):
    attributes = node['attributes']
    if any(key in attributes for key in ('multiplier', 'offset', 'zero_point')):
        refuse(node, 'only shifts are made here')
    shifts = integers(node, 'shift', ['0'])
    if len(shifts) != 1:
        refuse(node, 'one shift for all elements is expected')
    shift, rounding, overflow = int(shifts[0]), attributes['rounding'][0], attributes['overflow'][0]
    if overflow not in ('saturate', 'wrap'):
        refuse(node, f'overflow {overflow} is not made here')
    x = x * 2.0 ** (fraction - shift - node['fraction'])
    fraction, step = node['fraction'], 2.0 ** -(node['fraction'] + shift)
    if shift and rounding == 'half_even':
        odd = quantize(x, 0, 1 - fraction, fraction, 'WRAP', 'TRN')
        x = x + (2.0 ** -(fraction + 1) - step) + odd * 2.0**-shift
    elif shift and rounding == 'half_up':
        x = x + 2.0 ** -(fraction + 1)
    elif shift and rounding != 'floor':
        refuse(node, f'rounding {rounding} is not made here')
    signed = int(node['signed'])
    return quantize(x, signed, node['width'] - signed - fraction, fraction,
                    'SAT' if overflow == 'saturate' else 'WRAP', 'TRN')


def trace(nodes):
    """(da4ml's input array, the traced output, the input node, the output node)"""
    source = FixedVariableArrayInput(tuple(nodes[0]['shape']))
    first, fraction = nodes[0], nodes[0]['fraction']
    signed = int(first['signed'])
    x = quantize(source, signed, first['width'] - signed - fraction, fraction, 'WRAP', 'TRN')
    previous = first['name']
    for node in nodes[1:]:
        if node['inputs'] != [previous]:
            refuse(node, 'only chains of nodes are made here')
        if node['operation'] == 'dense':
            x = dense(node, x)
        elif node['operation'] == 'requantize':
            x = requantize(node, x, fraction)
        elif node['operation'] != 'output':
            refuse(node, 'only input, dense, requantize and output are made here')
        previous, fraction = node['name'], node['fraction']
    return source, x, first, nodes[-1]


def packed(intervals, node):
    """Binding of one packed port: `width` and `alignment` of each element at its own width."""
    elements = []
    for interval in intervals:
        signed, integer, fraction = (int(v) for v in minimal_kif(interval))
        elements.append({'width': signed + integer + fraction, 'signed': bool(signed),
                         'shift': node['fraction'] - fraction})
    return elements


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('network')
    parser.add_argument('directory')
    parser.add_argument('--adders-per-stage', type=int, default=0, help='0: combinational')
    options = parser.parse_args()
    source, result, first, last = trace(read_network(options.network))
    logic = comb_trace(source, result)
    model = RTLModel(logic, 'top', options.directory, flavor='verilog',
                     latency_cutoff=options.adders_per_stage or -1, print_latency=False)
    model.write()
    stages = len(model._pipe.solutions) if model._pipe is not None else None
    binding = {'inputs': [{'port': 'model_inp', 'input': first['name'], 'elements': packed(logic.inp_qint, first)}],
               'outputs': [{'port': 'model_out', 'output': last['name'], 'elements': packed(logic.out_qint, last)}],
               'latency': 0 if stages is None else stages + 1}
    if stages is not None:
        binding['clock'] = 'clk'
    text = '# How the ports carry the elements of the network; JSON is YAML.\n' + json.dumps(binding, indent=1) + '\n'
    (pathlib.Path(options.directory) / 'ports.yaml').write_text(text)
    print(f'{options.directory}: {model}')


if __name__ == '__main__':
    main()
