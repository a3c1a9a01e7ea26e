#include "sim/proof/function.hpp"

#include <gtest/gtest.h>

#include <random>

namespace crible::sim::proof {
namespace {

/// A random expression in t of about `size` nodes.
class RandomFunction {
 public:
  RandomFunction(Functions& functions, std::uint32_t seed) : functions_(functions), random_(seed) {}

  FunctionId make(int size) {
    std::vector<FunctionId> made = {functions_.argument(), functions_.constant(between(-40, 40))};
    const auto any = [&] { return made[random_() % made.size()]; };
    for (int i = 0; i < size; ++i) {
      switch (random_() % 9) {
        case 0:
        case 1:
          made.push_back(
              functions_.linear({{any(), between(-5, 5)}, {any(), between(-2, 2)}}, between(-99, 99)));
          break;
        case 2:
        case 3:
          made.push_back(functions_.slice(any(), between(0, 5), between(0, 7), false));
          break;
        case 4:
          made.push_back(functions_.slice(any(), between(0, 5), between(1, 7), true));
          break;
        case 5:
          made.push_back(functions_.binary(FunctionKind::less, any(), any()));
          break;
        case 6:
          made.push_back(
              functions_.choose(functions_.binary(FunctionKind::less, any(), any()), any(), any()));
          break;
        case 7:
          made.push_back(functions_.binary(random_() % 2 == 0 ? FunctionKind::minimum : FunctionKind::equal,
                                           any(), any()));
          break;
        default:
          made.push_back(functions_.binary(FunctionKind::bit_and, any(),
                                           functions_.constant(random_() % 2 == 0 ? -1 : 0)));
          break;
      }
    }
    return made.back();
  }

  int between(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<unsigned>(high - low + 1));
  }

 private:
  Functions& functions_;
  std::mt19937 random_;
};

bool equal_everywhere(const Functions& functions, FunctionId f, FunctionId g, Bounds bounds) {
  for (Integer t = bounds.low; t <= bounds.high; ++t) {
    if (functions.evaluate(f, t) != functions.evaluate(g, t)) return false;
  }
  return true;
}

TEST(Functions, AgreementIsWhatTryingEveryValueFinds) {
  int proven = 0;
  int refuted = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    Functions functions;
    RandomFunction random(functions, seed);
    const FunctionId f = random.make(6);
    // Equal functions in another dress, and ones that differ at few places.
    const FunctionId dressed =
        functions.linear({{functions.linear({{f, -1}}, 7), -1}, {functions.argument(), 0}}, 7);
    const FunctionId split =
        functions.choose(functions.binary(FunctionKind::less, functions.argument(),
                                          functions.constant(random.between(-900, 900))),
                         f, functions.slice(functions.linear({{f, 8}}, seed % 3 == 0 ? 8 : 5), 3, 0));
    for (const FunctionId g : {dressed, split, random.make(5)}) {
      const Bounds bounds{-1000, 1100};
      const Agreement agreement = functions.agree(f, g, bounds);
      const bool equal = equal_everywhere(functions, f, g, bounds);
      ASSERT_EQ(agreement.proven, equal) << "seed " << seed;
      if (!equal) {
        ASSERT_TRUE(agreement.counterexample) << "seed " << seed;
        ASSERT_NE(functions.evaluate(f, *agreement.counterexample),
                  functions.evaluate(g, *agreement.counterexample));
      }
      ++(equal ? proven : refuted);
    }
  }
  EXPECT_GT(proven, 400);
  EXPECT_GT(refuted, 300);
}

/// round(t / 2^9) half to even, as a network says it and as hardware computes it.
TEST(Functions, AWideRequantizeIsProvenByPieces) {
  Functions functions;
  const FunctionId t = functions.argument();
  const FunctionId odd = functions.slice(t, 9, 1);
  const FunctionId sum = functions.linear({{t, 1}, {odd, 1}}, 255);
  const FunctionId rounded = functions.slice(sum, 9, 0);
  const FunctionId wanted = functions.binary(
      FunctionKind::minimum, functions.binary(FunctionKind::maximum, rounded, functions.constant(0)),
      functions.constant(63));
  const FunctionId negative = functions.slice(sum, 40, 1);
  const FunctionId over = functions.binary(FunctionKind::less, functions.constant(63), rounded);
  const FunctionId made =
      functions.choose(negative, functions.constant(0),
                       functions.choose(over, functions.constant(63), functions.slice(sum, 9, 6)));
  const Bounds bounds{-(Integer{1} << 40), Integer{1} << 39};
  const Agreement agreement = functions.agree(wanted, made, bounds);
  EXPECT_TRUE(agreement.proven);
  EXPECT_STREQ(agreement.method, "pieces");

  const FunctionId wrong = functions.choose(
      functions.binary(FunctionKind::equal, t, functions.constant(123'457)), functions.constant(5), made);
  const Agreement refuted = functions.agree(wanted, wrong, bounds);
  EXPECT_FALSE(refuted.proven);
  ASSERT_TRUE(refuted.counterexample);
  EXPECT_EQ(to_string(*refuted.counterexample), "123457");
}

TEST(Functions, BoundsHoldAllValues) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    Functions functions;
    RandomFunction random(functions, 1000 + seed);
    const FunctionId f = random.make(7);
    const Bounds t{random.between(-300, 0), random.between(0, 300)};
    const Bounds bounds = functions.bounds(f, t);
    for (Integer at = t.low; at <= t.high; ++at) {
      const Integer value = functions.evaluate(f, at);
      ASSERT_TRUE(bounds.low <= value && value <= bounds.high) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace crible::sim::proof
