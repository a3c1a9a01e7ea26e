#include "tests/conformance/check.hpp"

#include <algorithm>
#include <filesystem>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"

namespace crible::conformance {

namespace {

std::string saved(const network::Network& network, const Executor& executor) {
  std::string name = executor.name + "_" + network.name + ".crn";
  for (char& c : name) {
    if (c == ':' || c == '/' || c == ' ') c = '_';
  }
  const std::filesystem::path folder = CRIBLE_MISMATCH_DIR;
  std::filesystem::create_directories(folder);
  save(network, folder / name);
  return "; saved as " + (folder / name).string();
}

std::string numbers(const Event& event) {
  std::string text;
  for (const Tensor& tensor : event) {
    text += " [";
    for (std::size_t i = 0; i < std::min<std::size_t>(tensor.size(), 64); ++i) {
      text += (i == 0 ? "" : " ") + std::to_string(tensor[i]);
    }
    text += tensor.size() > 64 ? " ...]" : "]";
  }
  return text;
}

std::string difference(const network::Network& network, const Event& input, const Event& got,
                       const Event& wanted) {
  for (std::size_t o = 0; o < wanted.size(); ++o) {
    if (o < got.size() && got[o] == wanted[o]) continue;
    const auto id = static_cast<std::size_t>(outputs_of(network)[o]);
    std::string text = "output '" + network.nodes[id].name + "'";
    const auto size = std::min(o < got.size() ? got[o].size() : 0, wanted[o].size());
    for (std::size_t i = 0; i < size; ++i) {
      if (got[o][i] == wanted[o][i]) continue;
      text += " element " + std::to_string(i) + " is " + std::to_string(got[o][i]) + " instead of " +
              std::to_string(wanted[o][i]);
      break;
    }
    return text + " for the inputs" + numbers(input);
  }
  return {};
}

}  // namespace

std::string compare(const Executor& executor, const network::Network& network, const Events& events,
                    const Events& wanted, std::size_t max_batch) {
  const std::string reason = executor.refuses(network);
  if (!reason.empty()) {
    return executor.must_run ? executor.name + " refuses: " + reason + saved(network, executor)
                             : std::string();
  }
  try {
    const std::unique_ptr<Prepared> prepared = executor.prepare(network, max_batch);
    if (prepared->proof() != executor.name)
      return executor.name + " was asked, but " + prepared->proof() + " ran";
    const Events got = prepared->run(events);
    for (std::size_t e = 0; e < events.size(); ++e) {
      if (got[e] == wanted[e]) continue;
      return executor.name + ": event " + std::to_string(e) + " of " + std::to_string(events.size()) +
             " (batches of " + std::to_string(max_batch) +
             "): " + difference(network, events[e], got[e], wanted[e]) + saved(network, executor);
    }
  } catch (const Error& error) {
    return executor.name + " fails: " + error.what() + saved(network, executor);
  }
  return {};
}

std::string compare_all(const network::Network& network, std::size_t count, std::uint32_t seed, Which which) {
  const Events events = make_events(network, count, seed);
  const Events wanted = expected(network, events);
  for (const Executor& executor : executors()) {
    if (which != Which::all && executor.slow_to_prepare != (which == Which::slow)) continue;
    const std::string trouble = compare(executor, network, events, wanted, count);
    if (!trouble.empty()) return trouble;
  }
  return {};
}

}  // namespace crible::conformance
