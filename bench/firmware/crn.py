"""Reads what a comparison needs from a network's text form: a chain of dense and requantize nodes."""

import re


class Dense:
    def __init__(self, outputs, inputs, weights, bias):
        self.outputs, self.inputs, self.weights, self.bias = outputs, inputs, weights, bias


class Requantize:
    """round(x * 2^-shift) to half even, saturated to an unsigned type."""

    def __init__(self, shift, width):
        self.shift, self.width = shift, width


class Chain:
    """A network with one input and one output whose nodes follow one another."""

    def __init__(self, name, input_signed, input_width, input_elements, layers):
        self.name, self.input_signed, self.input_width = name, input_signed, input_width
        self.input_elements, self.layers = input_elements, layers


HEAD = re.compile(r"^(\S+) = (\w+)(?:\((.*)\))? : ([su])(\d+)\.(-?\d+) \[(.*)\]$")


def numbers(lines):
    return [int(word) for line in lines for word in line.split()]


def read_nodes(text):
    """(operation, signed, width, elements, {attribute: [lines]}) for each node."""
    nodes = []
    attribute = None
    for line in text.splitlines():
        head = HEAD.match(line)
        if head:
            elements = 1
            for extent in head[7].split(","):
                elements *= int(extent)
            nodes.append((head[2], head[4] == "s", int(head[5]), elements, {}))
        elif line.startswith("    ") and nodes and attribute:
            nodes[-1][4][attribute].append(line)
        elif line.startswith("  ") and nodes:
            attribute, _, rest = line.strip().partition(" ")
            nodes[-1][4][attribute] = [rest] if rest else []
    return nodes


def word(attributes, name, default):
    return attributes[name][0] if name in attributes else default


def read_chain(path):
    text = open(path).read()
    name = re.search(r"^name (\S+)", text, re.M)[1]
    nodes = read_nodes(text)
    layers = []
    for operation, signed, width, _, attributes in nodes[1:-1]:
        if operation == "dense":
            outputs, inputs = int(word(attributes, "outputs", 0)), int(word(attributes, "inputs", 0))
            layers.append(Dense(outputs, inputs, numbers(attributes["weights"]), numbers(attributes["bias"])))
        elif operation == "requantize":
            shift = numbers([word(attributes, "shift", "0")])[0]
            plain = word(attributes, "rounding", "floor") == "half_even" and not signed
            plain &= word(attributes, "multiplier", "1") == "1" and word(attributes, "overflow", "saturate") == "saturate"
            if not plain:
                raise SystemExit(f"{path}: a requantize that this comparison does not know")
            layers.append(Requantize(shift, width))
        else:
            raise SystemExit(f"{path}: {operation} is not part of this comparison")
    _, signed, width, elements, _ = nodes[0]
    return Chain(name, signed, width, elements, layers)
