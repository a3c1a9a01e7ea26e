#include "engine/menu/decision.hpp"

#include "tests/unit/menu/fixture.hpp"

namespace crible::menu {
namespace {

class DecisionBytes : public SmallTrigger {
 protected:
  Decision decision_;
  std::vector<std::uint32_t> objects_of_ = {1, 2};

  void SetUp() override {
    decision_.event = 0x123456789A;
    decision_.run = 392642;
    decision_.luminosity_block = 20;
    decision_.flags = flag(Cause::evicted);
    decision_.streams = 9;
    decision_.outcome = Outcome::forced;
    decision_.prescale_set = 3;
    decision_.chains = 70;
    decision_.menu = 0xFEDCBA9876543210;
    decision_.before = {0x8000000000000001, 0x21};
    decision_.after = {1, 0x20};
    decision_.times = {1, 2, 3, 4, 5, 6};
    outputs_ = {-5, 11, 12, 21, 22, 31, 32};
  }

  std::vector<std::byte> encoded() const {
    const Answers answers{objects_of_, outputs_.data()};
    std::vector<std::byte> bytes(encoded_bytes(decision_, layout_, answers));
    encode(decision_, layout_, answers, bytes.data());
    return bytes;
  }
};

TEST_F(DecisionBytes, ComeBackAsTheyWere) {
  const auto bytes = encoded();
  EXPECT_EQ(bytes.size(), 96u + 2 * 16 + 8 + 5 * 8);
  EXPECT_LE(bytes.size(), max_encoded_bytes(70, layout_));
  const auto decoded = decode(bytes);
  ASSERT_TRUE(decoded);
  decision_ = decoded->decision;
  EXPECT_EQ(encoded(), bytes);
  EXPECT_EQ(decoded->decision.times.sent_ns, 1);
  EXPECT_EQ(decoded->decision.times.first_received_ns, 2);
  EXPECT_EQ(decoded->decision.times.last_received_ns, 3);
  EXPECT_EQ(decoded->decision.times.built_ns, 4);
  EXPECT_EQ(decoded->decision.times.inferred_ns, 5);
  EXPECT_EQ(decoded->decision.times.decided_ns, 6);
  ASSERT_EQ(decoded->rows.size(), 2u);
  EXPECT_EQ(decoded->rows[1].objects, 2);
  EXPECT_EQ(decoded->rows[1].elements, 2);
  EXPECT_EQ(decoded->values[0], (std::vector<std::int64_t>{-5}));
  EXPECT_EQ(decoded->values[1], (std::vector<std::int64_t>{11, 12, 21, 22}));
}

TEST_F(DecisionBytes, AreTheSameInEachPartOrNot) {
  Decision other = decision_;
  other.times = {};
  EXPECT_TRUE(same(decision_, other)) << "times do not count";
  const auto differs = [&](auto member, auto value) {
    Decision changed = decision_;
    changed.*member = value;
    return !same(decision_, changed);
  };
  EXPECT_TRUE(differs(&Decision::event, 1));
  EXPECT_TRUE(differs(&Decision::run, 1));
  EXPECT_TRUE(differs(&Decision::luminosity_block, 1));
  EXPECT_TRUE(differs(&Decision::flags, 0));
  EXPECT_TRUE(differs(&Decision::streams, 1));
  EXPECT_TRUE(differs(&Decision::outcome, Outcome::accepted));
  EXPECT_TRUE(differs(&Decision::prescale_set, 1));
  EXPECT_TRUE(differs(&Decision::chains, 1));
  EXPECT_TRUE(differs(&Decision::menu, 1));
  EXPECT_TRUE(differs(&Decision::before, ChainBits{}));
  EXPECT_TRUE(differs(&Decision::after, ChainBits{}));
}

TEST_F(DecisionBytes, LieWhereThePageSays) {
  const auto bytes = encoded();
  const auto byte = [&](std::size_t at) { return static_cast<int>(bytes[at]); };
  EXPECT_EQ(byte(0), 176);
  EXPECT_EQ(byte(4), 1);
  EXPECT_EQ(byte(6), 96);
  EXPECT_EQ(byte(8), 0x9A);
  EXPECT_EQ(byte(20), 20);
  EXPECT_EQ(byte(28), 9);
  EXPECT_EQ(byte(32), 70);
  EXPECT_EQ(byte(38), 3);
  EXPECT_EQ(byte(40), 0x10);
  EXPECT_EQ(byte(88), 6);
  EXPECT_EQ(byte(96), 1);
  EXPECT_EQ(byte(104), 0x21);
  EXPECT_EQ(byte(128), 1);
  EXPECT_EQ(byte(132), 2);
  EXPECT_EQ(byte(136), 0xFB);
}

TEST_F(DecisionBytes, ValuesOfAnOddNumberOfNetworksBeginOnTheirGrid) {
  layout_ = OutputLayout({configs_[0]}, {bindings_[0]}, {networks_[0]});
  objects_of_ = {1};
  const auto decoded = decode(encoded());
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->rows.size(), 1u);
  EXPECT_EQ(decoded->values[0], (std::vector<std::int64_t>{-5}));
}

TEST_F(DecisionBytes, MoreChainsThanThereCanBeAreDamage) {
  auto bytes = encoded();
  bytes.resize(1 << 16);
  DecisionHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.chains = max_chains + 1;
  header.networks = 0;
  header.size_bytes = sizeof header + 2 * 8 * ((max_chains + 64) / 64);
  std::memcpy(bytes.data(), &header, sizeof header);
  EXPECT_FALSE(decode(bytes));
  header.chains = max_chains;
  header.size_bytes = sizeof header + 2 * 8 * (max_chains / 64);
  std::memcpy(bytes.data(), &header, sizeof header);
  EXPECT_TRUE(decode(bytes));
}

TEST_F(DecisionBytes, UnsignedOutputsStayPositive) {
  const auto configs = detector::load_networks(
      yaml::parse("[{name: raw, file: r.crn, inputs: [{from: [{value: bx}]}]}]", "networks.yaml"));
  network::Builder builder("raw");
  builder.output("y", builder.input("x", {1}, {false, 16, 0}));
  const std::vector<network::Network> networks = {builder.finish()};
  const OutputLayout layout(configs, {detector::Binding(configs[0], description_, networks[0])}, networks);
  std::uint16_t row = 0xFFFE;
  const std::span<std::byte> slots[] = {std::as_writable_bytes(std::span(&row, 1))};
  std::int64_t value = 0;
  layout.store(0, 0, slots, 0, &value);
  EXPECT_EQ(value, 0xFFFE);
}

TEST_F(DecisionBytes, FaultsCarryNoValues) {
  objects_of_ = {0, 0};
  const auto decoded = decode(encoded());
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(decoded->values[0].empty());
  EXPECT_EQ(decoded->rows[1].elements, 2);
}

TEST_F(DecisionBytes, DamageIsNoDecision) {
  const auto good = encoded();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode(std::span(good).first(size))) << size;
  }
  for (std::size_t at : {0u, 4u, 6u, 32u, 34u, 38u, 128u, 132u}) {
    auto bad = good;
    bad[at] ^= std::byte{0x55};
    EXPECT_FALSE(decode(bad)) << at;
  }
  auto longer = good;
  longer.resize(longer.size() + 8);
  EXPECT_TRUE(decode(longer)) << "the next decision may follow";
}

TEST_F(DecisionBytes, OutputsAreStoredByObject) {
  std::vector<std::byte> rows(16);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::byte>(i * 20);
  const std::span<std::byte> slots[] = {rows};
  outputs_.assign(outputs_.size(), 0);
  layout_.store(1, 2, slots, 3, outputs_.data());
  layout_.store(0, 0, slots, 9, outputs_.data());
  EXPECT_EQ(outputs_, (std::vector<std::int64_t>{180 - 256, 0, 0, 0, 0, 120, 140 - 256}));
}

}  // namespace
}  // namespace crible::menu
