#include "engine/base/error.hpp"
#include "engine/importers/graph/operators.hpp"

// Recurrent operators hide their gates and states: where these would be rounded, no quantizer of the model
// says. Cells that are exported as single steps with quantizers between them need none of this; they are
// products, sums and quantized curves like any others.

namespace crible::importers::graph {

namespace {

[[noreturn]] void refuse_float_cell(const Scope&) {
  throw Error(
      "it computes its gates and states in float, and no quantizer inside says where to round; approximate "
      "the float model with `crible quantize`, or export the cell step by step with a quantizer after each "
      "operation");
}

[[noreturn]] void refuse_dynamic(const Scope&) {
  throw Error(
      "it chooses the scale of its input anew for each event, so that its integers have no fixed meaning; "
      "give the float model that it was made from to `crible quantize`");
}

[[noreturn]] void refuse_whole_cell(const Scope&) {
  throw Error(
      "it keeps a whole quantized cell in one node; lower it to single operations with a Quant after each "
      "before the import (qonnx shows how), or give the float model to `crible quantize`");
}

[[noreturn]] void refuse_loop(const Scope&) {
  throw Error(
      "it runs a body of its own again and again; export the cell with its steps unrolled and a quantizer "
      "after each operation");
}

[[noreturn]] void refuse_branch(const Scope&) {
  throw Error("it chooses one of two bodies for each event; export only the branch that is taken");
}

}  // namespace

std::vector<OperatorEntry> recurrent_operators() {
  // Before an input's quantizer, too, so that this sentence comes rather than one about the input.
  return {
      {"", "GRU", refuse_float_cell, Place::before_input},
      {"", "LSTM", refuse_float_cell, Place::before_input},
      {"", "RNN", refuse_float_cell, Place::before_input},
      {"com.microsoft", "DynamicQuantizeLSTM", refuse_dynamic, Place::before_input},
      {"com.microsoft", "DynamicQuantizeMatMul", refuse_dynamic, Place::before_input},
      {"qonnx", "QuantLSTMCell", refuse_whole_cell, Place::before_input},
      {"qonnx", "LSTMCell", refuse_whole_cell, Place::before_input},
      {"", "Scan", refuse_loop, Place::before_input},
      {"", "Loop", refuse_loop, Place::before_input},
      {"", "If", refuse_branch, Place::before_input},
  };
}

}  // namespace crible::importers::graph
