// The gathered inputs of the demo's networks, held against the sample's correct result of event building.

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/file.hpp"
#include "engine/base/npy.hpp"
#include "engine/base/yaml.hpp"
#include "tests/unit/detector/fixture.hpp"

namespace crible::detector {
namespace {

constexpr std::size_t header_bytes = 24;
constexpr std::size_t words_at = 20;  // of the header: number of 16-bit payload words

/// One source's records, one after the other.
std::vector<Payload> split(const std::string& file) {
  std::vector<Payload> records;
  const auto* bytes = reinterpret_cast<const std::byte*>(file.data());
  for (std::size_t at = 0; at < file.size();) {
    std::uint16_t words = 0;
    std::memcpy(&words, bytes + at + words_at, sizeof words);
    const std::size_t size = header_bytes + 2 * std::size_t{words};
    records.emplace_back(bytes + at, size);
    at += size;
  }
  return records;
}

std::vector<std::int64_t> integers(const NamedArrays& arrays, const std::string& name) {
  for (const auto& [key, array] : arrays) {
    if (key == name) return to_integers(array);
  }
  ADD_FAILURE() << "no array " << name;
  return {};
}

/// q = clip((x - offset) >> shift, -128, 127) on `values`, with repeating offsets and shifts.
std::vector<std::int64_t> mapped(std::vector<std::int64_t> values, const std::vector<std::int64_t>& offsets,
                                 const std::vector<std::int64_t>& shifts) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t lane = i % offsets.size();
    values[i] = std::clamp<std::int64_t>((values[i] - offsets[lane]) >> shifts[lane], -128, 127);
  }
  return values;
}

void repeat(std::vector<std::int64_t>& list, const std::vector<std::int64_t>& group, int times) {
  for (int i = 0; i < times; ++i) list.insert(list.end(), group.begin(), group.end());
}

class Stream : public testing::Test {
 protected:
  static constexpr std::size_t events = 2000;

  void SetUp() override {
    for (const Source& source : description_.sources) {
      const std::string name = std::to_string(source.id) + "_" + source.name + ".bin";
      files_.push_back(read_file("tools/demo_data/stream/" + name));
      records_.push_back(split(files_.back()));
      ASSERT_EQ(records_.back().size(), events) << name;
    }
  }

  void decode(std::size_t event) {
    std::vector<Payload> fragments;
    for (const auto& source : records_) fragments.push_back(source[event]);
    const DecodeResult result = decoder_.decode(fragments, event_);
    ASSERT_EQ(result.status, DecodeStatus::ok) << event << ": " << sentence(result.status);
  }

  Binding bind(std::size_t network, network::Type type, network::Shape shape) const {
    return Binding(networks_[network], description_, passing_network(type, shape));
  }

  template <class Element>
  std::vector<std::int64_t> gather(const Binding& binding, std::size_t count) const {
    std::vector<Element> row(count);
    std::byte* const rows[] = {reinterpret_cast<std::byte*>(row.data())};
    binding.gather(event_, 0, rows);
    return {row.begin(), row.end()};
  }

  const NamedArrays expected_ = read_npz("tests/data/stream/assembled.npz");
  const Description description_ = load_description(yaml::load("tools/demo_data/detector.yaml"));
  const std::vector<NetworkConfig> networks_ = load_networks(yaml::load("tools/demo_data/networks.yaml"));
  const Decoder decoder_{description_};
  Event event_ = decoder_.make_event();
  std::vector<std::string> files_;
  std::vector<std::vector<Payload>> records_;
};

std::vector<std::int64_t> slice(const std::vector<std::int64_t>& values, std::size_t row, std::size_t width) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row * width);
  return {begin, begin + static_cast<std::ptrdiff_t>(width)};
}

TEST_F(Stream, AnomalyInputsAreTheAssembledOnes) {
  std::vector<std::int64_t> offsets{0, 0, 72};
  std::vector<std::int64_t> shifts{1, 0, 0};
  repeat(offsets, {0, 0, 72}, 4);
  repeat(shifts, {1, 1, 0}, 4);
  repeat(offsets, {0, 0, 288}, 4);
  repeat(shifts, {0, 1, 2}, 4);
  repeat(offsets, {0, 0, 72}, 10);
  repeat(shifts, {2, 1, 0}, 10);
  const auto expected = mapped(integers(expected_, "l1"), offsets, shifts);
  const Binding binding = bind(0, {true, 8, 5}, {57});
  for (std::size_t event = 0; event < events; ++event) {
    decode(event);
    ASSERT_EQ(gather<std::int8_t>(binding, 57), slice(expected, event, 57)) << "event " << event;
  }
}

TEST_F(Stream, CalorimeterInputsAreTheAssembledOnes) {
  auto expected = integers(expected_, "regions");
  for (std::int64_t& region : expected) region = std::min<std::int64_t>(region, 255);
  const Binding binding = bind(1, {false, 8, 0}, {1, 18, 14});
  for (std::size_t event = 0; event < events; ++event) {
    decode(event);
    ASSERT_EQ(gather<std::uint8_t>(binding, 252), slice(expected, event, 252)) << "event " << event;
  }
}

TEST_F(Stream, JetInputsAreTheAssembledOnes) {
  const std::vector<std::int64_t> offsets{0, 0, 0, 0, 0, 128, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<std::int64_t> shifts{2, 2, 2, 1, 2, 1, 1, 2, 2, 2, 2, 2, 2, 2, 0, 1};
  const auto raw = integers(expected_, "jet_x");
  const auto expected = mapped(raw, offsets, shifts);
  const Binding binding = bind(2, {true, 8, 5}, {16});
  std::size_t jets = 0;
  for (std::size_t event = 0; event < events; ++event) {
    decode(event);
    ASSERT_EQ(binding.objects(event_), raw[event * 16] == 0 ? 0u : 1u) << "event " << event;
    if (binding.objects(event_) == 0) continue;
    ++jets;
    ASSERT_EQ(gather<std::int8_t>(binding, 16), slice(expected, event, 16)) << "event " << event;
  }
  EXPECT_GT(jets, 300u);
}

}  // namespace
}  // namespace crible::detector
