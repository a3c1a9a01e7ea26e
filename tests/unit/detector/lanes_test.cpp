#include "engine/detector/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace crible::detector {
namespace {

constexpr std::int64_t low_16 = std::numeric_limits<std::int16_t>::min();
constexpr std::int64_t high_16 = std::numeric_limits<std::int16_t>::max();

std::int64_t transformed(std::int64_t x, std::int64_t offset, int right, std::int64_t low,
                         std::int64_t high) {
  return std::clamp((x - offset) >> right, low, high);
}

/// The byte that a single lane makes of x, as an integer of the input's sign.
std::int64_t lane(std::int64_t x, std::int64_t offset, int right, std::int64_t low, std::int64_t high,
                  bool is_signed) {
  Lanes lanes(1, is_signed);
  lanes.set(0, offset, right, low, high);
  std::int16_t raw[8] = {static_cast<std::int16_t>(std::clamp(x, low_16, high_16))};
  std::byte byte{};
  lanes.apply(raw, &byte);
  return is_signed ? static_cast<std::int64_t>(static_cast<std::int8_t>(byte))
                   : static_cast<std::int64_t>(byte);
}

TEST(Lanes, GiveTheTransformForEveryShortInteger) {
  for (const int right : {0, 1, 2, 7, 8, 14}) {
    for (const std::int64_t offset :
         {std::int64_t{0}, std::int64_t{72}, std::int64_t{-300}, low_16, high_16}) {
      if (!Lanes::exact({low_16, high_16}, offset, right, -128, 127)) continue;
      for (std::int64_t x = low_16; x <= high_16; x += 7) {
        ASSERT_EQ(lane(x, offset, right, -128, 127, true), transformed(x, offset, right, -128, 127))
            << x << " - " << offset << " >> " << right;
      }
    }
  }
}

TEST(Lanes, AreExactForWiderIntegersOnlyWhereTheyClip) {
  const network::Interval u16{0, 65535};
  EXPECT_TRUE(Lanes::exact(u16, 0, 0, 0, 255));
  EXPECT_TRUE(Lanes::exact(u16, 0, 7, 0, 255));
  EXPECT_FALSE(Lanes::exact(u16, 0, 8, 0, 255)) << "32768 >> 8 is 128, but what is left of it gives 127";
  EXPECT_FALSE(Lanes::exact({low_16, high_16}, 0, 15, -1, 0)) << "too far";
  EXPECT_FALSE(Lanes::exact({low_16, high_16}, 40000, 0, -128, 127));
  EXPECT_FALSE(Lanes::exact({low_16, high_16}, 1, 9, -128, 127));
  for (std::int64_t x = 0; x <= 65535; x += 3) {
    ASSERT_EQ(lane(x, 0, 7, 0, 255, false), transformed(x, 0, 7, 0, 255)) << x;
  }
}

TEST(Lanes, WriteNoByteTooMany) {
  for (std::size_t count = 1; count < 40; ++count) {
    Lanes lanes(count, true);
    std::vector<std::int16_t> raw(48);
    for (std::size_t i = 0; i < count; ++i) {
      lanes.set(i, static_cast<std::int64_t>(i), 1, -20, 20);
      raw[i] = static_cast<std::int16_t>(3 * i);
    }
    std::vector<std::byte> bytes(count + 1, std::byte{0x77});
    lanes.apply(raw.data(), bytes.data());
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(static_cast<int>(bytes[i]), std::min<int>(static_cast<int>(i), 20));
    EXPECT_EQ(bytes[count], std::byte{0x77});
  }
}

}  // namespace
}  // namespace crible::detector
