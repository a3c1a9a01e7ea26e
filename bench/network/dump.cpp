#include "bench/network/dump.hpp"

#include <nlohmann/json.hpp>
#include <random>

#include "engine/reference/reference.hpp"

namespace crible::bench {
namespace {

using namespace network;
using Json = nlohmann::ordered_json;

Json dense(const Dense& layer) {
  return {{"kind", "dense"},          {"inputs", layer.inputs}, {"outputs", layer.outputs},
          {"weights", layer.weights}, {"bias", layer.bias},     {"shift", nullptr}};
}

Json conv(const Conv& layer, const Shape& in) {
  return {{"kind", "conv"},
          {"in_shape", in},
          {"filters", layer.filters},
          {"kernel", layer.window.kernel},
          {"pad", layer.window.pad_before},
          {"weights", layer.weights},
          {"bias", layer.bias},
          {"shift", nullptr}};
}

/// Null where some node is none of these layers.
Json layers(const Network& network) {
  Json list = Json::array();
  for (const Node& node : network.nodes) {
    const auto in_shape = [&] { return network.nodes[static_cast<std::size_t>(node.inputs[0])].shape; };
    if (const auto* d = std::get_if<Dense>(&node.operation)) {
      list.push_back(dense(*d));
    } else if (const auto* c = std::get_if<Conv>(&node.operation)) {
      list.push_back(conv(*c, in_shape()));
    } else if (const auto* p = std::get_if<Pool>(&node.operation); p != nullptr && p->kind == PoolKind::max) {
      list.push_back({{"kind", "pool"}, {"in_shape", in_shape()}, {"kernel", p->window.kernel}});
    } else if (const auto* r = std::get_if<Requantize>(&node.operation)) {
      if (r->rounding != Rounding::half_even || r->shift.size() != 1 || node.type.width != 8) return nullptr;
      list.back()["shift"] = r->shift[0];
    } else if (!std::holds_alternative<Input>(node.operation) &&
               !std::holds_alternative<Output>(node.operation) &&
               !std::holds_alternative<Reshape>(node.operation)) {
      return nullptr;
    }
  }
  return list;
}

}  // namespace

Json layers_of(const std::vector<Named>& networks, std::size_t event_count) {
  constexpr std::size_t answered = 64;
  Json result = Json::array();
  for (const Named& named : networks) {
    const Json list = layers(named.network);
    const Node& input = named.network.nodes[static_cast<std::size_t>(inputs_of(named.network)[0])];
    if (list.is_null() || input.type.width != 8) continue;
    std::mt19937_64 random(13);
    std::uniform_int_distribution<std::int64_t> values(lowest(input.type), highest(input.type));
    Json events = Json::array(), answers = Json::array();
    for (std::size_t event = 0; event < event_count; ++event) {
      reference::Tensor x(element_count(input.shape));
      for (std::int64_t& value : x) value = values(random);
      events.push_back(x);
      if (event < answered) answers.push_back(reference::evaluate(named.network, {x})[0]);
    }
    result.push_back({{"name", named.name},
                      {"in_shape", input.shape},
                      {"is_signed", input.type.is_signed},
                      {"layers", list},
                      {"events", events},
                      {"answers", answers}});
  }
  return result;
}

}  // namespace crible::bench
