#include <gtest/gtest.h>

#include "engine/base/yaml.hpp"
#include "tests/unit/detector/fixture.hpp"

namespace crible::detector {
namespace {

constexpr const char* description_text = R"(
sources:
  - name: west
    payload: [{name: grid, type: u16, shape: [2, 2]}, {name: met, type: i16}, {name: big, type: i64}]
  - name: east
    payload: [{name: grid, type: u16, shape: [2, 1]}, {name: wide, type: u32}]
  - name: objects
    payload:
      - name: jets
        count: 3
        fields: [{name: pt, type: i16}, {name: eta, type: i16}, {name: tag, type: u8}]
collections: [{name: jets, from: [objects.jets], nonzero: pt}]
quantities: {met: west.met}
)";

class Bind : public testing::Test {
 protected:
  Description description_ = load_description(yaml::parse(description_text, "detector.yaml"));
  Decoder decoder_{description_};
  Event event_ = decoder_.make_event();
  Bytes west_ = Bytes().add<std::uint16_t>({1, 300, 3, 65535}).i16({-9}).add<std::int64_t>({1LL << 40});
  Bytes east_ = Bytes().add<std::uint16_t>({5, 6}).add<std::uint32_t>({4000000000});
  Bytes objects_ = Bytes()
                       .i16({100, -20})
                       .add<std::uint8_t>({7})
                       .i16({0, 0})
                       .add<std::uint8_t>({0})
                       .i16({50, 31})
                       .add<std::uint8_t>({9});

  void SetUp() override {
    const Payload fragments[] = {west_.payload(), east_.payload(), objects_.payload()};
    ASSERT_EQ(decoder_.decode(fragments, event_).status, DecodeStatus::ok);
  }

  /// The `networks` section with one network whose only input is fed by `from`.
  static std::vector<NetworkConfig> config(const std::string& from, const std::string& more = "") {
    return load_networks(
        yaml::parse("- {name: net, file: net.crn, " + more + "inputs: [{from: [" + from + "]}]}", "n.yaml"));
  }

  /// The row that a network with `count` inputs of type `type` gets.
  template <class Element>
  std::vector<std::int64_t> row(const std::string& from, network::Type type, int count,
                                std::size_t object = 0, const std::string& more = "") {
    const Binding binding(config(from, more).front(), description_, passing_network(type, {count}));
    std::vector<Element> elements(static_cast<std::size_t>(count), Element{77});
    std::byte* const rows[] = {reinterpret_cast<std::byte*>(elements.data())};
    binding.gather(event_, object, rows);
    return {elements.begin(), elements.end()};
  }

  std::string refusal(const std::string& from, network::Type type, int count, const std::string& more = "") {
    return sentence_of(
        [&] { Binding(config(from, more).front(), description_, passing_network(type, {count})); });
  }
};

using Integers = std::vector<std::int64_t>;
const network::Type s8{true, 8, 0};
const network::Type u8{false, 8, 0};
const network::Type s16{true, 16, 0};
const network::Type s32{true, 32, 0};
const network::Type u32{false, 32, 0};

TEST_F(Bind, TransformsScalars) {
  EXPECT_EQ(row<std::int8_t>("{value: met, clip: true}", s8, 1), (Integers{-9}));
  EXPECT_EQ(row<std::int8_t>("{value: met, shift: 1, clip: true}", s8, 1), (Integers{-5})) << "floor";
  EXPECT_EQ(row<std::int8_t>("{value: met, offset: 72, clip: true}", s8, 1), (Integers{-81}));
  EXPECT_EQ(row<std::int8_t>("{value: met, offset: 1000, clip: [-100, 5]}", s8, 1), (Integers{-100}));
  EXPECT_EQ(row<std::int16_t>("{value: met}", s16, 1), (Integers{-9}));
  EXPECT_EQ(row<std::int32_t>("{value: met, shift: -16}", s32, 1), (Integers{-9 * 65536}));
  EXPECT_EQ(row<std::int8_t>("{value: west.big, shift: 34, clip: true}", s8, 1), (Integers{64}));
  EXPECT_EQ(row<std::uint32_t>("{value: east.wide}", u32, 1), (Integers{4000000000}));
}

TEST_F(Bind, PutsArraysTogether) {
  EXPECT_EQ(row<std::uint8_t>("{columns: [west.grid, east.grid], clip: true}", u8, 6),
            (Integers{1, 255, 5, 3, 255, 6}));
  EXPECT_EQ(row<std::int32_t>("{value: west.grid}, {constant: -3, repeat: 2}, {value: \"east.grid[1, 0]\"}",
                              s32, 7),
            (Integers{1, 300, 3, 65535, -3, -3, 6}));
}

TEST_F(Bind, PadsObjectsWithTransformedZeros) {
  const char* fields = "{objects: jets, clip: true, fields: [{name: pt, shift: 1}, {name: eta, offset: 10}]}";
  EXPECT_EQ(row<std::int8_t>(fields, s8, 6), (Integers{50, -30, 25, 21, 0, -10}));
  EXPECT_EQ(row<std::int8_t>(
                "{objects: jets, first: 2, fields: [{name: eta, clip: true}, {name: tag, shift: 1}]}", s8, 4),
            (Integers{-20, 3, 31, 4}));
  EXPECT_EQ(row<std::int8_t>("{objects: jets, clip: true, first: 1, fields: [eta, pt, tag]}", s8, 3),
            (Integers{-20, 100, 7}));
}

TEST_F(Bind, RunsOncePerObject) {
  const char* from = "{object: eta, clip: true}, {object: tag, shift: 1}, {value: met, clip: true}";
  EXPECT_EQ(row<std::int8_t>(from, s8, 3, 0, "per: jets, "), (Integers{-20, 3, -9}));
  EXPECT_EQ(row<std::int8_t>(from, s8, 3, 1, "per: jets, "), (Integers{31, 4, -9}));
  const Binding binding(config(from, "per: jets, ").front(), description_, passing_network(s8, {3}));
  EXPECT_EQ(binding.objects(event_), 2u);
  EXPECT_EQ(binding.max_objects(), 3u);
  EXPECT_EQ(binding.collection(), 0u);
}

TEST_F(Bind, FeedsSeveralInputs) {
  const auto networks =
      load_networks(yaml::parse("- name: net\n  file: net.crn\n  inputs:\n  - {input: x1, from: [{constant: "
                                "2}]}\n  - {input: x0, from: [{value: met}]}\n",
                                "n.yaml"));
  const Binding binding(networks.front(), description_, passing_network(s16, {1}, 2));
  std::int16_t first = 0;
  std::int16_t second = 0;
  std::byte* const rows[] = {reinterpret_cast<std::byte*>(&first), reinterpret_cast<std::byte*>(&second)};
  binding.gather(event_, 0, rows);
  EXPECT_EQ(first, -9);
  EXPECT_EQ(second, 2);
  EXPECT_EQ(sentence_of([&] { Binding(networks.front(), description_, passing_network(s16, {1}, 3)); }),
            "n.yaml:4: [0].inputs: nothing feeds input 'x2' of the network");
}

TEST_F(Bind, TextNamesEveryChange) {
  const auto text = [&](const std::string& from) {
    return Binding(config(from).front(), description_, passing_network(s8, {2})).text();
  };
  const std::string plain = text("{value: met, clip: true}, {constant: 1}");
  EXPECT_EQ(plain, text("{value: west.met, clip: [-128, 127]}, {constant: 1}"));
  EXPECT_NE(plain, text("{value: met, shift: 1, clip: true}, {constant: 1}"));
  EXPECT_NE(plain, text("{value: met, clip: true}, {constant: 2}"));
  EXPECT_NE(plain, text("{constant: 1}, {value: met, clip: true}"));
}

TEST_F(Bind, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refusal("{value: met}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0]: can be -32768 to 32767, but input 'x0' of the network is s8.0 "
            "(-128 to 127); "
            "add 'clip: true' or a shift");
  EXPECT_EQ(refusal("{value: met, clip: [-200, 0]}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0]: can be -200 to 0, but input 'x0' of the network is s8.0 (-128 "
            "to 127); add "
            "'clip: true' or a shift");
  EXPECT_EQ(refusal("{value: met, shift: 8}", s8, 2),
            "n.yaml:1: [0].inputs[0].from: gives 1 elements, but input 'x0' of the network has 2");
  EXPECT_EQ(refusal("{value: west.grid, clip: true}", s8, 2),
            "n.yaml:1: [0].inputs[0].from: gives 4 elements, but input 'x0' of the network has 2");
  EXPECT_EQ(refusal("{value: west.gird, clip: true}", s8, 2).substr(0, 87),
            "n.yaml:1: [0].inputs[0].from[0].value: there is no integer or array 'west.gird'; did yo");
  EXPECT_EQ(refusal("{value: west.big, shift: -1}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0]: offset and shift can overflow 64 bits");
  EXPECT_EQ(refusal("{object: pt}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0].object: there is no current object: the network has no 'per'");
  EXPECT_EQ(refusal("{objects: jest, fields: [pt]}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0].objects: there is no collection 'jest'; did you mean 'jets'? "
            "(known: jets)");
  EXPECT_EQ(refusal("{objects: jets, fields: [px]}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0].fields[0]: there is no field of jets 'px'; did you mean 'pt'? "
            "(known: pt, eta, tag)");
  EXPECT_EQ(
      refusal("{columns: [west.grid, west.met]}", s8, 1),
      "n.yaml:1: [0].inputs[0].from[0].columns[1]: has no rows and columns: its shape must have two extents");
  EXPECT_EQ(refusal("{constant: 128}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0].constant: must be an integer from -128 to 127, not '128'");
  EXPECT_EQ(refusal("{shift: 1}", s8, 1),
            "n.yaml:1: [0].inputs[0].from[0].shift: unknown key (known here: value, columns, objects, "
            "object, constant)");
  EXPECT_EQ(refusal("{value: met}", s16, 1, "per: jet, "),
            "n.yaml:1: [0].per: there is no collection 'jet'; did you mean 'jets'? (known: jets)");
}

TEST(Networks, AreListedOnce) {
  const auto load = [](const std::string& text) { return load_networks(yaml::parse(text, "conf/n.yaml")); };
  const auto networks = load(
      "- {name: a, file: a.onnx, input_type: s8.5, outputs: [x], inputs: []}\n"
      "- {name: b, file: /b.crn, input_type: {i: u6.2}, inputs: []}\n");
  EXPECT_EQ(networks[0].file, std::filesystem::path("conf/a.onnx"));
  EXPECT_EQ(networks[0].input_types.front(), (std::pair<std::string, network::Type>("", {true, 8, 5})));
  EXPECT_EQ(networks[1].file, std::filesystem::path("/b.crn"));
  EXPECT_EQ(networks[1].input_types.front(), (std::pair<std::string, network::Type>("i", {false, 6, 2})));
  EXPECT_EQ(
      sentence_of([&] { load("- {name: a, file: a, inputs: []}\n- {name: a, file: b, inputs: []}\n"); }),
      "conf/n.yaml:2: [1]: there is a network 'a' already; rename one");
  EXPECT_NE(sentence_of([&] {
              load("- {name: a, file: a, input_type: q8, inputs: []}");
            }).find("conf/n.yaml:1: [0].input_type: "),
            std::string::npos);
}

}  // namespace
}  // namespace crible::detector
