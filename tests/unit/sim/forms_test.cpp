// Forms made at random, followed by numbers: what a form is said to be must be what it is for every input.

#include "sim/proof/forms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "sim/proof/words.hpp"

namespace crible::sim::proof {
namespace {

constexpr std::size_t inputs = 40;  // assignments that are followed

/// A form and what it must be for each assignment.
struct Followed {
  FormId form = -1;
  std::vector<Integer> values;
};

/// Makes forms of random operations and keeps their values beside them.
class RandomForms {
 public:
  explicit RandomForms(std::uint32_t seed) : random_(seed) {
    for (int i = 0; i < 4; ++i) {
      const Bounds bounds{i % 2 == 0 ? -between(1, 40) : 0, between(1, 70)};
      Followed variable{forms.variable(bounds), {}};
      for (std::size_t k = 0; k < inputs; ++k) {
        const bool end = k < 8;  // corners first
        variable.values.push_back(end ? ((k >> (i % 3)) & 1) != 0 ? bounds.high : bounds.low
                                      : between(static_cast<int>(bounds.low), static_cast<int>(bounds.high)));
      }
      variables.push_back(variable);
      made.push_back(variable);
    }
  }

  void step() {
    const Followed a = any();
    const Followed b = any();
    const Followed c = any();
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2: {
        const int i = between(-4, 4);
        const int j = between(-9, 9);
        const int constant = between(-50, 50);
        return keep(forms.sum({{a.form, i}, {b.form, j}}, constant),
                    [&](std::size_t k) { return i * a.values[k] + j * b.values[k] + constant; });
      }
      case 3:
      case 4: {
        const int low = between(0, 4);
        const int width = between(1, 8);
        const bool sign = random_() % 2 == 0;
        return keep(forms.slice(a.form, low, width, sign), [&](std::size_t k) {
          const Integer shifted = floor_shift(a.values[k], low);
          return sign ? low_bits_signed(shifted, width) : low_bits(shifted, width);
        });
      }
      case 5: {
        const int low = between(0, 5);
        return keep(forms.slice(a.form, low, 0),
                    [&](std::size_t k) { return floor_shift(a.values[k], low); });
      }
      case 6: {
        const int low = between(-60, 20);
        const int high = low + between(0, 90);
        const FormId form = forms.clamp(a.form, low, high);
        forms.tighten(form);
        return keep(form, [&](std::size_t k) { return std::clamp<Integer>(a.values[k], low, high); });
      }
      case 7:
        return keep(forms.less(a.form, b.form),
                    [&](std::size_t k) { return a.values[k] < b.values[k] ? 1 : 0; });
      case 8:
        return keep(forms.choose(forms.less(a.form, b.form), b.form, c.form),
                    [&](std::size_t k) { return a.values[k] < b.values[k] ? b.values[k] : c.values[k]; });
      case 9:
        return keep(forms.maximum({a.form, b.form, c.form}), [&](std::size_t k) {
          return std::max({a.values[k], b.values[k], c.values[k]});
        });
      case 10: {
        const int width = between(2, 9);
        return keep(forms.slice(forms.recognize(a.form, width), 0, width),
                    [&](std::size_t k) { return low_bits(a.values[k], width); });
      }
      default: {
        // A word of the lowest bits, read back with or without sign, extended or cut.
        const int width = between(2, 10);
        const bool sign = random_() % 2 == 0;
        Bits bits = bits_of(forms, a.form, width);
        if (random_() % 3 == 0) bits.resize(static_cast<std::size_t>(width) + 2, bits.back());
        if (random_() % 4 == 0) bits.insert(bits.begin(), BitId{-1, 0});
        const auto value = [&](std::size_t k) {
          Integer word = 0;
          for (std::size_t i = 0; i < bits.size(); ++i) {
            if (bit_of(bits[i], k)) word += power_of_two(static_cast<int>(i));
          }
          const int all = static_cast<int>(bits.size());
          return sign ? low_bits_signed(word, all) : word;
        };
        std::vector<Integer> expected;
        for (std::size_t k = 0; k < inputs; ++k) expected.push_back(value(k));
        return keep(integer_word(forms, bits, sign), [&](std::size_t k) { return expected[k]; });
      }
    }
  }

  /// The value of a bit, by the form that it names.
  bool bit_of(BitId bit, std::size_t k) {
    if (bit.is_constant()) return bit.index == 1;
    return (floor_shift(value_of(bit.form, k), bit.index) & 1) != 0;
  }
  Integer value_of(FormId form, std::size_t k) {
    Assignment assignment(forms);
    for (const Followed& variable : variables) assignment.set(variable.form, variable.values[k]);
    return assignment.value(form);
  }

  Forms forms;
  std::vector<Followed> variables;
  std::vector<Followed> made;

 private:
  int between(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<unsigned>(high - low + 1));
  }
  const Followed& any() { return made[random_() % made.size()]; }

  template <class Value>
  void keep(FormId form, Value value) {
    Followed followed{form, {}};
    for (std::size_t k = 0; k < inputs; ++k) followed.values.push_back(value(k));
    made.push_back(std::move(followed));
  }

  std::mt19937 random_;
};

void check(RandomForms& random, std::uint32_t seed) {
  for (std::size_t m = 0; m < random.made.size(); ++m) {
    const Followed& of = random.made[m];
    const Bounds bounds = random.forms.bounds(of.form);
    for (std::size_t k = 0; k < inputs; ++k) {
      ASSERT_EQ(to_string(random.value_of(of.form, k)), to_string(of.values[k]))
          << "seed " << seed << ", form " << m << ": " << random.forms.text(of.form);
      ASSERT_TRUE(bounds.low <= of.values[k] && of.values[k] <= bounds.high)
          << "seed " << seed << ", form " << m << " = " << to_string(of.values[k]) << " outside "
          << to_string(bounds.low) << ".." << to_string(bounds.high);
      for (const int bit : {0, 1, 3, 6, 9, 14}) {
        ASSERT_EQ(random.bit_of(random.forms.bit(of.form, bit), k), (floor_shift(of.values[k], bit) & 1) != 0)
            << "seed " << seed << ", form " << m << ", bit " << bit;
      }
    }
  }
}

TEST(Forms, RandomOnesHaveTheValuesBoundsAndBitsOfWhatTheySay) {
  int treated = 0;
  for (std::uint32_t seed = 0; seed < 250; ++seed) {
    RandomForms random(seed);
    for (int i = 0; i < 24; ++i) {
      try {
        random.step();
        ++treated;
      } catch (const Untreated&) {
      }
    }
    check(random, seed);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(treated, 4000);
}

/// Saturated ends that are alike in one function only, or constant at different values, are no agreement.
TEST(Forms, EndsThatSaturateDifferentlyAreRefuted) {
  Functions functions;
  const FunctionId t = functions.argument();
  const auto clamped = [&](Integer low, Integer high) {
    return functions.binary(FunctionKind::minimum,
                            functions.binary(FunctionKind::maximum, t, functions.constant(low)),
                            functions.constant(high));
  };
  const Bounds bounds{-(Integer{1} << 30), Integer{1} << 30};
  const FunctionId f = clamped(0, 63);
  for (const FunctionId g :
       {clamped(0, 62), clamped(1, 63), functions.binary(FunctionKind::maximum, t, functions.constant(0))}) {
    const Agreement agreement = functions.agree(f, g, bounds);
    EXPECT_FALSE(agreement.proven);
    ASSERT_TRUE(agreement.counterexample);
    EXPECT_NE(functions.evaluate(f, *agreement.counterexample),
              functions.evaluate(g, *agreement.counterexample));
  }
  const FunctionId beyond =
      functions.choose(functions.binary(FunctionKind::equal, t, functions.constant(bounds.high - 5)),
                       functions.constant(5), f);
  EXPECT_FALSE(functions.agree(f, beyond, bounds).proven);
  EXPECT_TRUE(functions.agree(f, functions.linear({{clamped(-7, 56), 1}}, 0), {8, 40}).proven);
}

}  // namespace
}  // namespace crible::sim::proof
