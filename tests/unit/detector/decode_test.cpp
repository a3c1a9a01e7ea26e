#include <gtest/gtest.h>

#include "engine/base/yaml.hpp"
#include "tests/unit/detector/fixture.hpp"

namespace crible::detector {
namespace {

constexpr const char* two_muon_sources = R"(
header:
  - {name: magic, type: u16, equals: 0xC1B1}
  - {name: source, type: u8, equals: id}
sources:
  - name: barrel
    id: 3
    payload:
      - name: tracks
        count: rest
        max: 3
        fields: &track [{name: pt, type: i16, unit: {lsb: 0.5, name: GeV}}, {name: eta, type: i16}]
  - name: endcap
    id: 4
    payload:
      - {name: number, type: u8}
      - {name: tracks, count: number, max: 3, fields: *track}
  - name: sums
    id: 6
    payload:
      - {name: met, type: i32}
      - {name: grid, type: u8, shape: [2, 3]}
collections:
  - {name: muons, from: [barrel.tracks, endcap.tracks], sort: pt, keep: 4}
  - {name: soft, from: [endcap.tracks, barrel.tracks], nonzero: pt, sort: eta, order: ascending}
quantities: {met: sums.met, corner: "sums.grid[1, 2]"}
)";

class Decode : public testing::Test {
 protected:
  Description description_ = load_description(yaml::parse(two_muon_sources, "detector.yaml"));
  Decoder decoder_{description_};
  Event event_ = decoder_.make_event();

  Bytes barrel_ = header(3).i16({50, 1, 40, 2});
  Bytes endcap_ = header(4).add<std::uint8_t>({3}).i16({60, 3, 40, 4, 0, 5});
  Bytes sums_ = header(6).add<std::int32_t>({-7}).add<std::uint8_t>({1, 2, 3, 4, 5, 6});

  static Bytes header(std::uint8_t source) {
    return Bytes().add<std::uint16_t>({0xC1B1}).add<std::uint8_t>({source});
  }

  DecodeResult decode() {
    const Payload fragments[] = {barrel_.payload(), endcap_.payload(), sums_.payload()};
    return decoder_.decode(fragments, event_);
  }

  std::vector<std::int64_t> column(std::size_t collection, std::size_t count, std::size_t field) const {
    std::vector<std::int64_t> values;
    const Field& described = description_.collections[collection].fields[field];
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(read_integer(described.type, event_.object(collection, i) + described.offset_bytes));
    }
    return values;
  }

  std::int64_t scalar(const std::string& name) const {
    const ScalarRef ref = description_.find_scalar(name).value();
    return read_integer(ref.type, event_.payload(ref.source) + ref.offset_bytes);
  }
};

using Integers = std::vector<std::int64_t>;

TEST_F(Decode, MergesSortsKeepsAndPads) {
  ASSERT_EQ(decode().status, DecodeStatus::ok);
  EXPECT_TRUE(event_.valid());
  EXPECT_EQ(event_.count(0), 4u);
  EXPECT_EQ(column(0, 4, 0), (Integers{60, 50, 40, 40}));
  EXPECT_EQ(column(0, 4, 1), (Integers{3, 1, 2, 4})) << "equal keys keep the order of the sources";
  EXPECT_EQ(event_.count(1), 4u) << "pt 0 is padding";
  EXPECT_EQ(column(1, 6, 1), (Integers{1, 2, 3, 4, 0, 0}));
}

TEST_F(Decode, FindsScalars) {
  ASSERT_EQ(decode().status, DecodeStatus::ok);
  EXPECT_EQ(scalar("met"), -7);
  EXPECT_EQ(scalar("sums.met"), -7);
  EXPECT_EQ(scalar("corner"), 6);
  EXPECT_EQ(scalar("sums.grid[0,1]"), 2);
  for (const char* wrong :
       {"sums.grid", "sums.grid[2,0]", "sums.grid[0]", "sums.grid[0,1,0]", "sums.met[0]", "sums.",
        "sums.grid[", "sums.grid[0,1", "nothing", "barrel.tracks", "sums.grid[0,1]x", "[", ".", ""}) {
    EXPECT_FALSE(description_.find_scalar(wrong)) << wrong;
  }
}

TEST_F(Decode, FlagsEveryDeviationWithItsSource) {
  const auto expect = [this](DecodeStatus status, std::uint32_t source) {
    const DecodeResult result = decode();
    EXPECT_EQ(result.status, status) << sentence(result.status);
    EXPECT_EQ(result.source, source);
    EXPECT_FALSE(event_.valid());
  };
  const Bytes good = sums_;
  sums_.cut(1);
  expect(DecodeStatus::too_short, 2);
  sums_ = good;
  sums_.add<std::uint8_t>({0});
  expect(DecodeStatus::too_long, 2);
  sums_ = header(5).add<std::int32_t>({-7}).add<std::uint8_t>({1, 2, 3, 4, 5, 6});
  expect(DecodeStatus::wrong_constant, 2);
  sums_ = Bytes();
  expect(DecodeStatus::missing_fragment, 2);
  sums_ = good;
  barrel_.i16({1, 2, 3, 4});
  expect(DecodeStatus::too_many_records, 0);
  barrel_.cut(7);
  expect(DecodeStatus::too_long, 0);
  barrel_.cut(1);
  ASSERT_EQ(decode().status, DecodeStatus::ok);
  endcap_.cut(1);
  expect(DecodeStatus::too_short, 1);
  endcap_ = header(4).add<std::uint8_t>({4}).i16({60, 3, 40, 4, 0, 5, 0, 0});
  expect(DecodeStatus::too_many_records, 1);
  endcap_ = header(4).add<std::uint8_t>({1}).i16({60, 3, 40, 4});
  expect(DecodeStatus::too_long, 1);
  EXPECT_EQ(decoder_.decode({}, event_).status, DecodeStatus::missing_fragment);
}

TEST_F(Decode, RefusesEveryTruncation) {
  const Bytes good = endcap_;
  while (endcap_.payload().size() > 1) {
    endcap_.cut(1);
    EXPECT_NE(decode().status, DecodeStatus::ok) << endcap_.payload().size();
  }
  endcap_ = good;
  EXPECT_EQ(decode().status, DecodeStatus::ok);
}

/// What a wrong description says. Each has one mistake.
struct Mistake {
  const char* text;
  const char* sentence;
};

class WrongDescription : public testing::TestWithParam<Mistake> {};

TEST_P(WrongDescription, IsRefusedWithItsSentence) {
  const std::string sentence = sentence_of([] { load_description(yaml::parse(GetParam().text, "d.yaml")); });
  EXPECT_EQ(sentence, GetParam().sentence);
}

INSTANTIATE_TEST_SUITE_P(
    Detector, WrongDescription,
    testing::Values(
        Mistake{"sources: []", "d.yaml:1: sources: needs at least one source"},
        Mistake{"sources: [{name: a, payload: []}, {name: a, payload: []}]",
                "d.yaml:1: sources[1]: there is a source 'a' already; rename one"},
        Mistake{"sources: [{name: a, id: 1, payload: []}, {name: b, id: 1, payload: []}]",
                "d.yaml:1: sources[1]: there is a source with id 1 already; give each its own"},
        Mistake{"sources: [{name: a, payloads: []}]",
                "d.yaml:1: sources[0].payloads: unknown key; did you mean 'payload'? (known here: name, id, "
                "header, "
                "payload, may_be_longer)"},
        Mistake{"sources:\n- name: a\n  payload:\n  - {name: x, type: u61}",
                "d.yaml:4: sources[0].payload[0].type: 'u61' is none of u8, i8, u16, i16, u32, i32, i64; did "
                "you mean 'u8'?"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8, equals: 256}]}]",
                "d.yaml:1: sources[0].payload[0].equals: must be an integer from 0 to 255, not '256'"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8, shape: [2], equals: 1}]}]",
                "d.yaml:1: sources[0].payload[0].equals: only a single integer can be checked, not an array"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8}, {name: x, type: u8}]}]",
                "d.yaml:1: sources[0].payload[1]: there is a field 'x' already; rename one"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8, unit: {lsb: -1, name: GeV}}]}]",
                "d.yaml:1: sources[0].payload[0].unit.lsb: must be a positive decimal number with at most 18 "
                "digits such "
                "as 0.5, not '-1'"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8, unit: {lsb: 1, name: lsb}}]}]",
                "d.yaml:1: sources[0].payload[0].unit.name: 'lsb' has a meaning of its own in conditions; "
                "choose another"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: n, max: 2, fields: [{name: x, type: u8}]}]}]",
                "d.yaml:1: sources[0].payload[0].count: there is no integer before these records 'n' (known: "
                "none)"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: rest, max: 2, fields: [{name: x, type: "
                "u8}]}, {name: y, "
                "type: u8}]}]",
                "d.yaml:1: sources[0].payload[1]: stands behind records whose count varies; these must be "
                "the last part"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: rest, fields: [{name: x, type: u8}]}]}]",
                "d.yaml:1: sources[0].payload[0]: needs the key 'max'"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8, shape: [1000000, 1000000]}]}]",
                "d.yaml:1: sources[0].payload[0].shape: has more than 1048576 elements"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: 2, fields: [{name: x, type: u8}]}]}]\n"
                "collections: [{name: c, from: [a.q]}]",
                "d.yaml:2: collections[0].from[0]: there is no array of records 'a.q'; did you mean 'a.r'? "
                "(known: a.r)"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: 2, fields: [{name: x, type: u8}]}, {name: s, "
                "count: 2, "
                "fields: [{name: x, type: i8}]}]}]\ncollections: [{name: c, from: [a.r, a.s]}]",
                "d.yaml:2: collections[0].from[1]: its records differ from those of the first in names, "
                "types or units of "
                "the fields"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: 2, fields: [{name: x, type: u8}]}]}]\n"
                "collections: [{name: c, from: [a.r], sort: z}]",
                "d.yaml:2: collections[0].sort: there is no field of these records 'z'; did you mean 'x'? "
                "(known: x)"},
        Mistake{"sources: [{name: a, payload: [{name: r, count: 2, fields: [{name: x, type: u8}]}]}]\n"
                "collections: [{name: c, from: [a.r], keep: 3}]",
                "d.yaml:2: collections[0].keep: must be an integer from 1 to 2, not '3'"},
        Mistake{"sources: [{name: a, payload: [{name: x, type: u8}]}]\nquantities: {q: a.y}",
                "d.yaml:2: quantities.q: there is no integer 'a.y'; did you mean 'a.x'? (known: a.x)"}));

}  // namespace
}  // namespace crible::detector
