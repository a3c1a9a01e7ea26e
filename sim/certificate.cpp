#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "sim/process.hpp"
#include "sim/synthesis.hpp"
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

/// What a tool calls itself, and the hash of its program.
Json tool(const std::string& name, const std::string& option) {
  const std::string path = find_program(name);
  return {{"version", version_of(name, option)}, {"sha256", path.empty() ? "" : sha256_hex(read_file(path))}};
}

}  // namespace

std::string certificate(const network::Network& network, const Binding& binding, const Verified& verified) {
  Json json = {{"crible_certificate", 2},
               {"network", network.name},
               {"network_hash", network::content_hash(network)},
               {"top", binding.top},
               {"rtl_sha256", hashes_of(binding)},
               {"latency_cycles", binding.latency_cycles},
               {"initiation_interval", binding.initiation_interval},
               {"tools",
                {{"verilator", tool("verilator", "--version")},
                 {"yosys", tool("yosys", "-V")},
                 {"iverilog", tool("iverilog", "-V")}}},
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
                     {"functions_proven", verified.proof->functions_proven},
                     {"sampled_events", verified.proof->sampled_events}};
    if (!verified.steps_missing.empty()) json["proof"]["steps_missing"] = verified.steps_missing;
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
  std::string text = json.dump(1);
  // One step a line: forms of many terms would be a line for each number.
  if (!verified.steps.empty()) {
    text.pop_back();
    text += ",\n \"steps\": " + verified.steps + "\n}";
  }
  return text + "\n";
}

namespace {

/// Follows the steps of a certificate.
CheckedCertificate check_steps(const Json& json, const network::Network& network, const Binding& binding) {
  try {
    const recheck::Rechecked done =
        recheck::check_steps(json.at("steps").dump(), network, binding, netlist_json(binding));
    if (json.at("proof").at("bits_proven") != done.bits)
      return {"its steps show " + std::to_string(done.bits) + " output bits, and it claims " +
                  json.at("proof").at("bits_proven").dump(),
              done};
    return {"", done};
  } catch (const recheck::NotShown& reason) {
    std::string problem = reason.what();
    const std::string yosys = version_of("yosys", "-V");
    if (json.at("tools").at("yosys").at("version") != yosys)
      problem += " (made with " + json.at("tools").at("yosys").at("version").get<std::string>() +
                 ", this is " + yosys + ")";
    return {problem, std::nullopt};
  }
}

}  // namespace

CheckedCertificate check_certificate(const std::string& text, const network::Network& network,
                                     const Binding& binding) {
  try {
    const Json json = Json::parse(text);
    const auto differs = [](const char* problem) { return CheckedCertificate{problem, std::nullopt}; };
    if (json.at("crible_certificate") != 2) return differs("it is of another version");
    if (json.at("network_hash") != network::content_hash(network)) return differs("it is of another network");
    if (json.at("top") != binding.top) return differs("it is of another module");
    if (json.at("latency_cycles") != binding.latency_cycles) return differs("it states another latency");
    if (json.at("rtl_sha256") != hashes_of(binding)) return differs("the Verilog has changed since");
    if (json.at("ranges") != ranges_of(network)) return differs("its ranges are not those of the network");
    if (!json.at("holds").get<bool>()) return differs("it records checks that failed");
    if (json.contains("steps")) return check_steps(json, network, binding);
    return {};
  } catch (const Json::exception& problem) {
    return {std::string("it cannot be read: ") + problem.what(), std::nullopt};
  }
}

}  // namespace crible::sim
