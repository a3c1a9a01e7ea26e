#include "engine/quantize/program.hpp"

namespace crible::quantize {

namespace {

const char* name_of(Cell cell) {
  switch (cell) {
    case Cell::gru:
      return "gru";
    case Cell::lstm:
      return "lstm";
    case Cell::rnn:
      return "rnn";
  }
  return "";
}

const char* name_of(Curve curve) {
  switch (curve) {
    case Curve::sigmoid:
      return "sigmoid";
    case Curve::tanh:
      return "tanh";
    case Curve::relu:
      return "relu";
  }
  return "";
}

}  // namespace

Entries::Entries(const network::Shape& shape, std::size_t count, int axis) : extent_(count) {
  if (count <= 1 || count == network::element_count(shape)) return;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i)
    inner_ *= static_cast<std::size_t>(shape[i]);
}

const char* keyword(const Operation& operation) {
  using network::Overloaded;
  return std::visit(Overloaded{
                        [](const Input&) { return "input"; },
                        [](const Dense&) { return "dense"; },
                        [](const Conv&) { return "conv"; },
                        [](const Affine&) { return "affine"; },
                        [](const Sum& sum) { return sum.subtract ? "subtract" : "add"; },
                        [](const Product&) { return "multiply"; },
                        [](const Clip&) { return "clip"; },
                        [](const network::LeakyRelu&) { return "leaky_relu"; },
                        [](const network::Pool&) { return "max pool"; },
                        [](const AveragePool&) { return "average pool"; },
                        [](const Reduce&) { return "reduce"; },
                        [](const Function& function) { return name_of(function.curve); },
                        [](const network::Concat&) { return "concat"; },
                        [](const network::Reshape&) { return "reshape"; },
                        [](const network::Transpose&) { return "transpose"; },
                        [](const network::Slice&) { return "slice"; },
                        [](const Recurrent& recurrent) { return name_of(recurrent.cell); },
                    },
                    operation);
}

}  // namespace crible::quantize
