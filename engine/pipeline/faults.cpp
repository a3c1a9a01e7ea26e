#include "engine/pipeline/faults.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "engine/base/error.hpp"

namespace crible::pipeline {

const std::array<std::string_view, wire::packet_fault_count> fault_names = {
    "none", "drop", "duplicate", "reorder", "delay", "flip_bit", "truncate", "wrong_run", "unknown_source"};

namespace {

template <typename Number>
Number parse_number(std::string_view entry, std::string_view text, Number largest) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= 0 && value <= largest) return value;
  throw Error("faults: \"" + std::string(entry) + "\": behind \"=\" there must be a number from 0 to " +
              std::to_string(largest));
}

Error unknown(std::string_view entry) {
  std::string known;
  for (std::size_t fault = 1; fault < fault_names.size(); ++fault)
    known += std::string(fault_names[fault]) + ", ";
  return Error("faults: \"" + std::string(entry) + "\" is unknown; there are " + known +
               "each with a probability per packet, delay_packets and seed");
}

}  // namespace

bool FaultPlan::any() const {
  return std::ranges::any_of(rates, [](double rate) { return rate > 0; });
}

FaultPlan parse_faults(std::string_view text) {
  FaultPlan plan;
  double sum = 0;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const std::string_view key = entry.substr(0, equals);
    const std::string_view value = entry.substr(std::min(equals + 1, entry.size()));
    const auto name = std::find(fault_names.begin() + 1, fault_names.end(), key);
    if (key == "seed") {
      plan.seed = parse_number<std::uint64_t>(entry, value, ~std::uint64_t{0});
    } else if (key == "delay_packets") {
      plan.delay_packets = parse_number<std::size_t>(entry, value, 1'000'000);
    } else if (name != fault_names.end()) {
      double& rate = plan.rates[static_cast<std::size_t>(name - fault_names.begin())];
      rate = parse_number<double>(entry, value, 1);
      sum += rate;
    } else {
      throw unknown(entry);
    }
  }
  if (sum > 1) throw Error("faults: the probabilities add up to more than 1");
  return plan;
}

}  // namespace crible::pipeline
