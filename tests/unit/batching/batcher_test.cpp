#include "engine/batching/batcher.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "tests/unit/batching/fake_program.hpp"

namespace crible::batching {
namespace {

/// Keeps every answer by (network, event, object).
struct Collected : Answers {
  void answered(std::size_t network, std::span<const Request> requests, const backends::Slot& slot,
                const BatchTimes& when) noexcept override {
    order.push_back(network);
    EXPECT_LE(when.started_ns, when.finished_ns);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      std::int32_t value;
      std::memcpy(&value, slot.outputs[0].data() + 4 * i, 4);
      ++times[{network, requests[i].event, requests[i].object}];
      values[{network, requests[i].event, requests[i].object}] = value;
    }
  }
  void failed(std::size_t, std::span<const Request> requests, const BatchTimes&) noexcept override {
    lost += requests.size();
  }

  std::map<std::tuple<std::size_t, std::uint32_t, std::uint32_t>, int> values, times;
  std::vector<std::size_t> order;
  std::size_t lost = 0;
};

struct Bench {
  explicit Bench(const std::vector<std::string>& devices, std::size_t max_batch = 4, std::size_t slots = 2,
                 bool synchronous = true) {
    std::vector<std::unique_ptr<backends::Program>> list;
    for (const std::string& device : devices) {
      auto program = std::make_unique<FakeProgram>(device, max_batch, slots, synchronous);
      programs.push_back(program.get());
      list.push_back(std::move(program));
    }
    batcher = std::make_unique<Batcher>(std::move(list));
  }

  bool add(std::size_t network, Request request, std::int32_t value, std::int64_t deadline_ns) {
    const auto row = batcher->claim(network, request, deadline_ns);
    if (row.empty()) return false;
    std::memcpy(row[0], &value, 4);
    return true;
  }

  std::vector<FakeProgram*> programs;
  std::unique_ptr<Batcher> batcher;
  Collected answers;
};

constexpr std::int64_t far_ns = 1'000'000'000'000;

TEST(Batcher, a_full_batch_goes) {
  Bench bench({"a"});
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(bench.add(0, {i, 0}, 10 + static_cast<int>(i), far_ns));
  EXPECT_FALSE(bench.batcher->any_full());
  EXPECT_EQ(bench.batcher->pump(0, Urgency::due, bench.answers), 0u);
  ASSERT_TRUE(bench.add(0, {3, 0}, 13, far_ns));
  EXPECT_TRUE(bench.batcher->any_full());
  EXPECT_EQ(bench.batcher->pump(0, Urgency::due, bench.answers), 4u);
  EXPECT_EQ((bench.answers.values[{0, 2, 0}]), 13);
  EXPECT_EQ(bench.batcher->counters(0).full, 1u);
  EXPECT_EQ(bench.batcher->waiting(), 0u);
}

TEST(Batcher, a_batch_that_is_not_full_goes_before_its_oldest_deadline_breaks) {
  Bench bench({"a"});
  bench.add(0, {0, 0}, 1, far_ns);
  bench.add(0, {1, 0}, 2, far_ns / 2);
  const std::int64_t due_ns = bench.batcher->next_due_ns();
  EXPECT_LT(due_ns, far_ns / 2);
  EXPECT_GT(due_ns, far_ns / 2 - 10'000'000);
  EXPECT_EQ(bench.batcher->pump(due_ns - 1, Urgency::due, bench.answers), 0u);
  EXPECT_EQ(bench.batcher->pump(due_ns, Urgency::due, bench.answers), 2u);
  EXPECT_EQ(bench.batcher->counters(0).deadline, 1u);
  EXPECT_EQ(bench.batcher->next_due_ns(), Batcher::never);
}

TEST(Batcher, the_time_of_other_networks_on_the_device_counts) {
  Bench shared({"a", "a"});
  Bench apart({"a", "b"});
  for (Bench* bench : {&shared, &apart}) {
    bench->add(0, {0, 0}, 1, far_ns);
    bench->add(1, {0, 0}, 1, far_ns);
  }
  const auto time_ns = [](Bench& bench, std::size_t n) { return bench.batcher->time_model(n).predict_ns(1); };
  const std::int64_t both_ns = time_ns(shared, 0) + time_ns(shared, 1);
  const std::int64_t longer_ns = std::max(time_ns(apart, 0), time_ns(apart, 1));
  EXPECT_EQ(far_ns - shared.batcher->next_due_ns(), both_ns + 20'000);
  EXPECT_EQ(far_ns - apart.batcher->next_due_ns(), longer_ns + 20'000);
}

TEST(Batcher, the_earliest_deadline_goes_first) {
  Bench bench({"a", "a", "a"});
  bench.add(0, {0, 0}, 1, far_ns + 2);
  bench.add(1, {0, 0}, 1, far_ns + 1);
  bench.add(2, {0, 0}, 1, far_ns + 3);
  bench.batcher->pump(0, Urgency::idle, bench.answers);
  EXPECT_EQ(bench.answers.order, (std::vector<std::size_t>{1, 0, 2}));
  EXPECT_EQ(bench.batcher->counters(1).idle, 1u);
}

TEST(Batcher, an_idle_caller_waits_for_a_busy_device) {
  Bench bench({"a"}, 4, 3, false);
  bench.add(0, {0, 0}, 1, far_ns);
  bench.batcher->pump(0, Urgency::idle, bench.answers);
  EXPECT_TRUE(bench.batcher->in_flight());
  bench.add(0, {1, 0}, 2, far_ns);
  bench.add(0, {2, 0}, 3, far_ns);
  bench.batcher->pump(0, Urgency::idle, bench.answers);
  EXPECT_EQ(bench.programs[0]->submitted, (std::vector<std::size_t>{1}));
  bench.programs[0]->finish(0);
  bench.batcher->pump(0, Urgency::idle, bench.answers);
  EXPECT_EQ(bench.programs[0]->submitted, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ((bench.answers.values[{0, 0, 0}]), 2);
}

TEST(Batcher, refuses_rows_when_every_slot_is_in_flight) {
  Bench bench({"a"}, 2, 2, false);
  for (std::uint32_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(bench.add(0, {i, 0}, 0, far_ns));
    bench.batcher->pump(0, Urgency::due, bench.answers);
  }
  EXPECT_FALSE(bench.add(0, {4, 0}, 0, far_ns));
  EXPECT_EQ(bench.batcher->waiting(), 4u);
  bench.programs[0]->finish(1);
  EXPECT_EQ(bench.batcher->pump(0, Urgency::due, bench.answers), 2u);
  EXPECT_TRUE(bench.add(0, {4, 0}, 7, far_ns));
  bench.programs[0]->finish(0);
  bench.batcher->pump(0, Urgency::now, bench.answers);
  bench.programs[0]->finish(1);
  bench.batcher->pump(0, Urgency::now, bench.answers);
  EXPECT_EQ(bench.batcher->waiting(), 0u);
  EXPECT_EQ((bench.answers.values[{0, 4, 0}]), 8);
}

TEST(Batcher, a_failed_device_loses_nothing_uncounted) {
  Bench bench({"a"});
  bench.programs[0]->broken = true;
  for (std::uint32_t i = 0; i < 4; ++i) bench.add(0, {i, 0}, 0, far_ns);
  bench.batcher->pump(0, Urgency::due, bench.answers);
  EXPECT_EQ(bench.answers.lost, 4u);
  EXPECT_EQ(bench.batcher->counters(0).failed, 1u);
  EXPECT_EQ(bench.batcher->waiting(), 0u);
}

TEST(Batcher, objects_of_many_events_scatter_back_in_any_order) {
  std::mt19937 random(7);
  Bench bench({"a", "b", "a"}, 8, 3, false);
  std::map<std::tuple<std::size_t, std::uint32_t, std::uint32_t>, int> expected;
  std::int64_t time_ns = 0;
  const auto pump = [&](Urgency urgency) {
    for (FakeProgram* program : bench.programs) {
      if (random() % 2 == 0) program->finish(random() % 3);
    }
    bench.batcher->pump(++time_ns, urgency, bench.answers);
  };
  for (std::uint32_t event = 0; event < 2000; ++event) {
    for (std::size_t network = 0; network < 3; ++network) {
      const std::uint32_t objects = random() % 4;
      for (std::uint32_t object = 0; object < objects; ++object) {
        const int value = static_cast<int>(random() % 100'000);
        while (!bench.add(network, {event, object}, value, far_ns - random() % 1000)) pump(Urgency::due);
        expected[{network, event, object}] = value + 1;
      }
    }
    pump(random() % 5 == 0 ? Urgency::idle : Urgency::due);
  }
  while (bench.batcher->waiting() != 0) pump(Urgency::now);
  EXPECT_EQ(bench.answers.values, expected);
  for (const auto& [key, times] : bench.answers.times) ASSERT_EQ(times, 1);
}

}  // namespace
}  // namespace crible::batching
