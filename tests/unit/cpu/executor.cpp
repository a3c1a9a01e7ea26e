#include "tests/unit/cpu/executor.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace crible::test {

using network::Node;

namespace {

std::int64_t read(const std::byte* p, network::Type type) {
  const std::size_t bytes = network::storage_bytes(type);
  std::int64_t value = 0;
  std::memcpy(&value, p, bytes);
  const int unused = static_cast<int>(64 - bytes * 8);
  if (type.is_signed) return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused;
  return value;
}

void fill(backends::Program& program, const std::vector<Event>& events) {
  const auto ids = network::inputs_of(program.network());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Node& node = program.network().nodes[static_cast<std::size_t>(ids[i])];
    std::byte* p = program.slots()[0].inputs[i].data();
    for (const Event& event : events) {
      for (std::int64_t value : event[i]) {
        std::memcpy(p, &value, network::storage_bytes(node.type));
        p += network::storage_bytes(node.type);
      }
    }
  }
}

/// The number of differing elements of the first `count` events; the first difference in `what`.
std::size_t differences(backends::Program& program,
                        const std::vector<std::vector<reference::Tensor>>& expected, std::size_t count,
                        std::string& what) {
  const auto ids = network::outputs_of(program.network());
  std::size_t different = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Node& node = program.network().nodes[static_cast<std::size_t>(ids[i])];
    const std::byte* p = program.slots()[0].outputs[i].data();
    for (std::size_t event = 0; event < count; ++event) {
      for (std::size_t element = 0; element < expected[event][i].size(); ++element) {
        const std::int64_t got = read(p, node.type);
        p += network::storage_bytes(node.type);
        if (got == expected[event][i][element]) continue;
        if (different++ == 0) {
          what = "event " + std::to_string(event) + ", output " + std::to_string(i) + ", element " +
                 std::to_string(element) + ": " + std::to_string(got) + " instead of " +
                 std::to_string(expected[event][i][element]);
        }
      }
    }
  }
  return different;
}

}  // namespace

std::vector<std::string> usable_devices() {
  std::vector<std::string> names;
  for (const backends::Device& device : backends::find("cpu").devices()) {
    if (device.usable) names.push_back(device.name);
  }
  return names;
}

std::vector<Event> make_events(const network::Network& network, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Event> events(count);
  for (std::size_t e = 0; e < count; ++e) {
    for (network::NodeId id : network::inputs_of(network)) {
      const Node& node = network.nodes[static_cast<std::size_t>(id)];
      const std::int64_t low = network::lowest(node.type);
      const std::int64_t high = network::highest(node.type);
      reference::Tensor tensor(network::element_count(node.shape));
      for (std::int64_t& x : tensor) {
        x = e == 0 ? low : e == 1 ? high : std::uniform_int_distribution<std::int64_t>(low, high)(random);
      }
      events[e].push_back(std::move(tensor));
    }
  }
  return events;
}

void expect_equal_to_reference(const network::Network& network, const std::vector<Event>& events,
                               const std::vector<std::size_t>& batches) {
  std::vector<std::vector<reference::Tensor>> expected;
  for (const Event& event : events) expected.push_back(reference::evaluate(network, event));
  for (const std::string& device : usable_devices()) {
    const auto program = backends::find("cpu").compile(network, {device, events.size(), 1});
    ASSERT_EQ(program->device(), device);
    fill(*program, events);
    for (std::size_t batch : batches) {
      for (auto& output : program->slots()[0].outputs) std::memset(output.data(), 0x5a, output.size());
      ASSERT_EQ(program->run(0, batch), backends::Status::ok);
      std::string what;
      EXPECT_EQ(differences(*program, expected, batch, what), 0u)
          << device << ", batch of " << batch << ", " << what;
    }
  }
}

}  // namespace crible::test
