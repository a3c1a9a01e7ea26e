#include "engine/network/network.hpp"

namespace crible::network {

namespace {

template <class Wanted>
std::vector<NodeId> nodes_of_kind(const Network& network) {
  std::vector<NodeId> ids;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    if (std::holds_alternative<Wanted>(network.nodes[i].operation)) ids.push_back(static_cast<NodeId>(i));
  }
  return ids;
}

}  // namespace

std::vector<NodeId> inputs_of(const Network& network) {
  return nodes_of_kind<Input>(network);
}

std::vector<NodeId> outputs_of(const Network& network) {
  return nodes_of_kind<Output>(network);
}

const char* keyword(const Operation& operation) {
  return match(
      operation, [](const Input&) { return "input"; }, [](const Constant&) { return "constant"; },
      [](const Dense&) { return "dense"; }, [](const Conv&) { return "conv"; },
      [](const Add&) { return "add"; }, [](const Subtract&) { return "subtract"; },
      [](const Multiply&) { return "multiply"; }, [](const Requantize&) { return "requantize"; },
      [](const Threshold&) { return "threshold"; }, [](const Lookup&) { return "lookup"; },
      [](const Pool&) { return "pool"; }, [](const Concat&) { return "concat"; },
      [](const Reshape&) { return "reshape"; }, [](const Transpose&) { return "transpose"; },
      [](const Slice&) { return "slice"; }, [](const Pad&) { return "pad"; },
      [](const Resize&) { return "resize"; }, [](const Reduce&) { return "reduce"; },
      [](const Sort&) { return "sort"; }, [](const Compare&) { return "compare"; },
      [](const Select&) { return "select"; }, [](const Clamp&) { return "clamp"; },
      [](const LeakyRelu&) { return "leaky_relu"; }, [](const TreeEnsemble&) { return "tree_ensemble"; },
      [](const Recurrent&) { return "recurrent"; }, [](const Output&) { return "output"; });
}

}  // namespace crible::network
