#include <gtest/gtest.h>

#include <random>

#include "engine/network/build.hpp"
#include "tests/unit/cpu/executor.hpp"

// Elementwise operations that the CPU backend joins to one step.
namespace crible::test {
namespace {

using namespace network;

/// A sum that two operations of a chain read, themselves or by another shape, and so none of them may
/// swallow.
TEST(Chains, SumsThatTwoOperationsRead) {
  for (const bool reshaped : {false, true}) {
    SCOPED_TRACE(reshaped ? "reshaped" : "as it is");
    Builder builder("twice");
    const Type byte{true, 8, 0};
    const NodeId x = builder.input("x", {3, 7}, byte);
    const NodeId y = builder.input("y", {3, 7}, byte);
    NodeId sum = builder.add("sum", Add{}, {x, y});
    if (reshaped) sum = builder.add("flat", Reshape{}, {sum}, Shape{21});
    Requantize half;
    half.shift = {1};
    half.rounding = Rounding::half_even;
    builder.output("half", builder.add("halved", std::move(half), {sum}, byte));
    builder.output("held", builder.add("held_sum", Clamp{-20, 30}, {sum}));
    const Network network = builder.finish();
    expect_equal_to_reference(network, make_events(network, 40, 2), {1, 33, 40});
  }
}

/// Each entry above the one before by 0 or 1, or, at one place, by something else.
std::vector<std::int64_t> rising(std::int64_t first, std::size_t count, std::int64_t elsewhere,
                                 std::size_t at) {
  std::mt19937_64 random(17);
  std::vector<std::int64_t> table{first};
  while (table.size() < count) table.push_back(table.back() + static_cast<std::int64_t>(random() % 2));
  for (std::size_t i = at; i < count; ++i) table[i] += elsewhere;
  return table;
}

/// Every entry of tables that rise like an activation, and of ones that nearly do: steps that fall or are too
/// large, more entries than a curve has, entries beyond 16 bits. More rows than a vector has lanes, and
/// fewer.
TEST(Lookup, EveryEntryOfRisingTables) {
  struct Case {
    std::int64_t first;
    std::size_t count;
    std::int64_t elsewhere;
    std::size_t at;
  };
  for (const Case& c : {Case{-128, 1024, 0, 0},
                        {0, 1024, 1, 512},
                        {-5, 1000, -2, 17},
                        {3, 1024, 1, 1023},
                        {-9, 1024, 2, 16},
                        {-9, 1025, 0, 0},
                        {32767 - 200, 500, 0, 0},
                        {-32769, 700, 0, 0},
                        {-40, 1, 0, 0},
                        {7, 17, 0, 0}}) {
    for (const int width : {3, 40}) {
      SCOPED_TRACE(std::to_string(c.count) + " entries from " + std::to_string(c.first) + ", " +
                   std::to_string(c.elsewhere) + " more at " + std::to_string(c.at) + ", " +
                   std::to_string(width) + " rows");
      Builder builder("curve");
      const NodeId x = builder.input("x", {width}, {true, 16, 0});
      const NodeId index = builder.add("index", Clamp{-500, static_cast<std::int64_t>(c.count) - 501}, {x});
      Lookup lookup;
      lookup.first = -500;
      lookup.table = rising(c.first, c.count, c.elsewhere, c.at);
      builder.output("y", builder.add("table", std::move(lookup), {index}, Type{true, 24, 0}));
      const Network network = builder.finish();
      std::vector<Event> events = make_events(network, 1100 / static_cast<std::size_t>(width) + 34, 3);
      std::int64_t value = -500;
      for (Event& event : events) {
        for (std::int64_t& of_row : event[0]) of_row = value++;
      }
      expect_equal_to_reference(network, events, {1, 33, events.size()});
    }
  }
}

}  // namespace
}  // namespace crible::test
