#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "sim/process.hpp"
#include "sim/verify.hpp"

namespace crible::sim {

namespace {

using Json = nlohmann::ordered_json;

Json hashes_of(const Binding& binding) {
  Json files = Json::object();
  for (const auto& source : binding.sources)
    files[source.filename().string()] = sha256_hex(read_file(source));
  return files;
}

/// Name, type and proven range of every node.
Json ranges_of(const network::Network& network) {
  const network::Ranges ranges = network::verify(network);
  Json nodes = Json::array();
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const network::Interval hull = network::hull(ranges[i]);
    nodes.push_back({{"node", network.nodes[i].name},
                     {"type", network::to_string(network.nodes[i].type)},
                     {"low", hull.low},
                     {"high", hull.high}});
  }
  return nodes;
}

}  // namespace

std::string certificate(const network::Network& network, const Binding& binding, const Verified& verified) {
  Json json = {{"crible_certificate", 1},
               {"network", network.name},
               {"network_hash", network::content_hash(network)},
               {"top", binding.top},
               {"rtl_sha256", hashes_of(binding)},
               {"latency_cycles", binding.latency_cycles},
               {"initiation_interval", binding.initiation_interval},
               {"tools",
                {{"verilator", version_of("verilator", "--version")},
                 {"yosys", version_of("yosys", "-V")},
                 {"iverilog", version_of("iverilog", "-V")}}},
               {"holds", verified.holds()}};
  if (verified.checked)
    json["simulation"] = {{"vectors", verified.checked->vectors},
                          {"cycles", verified.checked->cycles},
                          {"mismatches", verified.checked->mismatches}};
  if (verified.four_state)
    json["four_state"] = {{"events", verified.four_state->events}, {"problem", verified.four_state->problem}};
  if (verified.proof) {
    json["proof"] = {{"bits_total", verified.proof->bits_total},
                     {"bits_proven", verified.proof->bits_proven},
                     {"words", verified.proof->words},
                     {"functions_proven", verified.proof->functions_proven}};
    Json& open = json["proof"]["unproven"] = Json::array();
    for (const proof::Unproven& each : verified.proof->unproven) {
      open.push_back({{"port", each.port},
                      {"node", each.node},
                      {"element", each.element},
                      {"bits", each.bits},
                      {"reason", each.reason}});
    }
  }
  if (verified.mutants) {
    json["mutants"] = {{"made", verified.mutants->made},
                       {"caught", verified.mutants->caught},
                       {"equivalent", verified.mutants->equivalent},
                       {"survivors", verified.mutants->survivors.size()}};
  }
  json["ranges"] = ranges_of(network);
  return json.dump(1) + "\n";
}

std::string check_certificate(const std::string& text, const network::Network& network,
                              const Binding& binding) {
  Json json;
  try {
    json = Json::parse(text);
    if (json.at("crible_certificate") != 1) return "it is of another version";
    if (json.at("network_hash") != network::content_hash(network)) return "it is of another network";
    if (json.at("top") != binding.top) return "it is of another module";
    if (json.at("rtl_sha256") != hashes_of(binding)) return "the Verilog has changed since";
    if (json.at("ranges") != ranges_of(network)) return "its ranges are not those of the network";
    if (!json.at("holds").get<bool>()) return "it records checks that failed";
  } catch (const Json::exception& problem) {
    return std::string("it cannot be read: ") + problem.what();
  }
  return {};
}

}  // namespace crible::sim
