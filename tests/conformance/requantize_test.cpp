#include <gtest/gtest.h>

#include "engine/network/build.hpp"
#include "engine/network/words.hpp"
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

/// Requantizes of one input, each with its own output: one network, which the slow executors compile once.
class Requantizes {
 public:
  Requantizes(Type from, std::size_t elements)
      : from_(from), elements_(elements), x_(builder_.input("x", {static_cast<int>(elements)}, from)) {}

  void add(const Requantize& requantize, Type to) {
    std::string name = to_string(to);
    name += "_" + std::string(word(requantize.overflow)) + "_" + std::to_string(requantize.shift[0]);
    builder_.output("out_" + name, builder_.add(name, requantize, {x_}, to));
  }

  /// Compares the executors over every value of the input.
  std::string check(Which which) {
    const Network network = builder_.finish();
    const Events events = every_value(from_, elements_);
    const Events wanted = expected(network, events);
    for (const Executor& executor : executors()) {
      if (which == Which::quick && executor.slow_to_prepare) continue;
      const std::string trouble = compare(executor, network, events, wanted, events.size());
      if (!trouble.empty()) return trouble;
    }
    return {};
  }

 private:
  Builder builder_{"requantize"};
  Type from_;
  std::size_t elements_;
  NodeId x_;
};

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
  void for_all_types(const Requantize& base, std::size_t elements, Which which) {
    for (const bool is_signed : {true, false}) {
      Requantizes list({is_signed, 8, 0}, elements);
      for (const Type to : result_types()) add_overflows(list, base, to);
      ASSERT_EQ(list.check(which), "") << "rounding " << GetParam();
    }
  }

  static void add_overflows(Requantizes& list, const Requantize& base, Type to) {
    Requantize op = base;
    op.rounding = static_cast<Rounding>(GetParam());
    for (int overflow = 0; overflow < overflows; ++overflow) {
      op.overflow = static_cast<Overflow>(overflow);
      list.add(op, to);
    }
  }
};

TEST_P(RequantizeExhaustive, EveryShiftOfTheWholeTensor) {
  for (int shift = 0; shift <= 9; ++shift) {
    Requantize op;
    op.shift = {shift};
    for_all_types(op, 3, Which::quick);
  }
}

TEST_P(RequantizeExhaustive, EveryShiftOfTheWholeTensorInOneKernel) {
  for (const bool is_signed : {true, false}) {
    Requantizes list({is_signed, 8, 0}, 3);
    for (int shift = 0; shift <= 9; ++shift) {
      Requantize op;
      op.shift = {shift};
      add_overflows(list, op, {is_signed, 5, 0});
    }
    ASSERT_EQ(list.check(Which::all), "");
  }
}

/// Another scale, offset, shift and zero point for each element.
Requantize by_element() {
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
  return op;
}

TEST_P(RequantizeExhaustive, EveryShiftAndScaleByElement) {
  const Requantize op = by_element();
  for_all_types(op, op.shift.size(), Which::quick);
}

TEST_P(RequantizeExhaustive, EveryShiftAndScaleByElementInOneKernel) {
  const Requantize op = by_element();
  for (const bool is_signed : {true, false}) {
    Requantizes list({is_signed, 8, 0}, op.shift.size());
    add_overflows(list, op, {is_signed, 5, 0});
    ASSERT_EQ(list.check(Which::all), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Roundings, RequantizeExhaustive, testing::Range(0, roundings));

}  // namespace
}  // namespace crible::conformance
