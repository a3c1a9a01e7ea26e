#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/conformance/check.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::conformance {
namespace {

constexpr std::size_t largest_batch = 1025;

class Batches : public testing::TestWithParam<network::Network (*)()> {
 protected:
  const network::Network network_ = GetParam()();
  const Events events_ = make_events(network_, largest_batch, 3);
  const Events wanted_ = expected(network_, events_);

  /// Runs the events of `order` in one call of `run`.
  void expect_equal(Prepared& prepared, const std::vector<std::size_t>& order) const {
    Events batch;
    for (const std::size_t e : order) batch.push_back(events_[e]);
    const Events got = prepared.run(batch);
    ASSERT_EQ(got.size(), order.size());
    for (std::size_t i = 0; i < order.size(); ++i) ASSERT_EQ(got[i], wanted_[order[i]]) << "place " << i;
  }
};

std::vector<std::size_t> counting(std::size_t first, std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), first);
  return order;
}

TEST_P(Batches, EverySizeFrom1To1025) {
  for (const Executor& executor : executors()) {
    if (executor.name == "reference") continue;  // it has no batches
    SCOPED_TRACE(executor.name);
    const auto prepared = executor.prepare(network_, largest_batch);
    ASSERT_EQ(prepared->proof(), executor.name);
    // Host C takes one event after the other, slowly: all small sizes, and then some.
    const std::size_t step = executor.name.starts_with("host") ? 97 : 1;
    for (std::size_t size = 1; size <= largest_batch; size += size < 64 ? 1 : step) {
      SCOPED_TRACE(size);
      expect_equal(*prepared, counting((size * 7) % (largest_batch - size + 1), size));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Batches, EverySmallCapacity) {
  for (const Executor& executor : executors()) {
    for (std::size_t capacity = 1; capacity <= 70; ++capacity) {
      ASSERT_EQ(compare(executor, network_, {events_.begin(), events_.begin() + 70},
                        {wanted_.begin(), wanted_.begin() + 70}, capacity),
                "");
    }
  }
}

TEST_P(Batches, OrderAndSplittingChangeNothing) {
  std::mt19937 random(4);
  for (const Executor& executor : executors()) {
    SCOPED_TRACE(executor.name);
    const auto prepared = executor.prepare(network_, largest_batch);
    std::vector<std::size_t> order = counting(0, largest_batch);
    for (int round = 0; round < 3; ++round) {
      std::shuffle(order.begin(), order.end(), random);
      for (std::size_t done = 0; done < order.size();) {
        const std::size_t part = std::min<std::size_t>(1 + random() % 300, order.size() - done);
        const auto begin = order.begin() + static_cast<std::ptrdiff_t>(done);
        expect_equal(*prepared, {begin, begin + static_cast<std::ptrdiff_t>(part)});
        if (HasFatalFailure()) return;
        done += part;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Batches,
                         testing::Values(&sample_mlp, &sample_cnn, &sample_trees, &sample_recurrent));

}  // namespace
}  // namespace crible::conformance
