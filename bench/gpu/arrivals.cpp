#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "backends/backend.hpp"
#include "bench/gpu/sections.hpp"
#include "bench/instrument/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {
namespace {

using backends::Program;
using backends::Slot;
using backends::Status;
using nlohmann::ordered_json;

constexpr std::size_t most_events = 256;  // of a batch
constexpr std::size_t held_batches = 64;  // inputs and right answers, used in turn

using Rows = std::vector<std::vector<std::byte>>;  // by input or output, most_events rows each

std::unique_ptr<Program> compile(const network::Network& network, const std::string& device) {
  backends::CompileOptions options;
  options.device = device;
  options.max_batch = most_events;
  options.slots = 8;
  return backends::find(device.substr(0, device.find(':'))).compile(network, options);
}

/// Random inputs with the answers of the CPU backend, which bench_gpu compares with the reference.
struct Held {
  std::vector<Rows> inputs;
  std::vector<Rows> outputs;

  explicit Held(const network::Network& network) {
    std::mt19937_64 random(5);
    const auto cpu = backends::find("cpu").compile(network, {.max_batch = most_events, .slots = 1});
    const Slot& slot = cpu->slots()[0];
    const auto copies = [](const std::vector<std::span<std::byte>>& arrays) {
      Rows rows;
      for (const auto& array : arrays) rows.emplace_back(array.begin(), array.end());
      return rows;
    };
    for (std::size_t b = 0; b < held_batches; ++b) {
      for (std::size_t i = 0; i < slot.inputs.size(); ++i) {
        const auto id = static_cast<std::size_t>(inputs_of(network)[i]);
        const network::Type type = network.nodes[id].type;
        if (type.width != static_cast<int>(8 * network::storage_bytes(type)))
          throw Error("arrivals need a network whose inputs fill their bytes", Fault::failure);
        for (std::byte& byte : slot.inputs[i]) byte = static_cast<std::byte>(random());
      }
      if (cpu->run(0, most_events) != Status::ok) throw Error("the CPU failed", Fault::failure);
      inputs.push_back(copies(slot.inputs));
      outputs.push_back(copies(slot.outputs));
    }
  }
};

struct Load {
  std::size_t batch = 64;
  std::size_t threads = 1;
  std::size_t batches = 0;
  double event_ns = 25;
  std::int64_t start_ns = 0;

  std::int64_t arrival_ns(std::size_t event) const {
    return start_ns + static_cast<std::int64_t>(event_ns * static_cast<double>(event + 1));
  }
};

/// One thread: every so-manieth batch, as soon as its last event has arrived.
class Worker {
 public:
  Worker(Program& program, const Held& held) : program_(program), held_(held) {}

  void run(const Load& load, std::size_t first) {
    load_ = load;
    flights_.assign(program_.slots().size(), {});
    for (std::size_t batch = first; batch < load.batches && !failed; batch += load.threads) {
      const std::int64_t due_ns = load.arrival_ns((batch + 1) * load.batch - 1);
      do {
        poll_all();
      } while (clock_.now_ns() < due_ns);
      const std::size_t slot = free_slot();
      if (!failed) submit(slot, batch);
    }
    while (!failed && std::ranges::any_of(flights_, &Flight::up)) poll_all();
  }

  pipeline::Histogram latency;
  std::int64_t last_ns = 0;
  std::uint64_t checked = 0;
  std::uint64_t wrong = 0;
  bool failed = false;

 private:
  struct Flight {
    bool up = false;
    std::size_t batch = 0;
  };

  std::size_t free_slot() {
    for (;;) {
      for (std::size_t slot = 0; slot < flights_.size(); ++slot) {
        if (!flights_[slot].up) return slot;
      }
      poll_all();
      if (failed) return 0;
    }
  }

  void submit(std::size_t slot, std::size_t batch) {
    const Slot& memory = program_.slots()[slot];
    const Rows& from = held_.inputs[batch % held_batches];
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::memcpy(memory.inputs[i].data(), from[i].data(), from[i].size() / most_events * load_.batch);
    }
    failed = program_.submit(slot, load_.batch) != Status::ok;
    flights_[slot] = {true, batch};
  }

  void poll_all() {
    for (std::size_t slot = 0; slot < flights_.size(); ++slot) {
      if (!flights_[slot].up) continue;
      const Status status = program_.poll(slot);
      if (status == Status::pending) continue;
      flights_[slot].up = false;
      if (status != Status::ok) {
        failed = true;
      } else {
        answered(slot, flights_[slot].batch);
      }
    }
  }

  /// The first tenth of the batches warms up.
  void answered(std::size_t slot, std::size_t batch) {
    constexpr std::size_t check_every = 16;
    const std::int64_t now_ns = clock_.now_ns();
    last_ns = now_ns;
    if (batch >= load_.batches / 10) {
      for (std::size_t e = 0; e < load_.batch; ++e)
        latency.add(now_ns - load_.arrival_ns(batch * load_.batch + e));
    }
    if (batch / load_.threads % check_every != 0) return;
    ++checked;
    const Rows& right = held_.outputs[batch % held_batches];
    for (std::size_t o = 0; o < right.size(); ++o) {
      const std::size_t bytes = right[o].size() / most_events * load_.batch;
      if (std::memcmp(program_.slots()[slot].outputs[o].data(), right[o].data(), bytes) != 0) ++wrong;
    }
  }

  Program& program_;
  const Held& held_;
  Clock clock_;
  Load load_;
  std::vector<Flight> flights_;
};

ordered_json one_run(std::vector<std::unique_ptr<Program>>& programs, const Held& held, Load load,
                     const Arrivals& options) {
  load.event_ns = 1e9 / options.events_per_s;
  load.batches = static_cast<std::size_t>(options.events_per_s * options.seconds) / load.batch;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t t = 0; t < load.threads; ++t)
    workers.push_back(std::make_unique<Worker>(*programs[t], held));
  load.start_ns = Clock::system_ns() + 20'000'000;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < load.threads; ++t) threads.emplace_back([&, t] { workers[t]->run(load, t); });
  }
  pipeline::Histogram latency;
  std::int64_t last_ns = load.start_ns;
  std::uint64_t checked = 0, wrong = 0;
  for (const auto& worker : workers) {
    if (worker->failed) throw Error("a batch failed under load on " + programs[0]->device(), Fault::failure);
    latency.add(worker->latency);
    last_ns = std::max(last_ns, worker->last_ns);
    checked += worker->checked;
    wrong += worker->wrong;
  }
  if (wrong != 0) throw Error(programs[0]->device() + " gives wrong answers under load", Fault::failure);
  const double elapsed_ns = static_cast<double>(last_ns - load.start_ns);
  return {{"batch", load.batch},
          {"threads", load.threads},
          {"events_per_s", 1e9 * static_cast<double>(load.batches * load.batch) / elapsed_ns},
          {"p50_ns", latency.percentile_ns(0.5)},
          {"p99_ns", latency.percentile_ns(0.99)},
          {"p999_ns", latency.percentile_ns(0.999)},
          {"max_ns", latency.max_ns()},
          {"batches_checked", checked}};
}

}  // namespace

ordered_json arrivals(const network::Network& network, const Arrivals& options) {
  if (options.device.empty()) return {{"absent", "there is no GPU that can be used"}};
  const Held held(network);
  std::vector<std::unique_ptr<Program>> programs;
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = std::clamp<std::size_t>(cores / 2, 1, options.most_threads);
  for (std::size_t t = 0; t < threads; ++t) programs.push_back(compile(network, options.device));
  ordered_json result{{"device", programs[0]->device()},
                      {"network", network.name},
                      {"offered_events_per_s", options.events_per_s},
                      {"target_p99_ns", 12500}};
  const ordered_json* best = nullptr;
  ordered_json runs = ordered_json::array();
  for (std::size_t count = 1; count <= threads; count *= 2) {
    for (const std::size_t batch : {16u, 32u, 64u, 128u, 256u}) {
      runs.push_back(one_run(programs, held, {.batch = batch, .threads = count}, options));
    }
  }
  for (const ordered_json& run : runs) {
    const bool held_rate = run["events_per_s"].get<double>() > 0.99 * options.events_per_s;
    if (held_rate && (best == nullptr || run["p99_ns"] < (*best)["p99_ns"])) best = &run;
  }
  result["best"] = best == nullptr ? ordered_json("no run held the rate") : *best;
  result["runs"] = runs;
  return result;
}

}  // namespace crible::bench
