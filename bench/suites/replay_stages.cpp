#include "bench/suites/replay_stages.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "bench/network/thread_clock.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/pipeline/replay.hpp"

namespace crible::bench {
namespace {

using record::BlockInfo;
using record::BlockKind;
using record::ReadStatus;

/// Keeps a result from being optimised away.
volatile std::uint64_t sink = 0;

Times times_of(const std::function<void()>& work) {
  const ThreadClock processor;
  const std::int64_t start_ns = monotonic_ns();
  work();
  return {static_cast<double>(monotonic_ns() - start_ns) * 1e-9, processor.elapsed_ns() * 1e-9};
}

Times times_of(const pipeline::ReplayResult& result) {
  return {result.seconds, result.processor_seconds};
}

/// The file's bytes into one buffer, as `cat` would.
void read_bare(const std::filesystem::path& file) {
  static std::vector<std::byte> buffer(1 << 20);
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  std::uint64_t sum = 0;
  for (ssize_t got; (got = read(descriptor, buffer.data(), buffer.size())) > 0;)
    sum += static_cast<std::uint64_t>(buffer[static_cast<std::size_t>(got) - 1]);
  close(descriptor);
  sink = sum;
}

/// Calls `block` with each checked body of events.
void for_each_body(const record::Reader& reader,
                   const std::function<void(std::span<const std::byte>)>& block) {
  record::Body body;
  for (const BlockInfo& info : reader.blocks()) {
    if (info.header.kind != BlockKind::events) continue;
    const ReadStatus status = reader.read(info, body);
    if (status != ReadStatus::ok) throw Error(sentence(status), Fault::failure);
    block(body.bytes());
  }
}

void check_bodies(const record::Reader& reader) {
  for_each_body(reader, [](std::span<const std::byte> body) { sink = body.size(); });
}

void step_through(const record::Reader& reader) {
  record::Cursor cursor;
  record::EventView event;
  std::uint64_t sum = 0;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) sum += event.fragments.size();
  });
  sink = sum;
}

pipeline::ReplayResult replay_all(const record::Reader& reader, const pipeline::Trigger& trigger,
                                  std::size_t jobs, bool networks) {
  pipeline::ReplayControl control;
  pipeline::ReplayResult result = pipeline::replay(reader, trigger, {jobs, networks}, control);
  if (!result.identical() || result.comparison.events == 0)
    throw Error("the replay is not identical: " + std::to_string(result.comparison.different()) + " of " +
                    std::to_string(result.comparison.events) + " events differ",
                Fault::failure);
  return result;
}

/// Rows that each network gets from the recording.
std::vector<std::uint64_t> rows_of(const record::Reader& reader, const pipeline::Trigger& trigger) {
  std::vector<std::uint64_t> rows(trigger.networks.size());
  record::Cursor cursor;
  record::EventView event;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) {
      const auto decision = menu::decode(event.decision);
      for (std::size_t n = 0; decision && n < rows.size(); ++n) rows[n] += decision->rows[n].objects;
    }
  });
  return rows;
}

/// Decodes all events. Sources lie in a recording of this
/// benchmark in the order of the description.
void decode_all(const record::Reader& reader, const pipeline::Trigger& trigger,
                const std::function<void(const detector::Event&)>& decoded) {
  record::Cursor cursor;
  record::EventView event;
  detector::Event quantities = trigger.decoder.make_event();
  std::vector<detector::Payload> payloads(trigger.description.sources.size());
  std::uint64_t good = 0;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) {
      for (std::size_t i = 0; i < payloads.size(); ++i) payloads[i] = event.fragments[i].payload;
      const auto result = trigger.decoder.decode(payloads, quantities);
      if (result.status != detector::DecodeStatus::ok) continue;
      ++good;
      decoded(quantities);
    }
  });
  sink = good;
}

}  // namespace

/// The networks alone, in full batches of what was last gathered into their slots.
class ReplayStages::Networks {
 public:
  Networks(const record::Reader& reader, const pipeline::Trigger& trigger)
      : trigger_(trigger),
        programs_(pipeline::compile(trigger, trigger.run.batch)),
        rows_(rows_of(reader, trigger)),
        next_row_(programs_.size()) {}

  /// Writes the event's inputs into the rows of the first slot, again and again from row 0 on.
  void gather(const detector::Event& event) {
    for (std::size_t n = 0; n < programs_.size(); ++n) {
      const auto& inputs = programs_[n]->slots()[0].inputs;
      const std::size_t batch = programs_[n]->max_batch();
      for (std::uint32_t object = 0; object < trigger_.bindings[n].objects(event); ++object) {
        row_.clear();
        for (const auto& input : inputs) row_.push_back(input.data() + next_row_[n] * (input.size() / batch));
        trigger_.bindings[n].gather(event, object, row_);
        next_row_[n] = (next_row_[n] + 1) % batch;
      }
    }
  }

  void run() {
    for (std::size_t n = 0; n < programs_.size(); ++n)
      for (std::uint64_t left = rows_[n]; left > 0;) {
        const std::uint64_t batch = std::min<std::uint64_t>(left, programs_[n]->max_batch());
        if (programs_[n]->run(0, batch) != backends::Status::ok)
          throw Error("a network failed", Fault::failure);
        left -= batch;
      }
  }

 private:
  const pipeline::Trigger& trigger_;
  std::vector<std::unique_ptr<backends::Program>> programs_;
  std::vector<std::uint64_t> rows_;
  std::vector<std::size_t> next_row_;
  std::vector<std::byte*> row_;
};

ReplayStages::ReplayStages(const std::filesystem::path& file, const pipeline::Trigger& trigger,
                           std::size_t jobs)
    : reader_(file) {
  const pipeline::ReplayResult first = replay_all(reader_, trigger, jobs, true);
  events_ = first.comparison.events;
  body_bytes_ = first.body_bytes;
  networks_ = std::make_unique<Networks>(reader_, trigger);
  const auto nothing = [](const detector::Event&) {};
  const auto gather_inputs = [this](const detector::Event& event) { networks_->gather(event); };
  stages_ = {
      {"read", [file] { return times_of([&] { read_bare(file); }); }},
      {"read, CRC, decompress", [this] { return times_of([&] { check_bodies(reader_); }); }},
      {"... and step through events", [this] { return times_of([&] { step_through(reader_); }); }},
      {"... and decode payloads",
       [this, &trigger, nothing] { return times_of([&] { decode_all(reader_, trigger, nothing); }); }},
      {"... and gather network inputs",
       [this, &trigger, gather_inputs] {
         return times_of([&] { decode_all(reader_, trigger, gather_inputs); });
       }},
      {"replay, networks off",
       [this, &trigger, jobs] { return times_of(replay_all(reader_, trigger, jobs, false)); }},
      {"networks alone", [this] { return times_of([&] { networks_->run(); }); }},
      {"replay, networks on",
       [this, &trigger, jobs] { return times_of(replay_all(reader_, trigger, jobs, true)); }},
  };
}

ReplayStages::~ReplayStages() = default;

}  // namespace crible::bench
