#include "hls/adder_program.hpp"

#include <gtest/gtest.h>

#include <random>

namespace crible::hls {
namespace {

struct Product {
  std::vector<std::int64_t> weights;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
};

Product random_product(std::size_t inputs, std::size_t outputs, int bits, std::uint32_t seed) {
  std::mt19937 random(seed);
  Product product{{}, inputs, outputs};
  for (std::size_t i = 0; i < inputs * outputs; ++i)
    product.weights.push_back(static_cast<std::int64_t>(random() % (1u << bits)) - (1 << (bits - 1)));
  return product;
}

struct Built {
  Graph graph;
  std::vector<WordId> outputs;
};

Built build(const Product& product, int extra_depth) {
  const Interval byte{-128, 127};
  const AdderProgram program =
      share(product.weights, std::vector<Interval>(product.inputs, byte), extra_depth);
  Built built;
  std::vector<WordId> words;
  for (std::size_t k = 0; k < product.inputs; ++k)
    words.push_back(built.graph.input(0, static_cast<int>(k), byte));
  for (const Form& row : instantiate(built.graph, program, words))
    built.outputs.push_back(materialise(built.graph, row));
  return built;
}

int adders(const Graph& graph) {
  int count = 0;
  for (const Word& word : graph.words()) count += word.op == WordOp::add || word.op == WordOp::subtract;
  return count;
}

TEST(AdderProgram, GivesTheProduct) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const Product product = random_product(1 + seed % 9, 1 + seed % 7, 2 + static_cast<int>(seed % 10), seed);
    const Built built = build(product, static_cast<int>(seed % 4) - 1);
    std::mt19937 random(seed);
    for (int event = 0; event < 30; ++event) {
      std::vector<std::int64_t> x;
      for (std::size_t k = 0; k < product.inputs; ++k)
        x.push_back(event == 0 ? -128 : static_cast<std::int64_t>(random() % 256) - 128);
      const std::vector<std::int64_t> words = evaluate(built.graph, {x});
      for (std::size_t o = 0; o < product.outputs; ++o) {
        std::int64_t wanted = 0;
        for (std::size_t k = 0; k < product.inputs; ++k)
          wanted += product.weights[o * product.inputs + k] * x[k];
        ASSERT_EQ(words[static_cast<std::size_t>(built.outputs[o])], wanted) << "seed " << seed;
      }
    }
  }
}

TEST(AdderProgram, SharesWhatRowsHaveInCommon) {
  const Product product = random_product(16, 32, 6, 7);
  int digits = 0;
  for (const std::int64_t weight : product.weights)
    digits += static_cast<int>(canonical_digits(weight).size());
  const int without_sharing = digits - 32;
  EXPECT_LT(adders(build(product, 2).graph), without_sharing * 65 / 100);
  // Two rows that are equal up to sign and shift cost one.
  EXPECT_EQ(adders(build({{3, 5, -6, -10}, 2, 2}, -1).graph), adders(build({{3, 5}, 2, 1}, -1).graph) + 1);
}

TEST(AdderProgram, KeepsTheDepth) {
  const Product product = random_product(16, 16, 6, 3);
  int deepest = 0;
  const Graph shallow = build(product, 0).graph;
  for (const Word& word : shallow.words()) deepest = std::max(deepest, word.arrival);
  std::size_t longest = 0;
  for (std::size_t o = 0; o < 16; ++o) {
    std::size_t digits = 0;
    for (std::size_t k = 0; k < 16; ++k) digits += canonical_digits(product.weights[o * 16 + k]).size();
    longest = std::max(longest, digits);
  }
  int levels = 0;
  while ((std::size_t{1} << levels) < longest) ++levels;
  EXPECT_LE(deepest, (levels + 1) * adder_delay_units);  // one more to turn the sign of a row that needs it
}

TEST(CanonicalDigits, AreFewAndNeverNeighbours) {
  for (std::int64_t number = -600; number <= 600; ++number) {
    std::int64_t sum = 0;
    int last = -2;
    for (const Digit& digit : canonical_digits(number)) {
      EXPECT_GT(digit.shift, last + 1);
      last = digit.shift;
      sum += (digit.negative ? -1 : 1) * (std::int64_t{1} << digit.shift);
    }
    EXPECT_EQ(sum, number);
  }
}

}  // namespace
}  // namespace crible::hls
