#include "engine/pipeline/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace crible::pipeline {
namespace {

TEST(Histogram, is_exact_for_short_times) {
  auto histogram = std::make_unique<Histogram>();
  for (int ns = 1; ns <= 1000; ++ns) histogram->add(ns);
  EXPECT_EQ(histogram->percentile_ns(0.5), 500);
  EXPECT_EQ(histogram->percentile_ns(0.99), 990);
  EXPECT_EQ(histogram->percentile_ns(0.999), 999);
  EXPECT_EQ(histogram->percentile_ns(1.0), 1000);
  EXPECT_EQ(histogram->percentile_ns(0.0), 1);
}

TEST(Histogram, keeps_three_digits_of_long_times) {
  std::mt19937_64 random(3);
  auto histogram = std::make_unique<Histogram>();
  std::vector<std::int64_t> times;
  std::uniform_real_distribution<double> logarithm(0, 39);
  for (int i = 0; i < 20'000; ++i) {
    times.push_back(static_cast<std::int64_t>(std::exp2(logarithm(random))));
    histogram->add(times.back());
  }
  std::ranges::sort(times);
  for (double part : {0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(times.size())));
    const auto exact = static_cast<double>(times[rank - 1]);
    const auto found = static_cast<double>(histogram->percentile_ns(part));
    EXPECT_GE(found, exact) << part;
    EXPECT_LE(found, exact * (1 + 1.0 / 1000)) << part;
  }
  EXPECT_EQ(histogram->max_ns(), times.back());
}

TEST(Histogram, holds_negative_and_endless_times_at_its_ends) {
  auto histogram = std::make_unique<Histogram>();
  histogram->add(-5);
  histogram->add(std::int64_t{1} << 60);
  EXPECT_EQ(histogram->count(), 2u);
  EXPECT_EQ(histogram->percentile_ns(0.5), 0);
}

TEST(Histogram, sums_are_exact) {
  auto a = std::make_unique<Histogram>(), b = std::make_unique<Histogram>(),
       all = std::make_unique<Histogram>();
  for (int i = 0; i < 5000; ++i) {
    (i % 3 == 0 ? a : b)->add(i * 37);
    all->add(i * 37);
  }
  a->add(*b);
  for (double part : {0.1, 0.5, 0.99, 0.999}) EXPECT_EQ(a->percentile_ns(part), all->percentile_ns(part));
  EXPECT_EQ(a->count(), all->count());
  EXPECT_EQ(a->max_ns(), all->max_ns());
}

}  // namespace
}  // namespace crible::pipeline
