#include <gtest/gtest.h>

#include "engine/network/build.hpp"
#include "tests/conformance/check.hpp"

namespace crible::conformance {
namespace {

using namespace network;

constexpr int roundings = 9;
constexpr int overflows = 3;

/// All values of an 8-bit type, each as an event of `elements` equal elements.
Events every_value(Type type, std::size_t elements) {
  Events events;
  for (std::int64_t value = lowest(type); value <= highest(type); ++value) {
    events.push_back({Tensor(elements, value)});
  }
  return events;
}

/// Compares all executors on one requantize over every input value.
std::string check(const Requantize& requantize, Type from, Type to, std::size_t elements) {
  Builder builder("requantize");
  const NodeId x = builder.input("x", {static_cast<int>(elements)}, from);
  builder.output("out", builder.add("y", requantize, {x}, to));
  const Network network = builder.finish();
  const Events events = every_value(from, elements);
  const Events wanted = expected(network, events);
  for (const Executor& executor : executors()) {
    const std::string trouble = compare(executor, network, events, wanted, events.size());
    if (!trouble.empty()) return trouble;
  }
  return {};
}

std::vector<Type> result_types() {
  std::vector<Type> types;
  for (int width = 1; width <= 8; ++width) {
    types.push_back({true, width, 0});
    types.push_back({false, width, 0});
  }
  return types;
}

/// Every rounding and overflow mode on every value of 8 bits, to every type of up to 8 bits.
class RequantizeExhaustive : public testing::TestWithParam<int> {
 protected:
  void for_all_types(const Requantize& base, std::size_t elements) {
    Requantize op = base;
    op.rounding = static_cast<Rounding>(GetParam());
    for (int overflow = 0; overflow < overflows; ++overflow) {
      op.overflow = static_cast<Overflow>(overflow);
      for (const bool is_signed : {true, false}) {
        for (const Type to : result_types()) {
          ASSERT_EQ(check(op, {is_signed, 8, 0}, to, elements), "")
              << "rounding " << GetParam() << " overflow " << overflow << " to " << to_string(to);
        }
      }
    }
  }
};

TEST_P(RequantizeExhaustive, EveryShiftOfTheWholeTensor) {
  for (int shift = 0; shift <= 9; ++shift) {
    Requantize op;
    op.shift = {shift};
    for_all_types(op, 3);
  }
}

TEST_P(RequantizeExhaustive, EveryShiftAndScaleByElement) {
  Requantize op;
  op.multiplier.clear();
  op.offset.clear();
  op.shift.clear();
  op.zero_point.clear();
  for (int shift = 0; shift <= 10; ++shift) {
    for (const int multiplier : {1, -1, 3, -5, 77}) {
      op.multiplier.push_back(multiplier);
      op.offset.push_back(shift * 3 - 10);
      op.shift.push_back(shift);
      op.zero_point.push_back(multiplier % 4);
    }
  }
  for_all_types(op, op.shift.size());
}

INSTANTIATE_TEST_SUITE_P(Roundings, RequantizeExhaustive, testing::Range(0, roundings));

}  // namespace
}  // namespace crible::conformance
