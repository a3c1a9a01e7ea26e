#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"
#include "hls/parts.hpp"
#include "hls/scan.hpp"

namespace crible::hls {

using namespace network;

namespace {

NodeId only_recurrent(const Network& network) {
  NodeId found = -1;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    if (!std::holds_alternative<Recurrent>(network.nodes[i].operation)) continue;
    if (found >= 0) {
      throw Error("network '" + network.name + "' has several recurrent nodes ('" +
                  network.nodes[static_cast<std::size_t>(found)].name + "', '" + network.nodes[i].name +
                  "'); a scan in time takes one, unroll them");
    }
    found = static_cast<NodeId>(i);
  }
  if (found < 0)
    throw Error("network '" + network.name + "' has no recurrent node; leave out the scan in time");
  return found;
}

/// The nodes that `id` depends on, itself not among them.
std::vector<bool> ancestors(const Network& network, NodeId id) {
  std::vector<bool> marked(network.nodes.size());
  marked[static_cast<std::size_t>(id)] = true;
  for (std::size_t i = static_cast<std::size_t>(id) + 1; i-- > 0;) {
    if (!marked[i]) continue;
    for (const NodeId input : network.nodes[i].inputs) marked[static_cast<std::size_t>(input)] = true;
  }
  marked[static_cast<std::size_t>(id)] = false;
  return marked;
}

}  // namespace

ScanParts cut_at_scan(const Network& network) {
  const NodeId scan = only_recurrent(network);
  const Node& node = network.nodes[static_cast<std::size_t>(scan)];
  const auto& recurrent = std::get<Recurrent>(node.operation);
  const std::vector<bool> early = ancestors(network, scan);
  PartCopy before(network, network.name + "_before");
  PartCopy after(network, network.name + "_after");
  after.put(scan, {node.name, Input{}, {}, node.type, node.shape});
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    if (id == scan) continue;
    if (early[i]) {
      before.add(id);
      continue;
    }
    for (const NodeId input : network.nodes[i].inputs) {
      if (after.has(input)) continue;
      const bool constant =
          std::holds_alternative<Constant>(network.nodes[static_cast<std::size_t>(input)].operation);
      if (!constant) {
        throw Error("node '" + network.nodes[i].name + "' reads '" +
                    network.nodes[static_cast<std::size_t>(input)].name + "' around the recurrent node '" +
                    node.name + "'; a scan in time cannot hold it, unroll the network");
      }
      after.add(input);
    }
    if (std::holds_alternative<Input>(network.nodes[i].operation)) {
      throw Error("input '" + network.nodes[i].name + "' goes around the recurrent node '" + node.name +
                  "'; a scan in time cannot hold it, unroll the network");
    }
    after.add(id);
  }
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    before.add_output(node.inputs[i], i == 0 ? "scan sequence" : "scan state " + std::to_string(i - 1));
  ScanParts parts{before.finish(), *recurrent.body,    after.finish(),   0,
                  recurrent.emit,  recurrent.sequence, recurrent.reverse};
  parts.steps = network.nodes[static_cast<std::size_t>(node.inputs.front())].shape[0];
  return parts;
}

}  // namespace crible::hls
