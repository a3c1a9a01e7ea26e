#include "engine/reference/reference.hpp"
#include "sim/check.hpp"
#include "sim/proof/evaluate_netlist.hpp"

namespace crible::sim {

namespace {

/// The value of a signal of the module for inputs that stay; nothing when it is not there.
std::optional<long long> value_of(const proof::NetlistEvaluator& evaluator, const proof::Netlist& netlist,
                                  const hls::Probe& probe) {
  const auto found = netlist.names.find(probe.signal);
  if (found == netlist.names.end() || found->second.empty() || found->second.size() > 64) return std::nullopt;
  long long value = 0;
  const std::size_t width = found->second.size();
  for (std::size_t i = 0; i < width; ++i) {
    if (!evaluator.get(found->second[i])) continue;
    value += i + 1 == width && probe.is_signed ? -(1LL << i) : 1LL << i;
  }
  return value;
}

}  // namespace

std::optional<FirstNode> bisect(const network::Network& network, const Binding& binding,
                                const proof::Netlist& netlist, const Event& event) {
  proof::NetlistEvaluator evaluator(netlist);
  if (!evaluator.problem().empty()) return std::nullopt;
  const Words words = pack_inputs(network, binding, event);
  std::size_t first = 0;
  for (const BoundPort& port : binding.inputs) {
    const std::vector<proof::Net>& nets = netlist.ports.at(port.port).nets;
    for (std::size_t i = 0; i < nets.size() && i < static_cast<std::size_t>(port.width_bits); ++i) {
      evaluator.set(nets[i], ((words[first + i / 32] >> (i % 32)) & 1U) != 0);
    }
    first += words_of_bits(port.width_bits);
  }
  const auto hold = [&](const std::string& name, long long value) {
    if (name.empty()) return;
    const std::vector<proof::Net>& nets = netlist.ports.at(name).nets;
    for (std::size_t i = 0; i < nets.size(); ++i) evaluator.set(nets[i], ((value >> i) & 1) != 0);
  };
  for (const auto& [name, value] : binding.constants) hold(name, value);
  hold(binding.valid_in, 1);
  hold(binding.reset, binding.reset_active_low ? 1 : 0);
  evaluator.run();
  if (!evaluator.problem().empty()) return std::nullopt;
  const std::vector<reference::Tensor> wanted = reference::evaluate_all(network, event);
  for (std::size_t node = 0; node < network.nodes.size(); ++node) {
    for (const hls::Probe& probe : binding.probes) {
      if (probe.node != network.nodes[node].name) continue;
      const auto got = value_of(evaluator, netlist, probe);
      const long long expected = wanted[node][static_cast<std::size_t>(probe.element)];
      if (got && *got != expected) return FirstNode{probe.node, probe.element, probe.signal, expected, *got};
    }
  }
  return std::nullopt;
}

}  // namespace crible::sim
