#include "sim/check.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/reference/reference.hpp"

namespace crible::sim {

namespace {

constexpr int most_shrink_runs = 120;
constexpr std::size_t events_between_resets = 2000;

Driven driven(const network::Network& network, const Binding& binding, const Event& event) {
  Driven result;
  result.inputs = pack_inputs(network, binding, event);
  result.expected = pack_outputs(network, binding, reference::evaluate_all(network, event));
  result.idle_cycles = static_cast<std::uint32_t>(binding.initiation_interval - 1);
  return result;
}

/// The events of one process and where they are in the whole list.
struct Part {
  std::size_t first = 0;
  Schedule schedule;
  Simulated result;
  std::exception_ptr problem;
};

/// How large an event is: shrinking makes this smaller.
double size_of(const Event& event) {
  double size = 0;
  for (const auto& row : event) {
    for (const std::int64_t value : row)
      size += value == 0 ? 0 : 1000 + static_cast<double>(std::min<std::int64_t>(999, std::abs(value)));
  }
  return size;
}

/// Smaller events to try: runs of elements set to zero, single ones halved, one less, or a power of two.
std::vector<Event> smaller(const network::Network& network, const Event& event) {
  const std::vector<network::NodeId> inputs = network::inputs_of(network);
  std::vector<Event> candidates;
  for (std::size_t i = 0; i < event.size(); ++i) {
    const network::Type type = network.nodes[static_cast<std::size_t>(inputs[i])].type;
    const std::size_t count = event[i].size();
    for (std::size_t run = count; run > 0 && candidates.size() < 400; run /= 2) {
      for (std::size_t first = 0; first < count && candidates.size() < 400; first += run) {
        Event candidate = event;
        std::fill_n(candidate[i].begin() + static_cast<std::ptrdiff_t>(first), std::min(run, count - first),
                    0);
        if (size_of(candidate) < size_of(event)) candidates.push_back(std::move(candidate));
      }
    }
    for (std::size_t k = 0; k < count && candidates.size() < 800; ++k) {
      const std::int64_t sign = event[i][k] > 0 ? 1 : -1;
      std::vector<std::int64_t> values = {event[i][k] / 2, event[i][k] - sign};
      for (std::int64_t power = 1; power < std::abs(event[i][k]); power *= 2) values.push_back(sign * power);
      for (const std::int64_t value : values) {
        if (event[i][k] == 0 || !network::contains(type, value)) continue;
        Event candidate = event;
        candidate[i][k] = value;
        candidates.push_back(std::move(candidate));
      }
    }
  }
  return candidates;
}

class Checker {
 public:
  Checker(const network::Network& network, const Binding& binding, const Model& model,
          const CheckOptions& options)
      : network_(network), binding_(binding), model_(model), options_(options) {}

  Checked run() {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Event> events = make_events(network_, options_);
    std::vector<Part> parts = split(events);
    simulate(parts);
    Checked checked;
    std::optional<Found> first;
    bool ever_valid = false;
    for (const Part& part : parts) {
      checked.vectors += part.schedule.compared;
      checked.cycles += part.result.cycles;
      checked.mismatches += part.result.findings;
      ever_valid = ever_valid || part.result.ever_valid;
      if (first || part.result.first.empty()) continue;
      first = part.result.first.front();
      first->event += static_cast<std::uint32_t>(part.first);
    }
    if (!binding_.valid_out.empty() && !ever_valid) {
      throw Error("Module '" + binding_.top + "' never raised '" + binding_.valid_out + "' in " +
                      std::to_string(checked.cycles) + " cycles; check the binding's clock, reset and valid.",
                  Fault::failure);
    }
    if (first) checked.first = describe(*first, events[first->event]);
    checked.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return checked;
  }

 private:
  std::vector<Part> split(const std::vector<Event>& events) const {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const std::size_t wanted = options_.processes > 0 ? static_cast<std::size_t>(options_.processes) : cores;
    const std::size_t count = std::clamp<std::size_t>(events.size() / 500, 1, wanted);
    std::vector<Part> parts(count);
    for (std::size_t i = 0; i < count; ++i) parts[i].first = i * events.size() / count;
    return parts;
  }

  /// Each part computes what it expects and runs in a process of its own.
  void simulate(std::vector<Part>& parts) const {
    const std::vector<Event> events = make_events(network_, options_);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t last = i + 1 < parts.size() ? parts[i + 1].first : events.size();
      threads.emplace_back([&, i, last] {
        try {
          const std::vector<Event> own(events.begin() + static_cast<std::ptrdiff_t>(parts[i].first),
                                       events.begin() + static_cast<std::ptrdiff_t>(last));
          parts[i].schedule = make_schedule(network_, binding_, own, options_.seed + i);
          parts[i].result = model_.run(parts[i].schedule.events, false);
        } catch (...) {
          parts[i].problem = std::current_exception();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Part& part : parts) {
      if (part.problem) std::rethrow_exception(part.problem);
    }
  }

  /// What is found for events that stand alone, with idle cycles around them.
  std::vector<Found> alone(const std::vector<Event>& events) const {
    std::vector<Driven> list;
    for (const Event& event : events) {
      list.push_back(driven(network_, binding_, event));
      list.back().idle_cycles += 2;
    }
    return model_.run(list, false).first;
  }

  Mismatch describe(const Found& found, Event event) const {
    Mismatch mismatch;
    mismatch.kind = found.kind;
    mismatch.event_number = found.event;
    Words got = found.got;
    if (found.kind == Finding::value) {
      for (int runs = 0; runs < most_shrink_runs; ++runs) {
        std::vector<Event> candidates = smaller(network_, event);
        std::sort(candidates.begin(), candidates.end(),
                  [](const Event& a, const Event& b) { return size_of(a) < size_of(b); });
        if (candidates.empty()) break;
        const std::vector<Found> failing = alone(candidates);
        if (failing.empty()) break;
        event = candidates[failing.front().event];
        got = failing.front().got;
      }
      const Words expected = driven(network_, binding_, event).expected;
      const OutputDifference difference = first_difference(binding_, expected, got);
      if (difference.port != nullptr) {
        mismatch.port = difference.port->port;
        mismatch.node = network_.nodes[static_cast<std::size_t>(difference.port->node)].name;
        mismatch.element = difference.element;
        mismatch.bit = difference.bit;
        mismatch.expected = difference.expected;
        mismatch.got = difference.got;
      }
    }
    mismatch.event = std::move(event);
    mismatch.sentence = words(mismatch, found);
    return mismatch;
  }

  std::string words(const Mismatch& mismatch, const Found& found) const {
    const std::string event = "event " + std::to_string(mismatch.event_number);
    const std::string cycle = " in cycle " + std::to_string(found.cycle);
    switch (mismatch.kind) {
      case Finding::value:
        return "output '" + mismatch.node + "' element " + std::to_string(mismatch.element) + " is " +
               std::to_string(mismatch.got) + ", the reference gives " + std::to_string(mismatch.expected) +
               " (lowest differing bit " + std::to_string(mismatch.bit) + " of its place in port '" +
               mismatch.port + "'), for " + event_text(network_, mismatch.event);
      case Finding::missing:
        return "'" + binding_.valid_out + "' is low" + cycle + ", where the result of " + event +
               " is due after " + std::to_string(binding_.latency_cycles) + " cycles";
      case Finding::unexpected:
        return "'" + binding_.valid_out + "' is high" + cycle + ", where no result is due (next: " + event +
               ")";
      case Finding::tag:
        return "'" + binding_.tag_out + "' of " + event + " is not the tag that went in";
    }
    return event;
  }

  const network::Network& network_;
  const Binding& binding_;
  const Model& model_;
  const CheckOptions& options_;
};

}  // namespace

std::vector<Event> make_events(const network::Network& network, const CheckOptions& options) {
  std::vector<Event> events = options.recorded;
  Stimulus stimulus(network, options.seed);
  while (events.size() < options.vectors) events.push_back(stimulus.next());
  return events;
}

Schedule make_schedule(const network::Network& network, const Binding& binding,
                       const std::vector<Event>& events, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Schedule schedule;
  std::vector<std::uint64_t> due;
  std::uint64_t cycle = 4;
  for (std::size_t i = 0; i < events.size(); ++i) {
    Driven next = driven(network, binding, events[i]);
    // Thirds of each thousand: back to back, random gaps, long gaps now and then.
    if (i % 1000 >= 333) next.idle_cycles += static_cast<std::uint32_t>(random() % (i % 1000 < 666 ? 3 : 2));
    if (i % 1000 == 900) next.idle_cycles += static_cast<std::uint32_t>(binding.latency_cycles) + 3;
    const bool middle = i == events.size() / 2 || i % events_between_resets == events_between_resets - 1;
    next.reset_before = middle && i > 0 && !binding.reset.empty();
    if (next.reset_before) {
      std::erase_if(due, [cycle](std::uint64_t at) { return at > cycle; });
      cycle += 2;
    }
    cycle += next.idle_cycles;
    due.push_back(cycle + static_cast<std::uint64_t>(binding.latency_cycles));
    ++cycle;
    schedule.events.push_back(std::move(next));
  }
  schedule.compared = due.size();
  return schedule;
}

Checked check(const network::Network& network, const Binding& binding, const Model& model,
              const CheckOptions& options) {
  return Checker(network, binding, model, options).run();
}

void write_waveform(const network::Network& network, const Binding& binding, const Event& event,
                    const std::filesystem::path& file) {
  ModelOptions options;
  options.trace = true;
  const Model model(binding, options);
  model.run({driven(network, binding, event)}, false, 0, 0, file.string());
}

std::string event_text(const network::Network& network, const Event& event) {
  const std::vector<network::NodeId> inputs = network::inputs_of(network);
  std::string text;
  int shown = 0;
  for (std::size_t i = 0; i < event.size(); ++i) {
    for (std::size_t k = 0; k < event[i].size(); ++k) {
      if (event[i][k] == 0) continue;
      if (++shown > 8) return text + ", ...";
      text += (text.empty() ? "" : ", ") + network.nodes[static_cast<std::size_t>(inputs[i])].name + "[" +
              std::to_string(k) + "] = " + std::to_string(event[i][k]);
    }
  }
  return text.empty() ? "an event of zeros" : text + ", all others 0";
}

}  // namespace crible::sim
