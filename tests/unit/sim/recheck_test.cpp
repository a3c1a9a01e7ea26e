#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "sim/proof/prove.hpp"
#include "sim/recheck/steps.hpp"
#include "sim/synthesis.hpp"
#include "sim/verify.hpp"
#include "tests/unit/sim/designs.hpp"

namespace crible::sim {
namespace {

using Json = nlohmann::json;

/// A module with the steps that show what it computes.
struct Shown {
  network::Network network;
  Binding binding;
  std::string netlist;
  std::string steps;
};

Shown shown(const network::Network& network, const Binding& binding) {
  Shown result{network, binding, netlist_json(binding), {}};
  const proof::Proof proof =
      proof::prove(network, binding, proof::parse_netlist(result.netlist, binding.top));
  EXPECT_TRUE(proof.complete());
  std::vector<recheck::Carrier> carriers;
  for (const proof::Carried& each : proof.carried) carriers.push_back({each.node, each.element, each.nets});
  result.steps = recheck::make_steps(network, binding, result.netlist, carriers);
  return result;
}

/// Empty, or why the steps do not hold for this netlist.
std::string problem(const Shown& of, const std::string& steps, const std::string& netlist) {
  try {
    recheck::check_steps(steps, of.network, of.binding, netlist);
  } catch (const recheck::NotShown& reason) {
    return reason.what();
  }
  return {};
}

TEST(Recheck, StepsOfGeneratedFirmwareAreFollowed) {
  for (const network::Network& network : {tiny_network(), rounding_network()}) {
    const TemporaryFolder scratch("crible_sim");
    const Shown of = shown(network, made_firmware(network, scratch.path()));
    const recheck::Rechecked done = recheck::check_steps(of.steps, of.network, of.binding, of.netlist);
    const proof::Proof proof =
        proof::prove(of.network, of.binding, proof::parse_netlist(of.netlist, of.binding.top));
    EXPECT_EQ(done.bits, proof.bits_total);
    EXPECT_GE(done.functions, 1);
    EXPECT_GT(done.values, 400);
  }
}

TEST(Recheck, AStepThatWasChangedDoesNotHold) {
  const TemporaryFolder scratch("crible_sim");
  const Shown of = shown(tiny_network(), made_firmware(tiny_network(), scratch.path()));
  const Json steps = Json::parse(of.steps);
  int changed = 0;
  const auto refused = [&](std::size_t step, const auto& change) {
    Json other = steps;
    change(other[step]);
    EXPECT_NE(problem(of, other.dump(), of.netlist), "") << "step " << step << ": " << other[step].dump();
    ++changed;
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].contains("word")) {
      refused(i, [](Json& step) { step["sum"].back() = step["sum"].back().get<int>() + 1; });
      refused(i, [](Json& step) { step["word"] = 1'000'000; });
      if (steps[i]["sum"].size() > 1)
        refused(i, [](Json& step) { step["sum"][1] = step["sum"][1].get<int>() + 64; });
      continue;
    }
    for (const char* key : {"from", "to", "least", "most"})
      refused(i, [&](Json& step) { step["elements"][1][key] = step["elements"][1][key].get<int>() - 1; });
    refused(i, [](Json& step) { std::swap(step["elements"][0]["bits"], step["elements"][1]["bits"]); });
    refused(i, [](Json& step) { std::swap(step["elements"][0]["sum"], step["elements"][1]["sum"]); });
    refused(i, [](Json& step) { step["elements"].erase(2); });
    refused(i, [](Json& step) { step = {{"word", 2}}; });
    Json without = steps;
    without.erase(i);
    EXPECT_NE(problem(of, without.dump(), of.netlist), "");
  }
  EXPECT_GT(changed, 20);
  for (const char* text : {"", "{}", "7", "[{}]", "[{\"word\": -3, \"sum\": [0]}]", "[[]]"})
    EXPECT_NE(problem(of, text, of.netlist), "") << text;
}

/// One random change of a cell: its type, a bit that it reads, the order of its operands, a sign.
bool damage(Json& netlist, const std::string& top, std::mt19937& random) {
  static const std::map<std::string, std::string> other = {
      {"$add", "$sub"}, {"$sub", "$add"}, {"$and", "$or"}, {"$or", "$and"}, {"$lt", "$le"},
      {"$gt", "$ge"},   {"$not", "$pos"}, {"$eq", "$ne"},  {"$dff", "$pos"}};
  Json& cells = netlist["modules"][top]["cells"];
  auto at = cells.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random() % cells.size()));
  Json& cell = at.value();
  Json& connections = cell["connections"];
  switch (random() % 4) {
    case 0: {
      const auto found = other.find(cell["type"].get<std::string>());
      if (found == other.end() || found->second == "$pos") return false;
      cell["type"] = found->second;
      return true;
    }
    case 1: {
      const char* port = random() % 2 == 0 ? "A" : "B";
      if (!connections.contains(port)) return false;
      Json& bit = connections[port][random() % connections[port].size()];
      const Json before = bit;
      bit = random() % 2 == 0 ? Json("0") : connections[port][random() % connections[port].size()];
      return bit != before;
    }
    case 2:
      if (!connections.contains("B")) return false;
      std::swap(connections["A"], connections["B"]);
      std::swap(cell["parameters"]["A_WIDTH"], cell["parameters"]["B_WIDTH"]);
      return true;
    default:
      if (!cell["parameters"].contains("A_SIGNED") || !connections.contains("B")) return false;
      for (const char* key : {"A_SIGNED", "B_SIGNED"}) {
        std::string& text = cell["parameters"][key].get_ref<std::string&>();
        text.back() = text.back() == '0' ? '1' : '0';
      }
      return true;
  }
}

TEST(Recheck, StepsDoNotHoldForADamagedNetlist) {
  int made = 0;
  int refused = 0;
  for (const network::Network& network : {tiny_network(), rounding_network()}) {
    const TemporaryFolder scratch("crible_sim");
    const Shown of = shown(network, made_firmware(network, scratch.path()));
    std::mt19937 random(3);
    for (int i = 0; i < 400; ++i) {
      Json netlist = Json::parse(of.netlist);
      if (!damage(netlist, of.binding.top, random)) continue;
      ++made;
      if (!problem(of, of.steps, netlist.dump()).empty()) {
        ++refused;
        continue;
      }
      // What holds all the same must compute the network.
      const proof::Netlist damaged = proof::parse_netlist(netlist.dump(), of.binding.top);
      EXPECT_FALSE(proof::refute_by_events(of.network, of.binding, damaged, 2000, 5)) << "damage " << i;
    }
  }
  EXPECT_GT(made, 200);
  EXPECT_GT(refused, made / 2);
}

TEST(Recheck, WhatHasNoStepsIsNamed) {
  const TemporaryFolder scratch("crible_sim");
  const Binding binding = rounding_module(scratch.path(), "assign y = x / 12'd32;");
  try {
    recheck::make_steps(rounding_network(), binding, netlist_json(binding), {});
    ADD_FAILURE() << "there are steps for a wrong module";
  } catch (const recheck::NotShown& reason) {
    EXPECT_NE(std::string(reason.what()).find("port 'y'"), std::string::npos) << reason.what();
  }
}

}  // namespace
}  // namespace crible::sim
