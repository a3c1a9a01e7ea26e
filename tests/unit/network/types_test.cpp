#include "engine/network/types.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "engine/base/error.hpp"

namespace crible::network {
namespace {

TEST(Types, EndsOfTheRange) {
  EXPECT_EQ(lowest({true, 8, 3}), -128);
  EXPECT_EQ(highest({true, 8, 3}), 127);
  EXPECT_EQ(lowest({false, 8, 3}), 0);
  EXPECT_EQ(highest({false, 8, 3}), 255);
  EXPECT_EQ(lowest({true, 1, 0}), -1);
  EXPECT_EQ(highest({true, 1, 0}), 0);
  EXPECT_EQ(highest({false, 1, 0}), 1);
  EXPECT_EQ(highest({false, 32, 0}), 4294967295);
  EXPECT_EQ(lowest({true, 32, 0}), -2147483648);
  EXPECT_EQ(lowest({true, 64, 0}), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(highest({true, 64, 0}), std::numeric_limits<std::int64_t>::max());
}

TEST(Types, TextAndBack) {
  for (const char* text : {"s16.10", "u6.6", "s8.0", "s8.-2", "s64.40", "u32.0", "s1.0"}) {
    EXPECT_EQ(to_string(parse_type(text)), text);
  }
}

TEST(Types, WhatIsNoTypeIsRefused) {
  for (const char* text : {"", "s", "x8.0", "s8", "s8.", "s.8", "s0.0", "u64.0", "s33.0", "s-8.0", "s8.0 ",
                           " s8.0", "s8.0.0", "s99999999999.0", "s8.5000", "s8.-5000", "S8.0", "s+8.0"}) {
    EXPECT_THROW(parse_type(text), Error) << text;
  }
}

TEST(Types, StorageIsTheSmallestThatHolds) {
  EXPECT_EQ(storage_bytes({true, 1, 0}), 1u);
  EXPECT_EQ(storage_bytes({true, 8, 0}), 1u);
  EXPECT_EQ(storage_bytes({false, 9, 0}), 2u);
  EXPECT_EQ(storage_bytes({true, 17, 0}), 4u);
  EXPECT_EQ(storage_bytes({true, 32, 0}), 4u);
  EXPECT_EQ(storage_bytes({true, 64, 0}), 8u);
}

TEST(Types, SmallestType) {
  EXPECT_EQ(smallest_type({0, 1}, 3), (Type{false, 1, 3}));
  EXPECT_EQ(smallest_type({0, 0}, 0), (Type{false, 1, 0}));
  EXPECT_EQ(smallest_type({0, 256}, 0), (Type{false, 9, 0}));
  EXPECT_EQ(smallest_type({-1, 127}, 0), (Type{true, 8, 0}));
  EXPECT_EQ(smallest_type({-129, 0}, 0), (Type{true, 9, 0}));
  EXPECT_EQ(smallest_type({0, 4294967295}, 0), (Type{false, 32, 0}));
  EXPECT_EQ(smallest_type({0, 4294967296}, 0), (Type{true, 64, 0}));
  EXPECT_EQ(smallest_type({-2147483649, 0}, 0), (Type{true, 64, 0}));
}

TEST(Shapes, CountElementsWithoutOverflow) {
  EXPECT_EQ(element_count({}), 1u);
  EXPECT_EQ(element_count({3, 4, 5}), 60u);
  EXPECT_EQ(element_count({3, 0, 5}), 0u);
  EXPECT_EQ(element_count({-1, -1}), 0u);
  EXPECT_EQ(element_count(Shape(8, 2147483647)), std::numeric_limits<std::size_t>::max());
  EXPECT_EQ(to_string(Shape{18, 14}), "[18, 14]");
  EXPECT_EQ(to_string(Shape{}), "[]");
}

}  // namespace
}  // namespace crible::network
