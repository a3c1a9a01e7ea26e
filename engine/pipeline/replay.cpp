#include "engine/pipeline/replay.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/error.hpp"
#include "engine/base/threads.hpp"
#include "engine/builder/ledger.hpp"
#include "engine/pipeline/decider.hpp"

namespace crible::pipeline {
namespace {

using record::BlockInfo;
using record::BlockKind;
using record::ReadStatus;

/// Causes that do not follow from the data: replay takes them from the recorded decision.
constexpr std::uint32_t recorded_causes = ~menu::flag(menu::Cause::bad_payload);

std::string place_of(const record::Reader& reader, const BlockInfo& block) {
  return reader.file().string() + ": block " + std::to_string(block.header.sequence) + " at byte " +
         std::to_string(block.offset);
}

/// Where the payload of each source goes in the order of the description.
class SourceMap {
 public:
  explicit SourceMap(const detector::Description& description) : payloads_(description.sources.size()) {
    for (std::size_t i = 0; i < description.sources.size(); ++i) {
      const std::uint32_t id = description.sources[i].id;
      if (id >= index_.size()) index_.resize(id + 1, none);
      index_[id] = static_cast<std::uint32_t>(i);
    }
  }

  std::span<const detector::Payload> place(const record::EventView& event) {
    std::ranges::fill(payloads_, detector::Payload());
    for (const record::FragmentView& fragment : event.fragments)
      if (fragment.source < index_.size() && index_[fragment.source] != none)
        payloads_[index_[fragment.source]] = fragment.payload;
    return payloads_;
  }

 private:
  static constexpr std::uint32_t none = ~0u;
  std::vector<std::uint32_t> index_;  // by source id
  std::vector<detector::Payload> payloads_;
};

/// What the event's decision must be given from the recording.
struct RecordedFacts {
  std::uint32_t flags = 0;
  std::uint16_t prescale_set = 0;
};

RecordedFacts facts_of(std::span<const std::byte> decision, std::size_t prescale_sets) {
  menu::DecisionHeader header;
  if (decision.size() < sizeof(header)) return {};
  std::memcpy(&header, decision.data(), sizeof(header));
  const bool known_set = header.prescale_set < prescale_sets;
  return {header.flags & recorded_causes, known_set ? header.prescale_set : std::uint16_t{0}};
}

/// One thread's part: blocks one after the other, each to its end.
class Worker : private DecisionSink {
 public:
  Worker(const record::Reader& reader, const Trigger& trigger, const Comparer& comparer)
      : reader_(reader), trigger_(trigger), comparer_(comparer), sources_(trigger.description) {
    result.comparison = comparer.begin();
  }
  virtual ~Worker() = default;

  void block(const BlockInfo& block) {
    decided_ = 0;
    ReadStatus status = reader_.read(block, body_);
    if (status == ReadStatus::ok) {
      result.body_bytes += block.header.body_bytes;
      result.file_bytes += block.header.stored_bytes;
      status = events(block);
    }
    if (status == ReadStatus::end) return;
    result.bad_blocks.push_back(place_of(reader_, block) + ": " + sentence(status));
    result.bad_events += block.header.event_count - std::min(block.header.event_count, decided_);
  }

  ReplayResult result;

 protected:
  /// Decides one event, now or until finish_block(); then calls compare().
  virtual void decide(const record::EventView& event, std::span<const detector::Payload> fragments,
                      RecordedFacts facts, std::span<const std::byte>& cookie) = 0;
  virtual void finish_block() = 0;

  void compare(std::span<const std::byte> recorded, const menu::Decision& decision,
               const menu::Answers& answers) {
    comparer_.compare(recorded, decision, answers, scratch_, result.comparison);
    ++decided_;
  }

  void decided(const Decided& event) noexcept override {
    compare(*static_cast<std::span<const std::byte>*>(event.cookie), event.decision, event.answers);
  }

  DecisionSink& sink() { return *this; }

  const record::Reader& reader_;
  const Trigger& trigger_;

 private:
  /// end: all of them. bad_record: up to there.
  ReadStatus events(const BlockInfo& block) {
    cursor_.reset(body_.bytes());
    decisions_.resize(std::max<std::size_t>(decisions_.size(), block.header.event_count));
    std::size_t count = 0;
    ReadStatus status;
    record::EventView event;
    while ((status = cursor_.next(event)) == ReadStatus::ok) {
      if (count == block.header.event_count) {
        status = ReadStatus::bad_record;
        break;
      }
      decisions_[count] = event.decision;
      decide(event, sources_.place(event), facts_of(event.decision, trigger_.menu.prescale_sets().size()),
             decisions_[count]);
      ++count;
    }
    finish_block();
    if (status == ReadStatus::end && count < block.header.event_count) status = ReadStatus::bad_record;
    return status;
  }

  const Comparer& comparer_;
  SourceMap sources_;
  record::Body body_;
  record::Cursor cursor_;
  std::vector<std::span<const std::byte>> decisions_;  // of the block's events
  std::vector<std::byte> scratch_;
  std::uint32_t decided_ = 0;  // of the block
};

/// Decides as the online shards do.
class NetworkWorker final : public Worker {
 public:
  NetworkWorker(const record::Reader& reader, const Trigger& trigger, const Comparer& comparer)
      : Worker(reader, trigger, comparer),
        decider_(trigger, compile(trigger, trigger.run.batch), options(reader, trigger)) {}

 private:
  static DeciderOptions options(const record::Reader& reader, const Trigger& trigger) {
    DeciderOptions options;
    options.run = reader.run_header().run;
    options.late = trigger.run.deadline.late;
    options.late_prescale = trigger.run.deadline.prescale;
    return options;
  }

  void decide(const record::EventView& event, std::span<const detector::Payload> fragments,
              RecordedFacts facts, std::span<const std::byte>& cookie) override {
    decider_.add({.event = event.event,
                  .luminosity_block = event.luminosity_block,
                  .fragments = fragments,
                  .flags = facts.flags,
                  .prescale_set = facts.prescale_set,
                  .times = {},
                  .cookie = &cookie},
                 0, sink());
    if (decider_.any_full()) decider_.pump(0, batching::Urgency::due, sink());
  }

  void finish_block() override {
    while (decider_.open_events() > 0) decider_.pump(0, batching::Urgency::now, sink());
  }

  Decider decider_;
};

/// Decides with the network outputs of the recording.
class RecordedOutputsWorker final : public Worker {
 public:
  RecordedOutputsWorker(const record::Reader& reader, const Trigger& trigger, const Comparer& comparer)
      : Worker(reader, trigger, comparer),
        quantities_(trigger.decoder.make_event()),
        outputs_(trigger.layout.size()),
        objects_(trigger.layout.network_count()) {
    input_.run = reader.run_header().run;
    input_.quantities = &quantities_;
    input_.outputs = outputs_.data();
  }

 private:
  void decide(const record::EventView& event, std::span<const detector::Payload> fragments,
              RecordedFacts facts, std::span<const std::byte>& cookie) override {
    input_.event = event.event;
    input_.luminosity_block = event.luminosity_block;
    input_.prescale_set = facts.prescale_set;
    input_.flags = facts.flags;
    std::ranges::fill(objects_, 0u);
    if (input_.flags == 0) {
      const auto decoded = trigger_.decoder.decode(fragments, quantities_);
      if (decoded.status != detector::DecodeStatus::ok)
        input_.flags = flag(menu::Cause::bad_payload);
      else if (!take_outputs(cookie))
        input_.flags = flag(menu::Cause::network_failed);
    }
    const bool late = (input_.flags & late_causes) != 0;
    input_.action = late ? trigger_.run.deadline.late : menu::FaultAction::accept;
    input_.fault_prescale = late ? trigger_.run.deadline.prescale : 1;
    trigger_.menu.decide(input_, decision_);
    compare(cookie, decision_, {objects_, outputs_.data()});
  }

  void finish_block() override {}

  /// Copies the values of an encoded decision to their places in the layout.
  bool take_outputs(std::span<const std::byte> decision) {
    menu::DecisionHeader header;
    if (decision.size() < sizeof(header)) return false;
    std::memcpy(&header, decision.data(), sizeof(header));
    const std::size_t words = (std::size_t{header.chains} + 63) / 64;
    const std::size_t rows_at = sizeof(header) + 2 * words * sizeof(std::uint64_t);
    std::size_t values_at = rows_at + record::padded(header.networks * sizeof(menu::NetworkRows));
    if (header.networks != objects_.size() || values_at > decision.size()) return false;
    for (std::size_t n = 0; n < objects_.size(); ++n) {
      const menu::NetworkOutputs& network = trigger_.layout.network(n);
      menu::NetworkRows rows;
      std::memcpy(&rows, decision.data() + rows_at + n * sizeof(rows), sizeof(rows));
      const std::size_t bytes = std::size_t{rows.objects} * rows.elements * sizeof(std::int64_t);
      if (rows.elements != network.elements.size() || rows.objects > network.max_objects ||
          bytes > decision.size() - values_at)
        return false;
      if (bytes > 0) std::memcpy(outputs_.data() + network.first, decision.data() + values_at, bytes);
      objects_[n] = rows.objects;
      values_at += bytes;
    }
    return true;
  }

  static constexpr std::uint32_t late_causes =
      flag(menu::Cause::late_building) | flag(menu::Cause::late_queue) | flag(menu::Cause::late_device);

  detector::Event quantities_;
  std::vector<std::int64_t> outputs_;
  std::vector<std::uint32_t> objects_;
  menu::DecisionInput input_;
  menu::Decision decision_;
};

std::unique_ptr<Worker> make_worker(const record::Reader& reader, const Trigger& trigger,
                                    const Comparer& comparer, bool networks) {
  if (networks) return std::make_unique<NetworkWorker>(reader, trigger, comparer);
  return std::make_unique<RecordedOutputsWorker>(reader, trigger, comparer);
}

/// Without networks, outputs of the same networks must be there.
void require_same_networks(const record::RunHeader& header, const Trigger& trigger) {
  const std::vector<std::string> names = trigger.network_names();
  bool same = header.networks.size() == names.size();
  for (std::size_t n = 0; same && n < names.size(); ++n)
    same = header.networks[n] == std::pair(names[n], trigger.network_hashes[n]);
  if (!same)
    throw Error(
        trigger.file.string() +
        ": its networks are not those of the recording, so they must be evaluated; replay with networks");
}

/// The blocks of events, given out to the workers one by one.
class BlockDealer {
 public:
  explicit BlockDealer(const record::Reader& reader) {
    for (const BlockInfo& block : reader.blocks())
      if (block.header.kind == BlockKind::events) blocks_.push_back(&block);
  }

  const BlockInfo* next() {
    const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    return index < blocks_.size() ? blocks_[index] : nullptr;
  }

 private:
  std::vector<const BlockInfo*> blocks_;
  std::atomic<std::size_t> next_ = 0;
};

/// Books name their luminosity block, the ledger of a run lists all of them.
bool is_whole_ledger(std::string_view text) {
  return text.find("\"luminosity_blocks\"") != text.npos;
}

/// Time of this thread on a processor.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void add(ReplayResult& sum, const ReplayResult& part) {
  sum.comparison.add(part.comparison);
  sum.bad_blocks.insert(sum.bad_blocks.end(), part.bad_blocks.begin(), part.bad_blocks.end());
  sum.bad_events += part.bad_events;
  sum.body_bytes += part.body_bytes;
  sum.file_bytes += part.file_bytes;
  sum.processor_seconds += part.processor_seconds;
}

}  // namespace

ReplayResult replay(const record::Reader& reader, const Trigger& trigger, const ReplayOptions& options,
                    ReplayControl& control) {
  if (!options.networks) require_same_networks(reader.run_header(), trigger);
  const Comparer comparer(reader.run_header(), trigger);
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.jobs, 1); ++i)
    workers.push_back(make_worker(reader, trigger, comparer, options.networks));

  const auto started = std::chrono::steady_clock::now();
  BlockDealer dealer(reader);
  const auto work = [&](std::size_t i) {
    while (!control.stop.load(std::memory_order_relaxed)) {
      const BlockInfo* block = dealer.next();
      if (block == nullptr) break;
      workers[i]->block(*block);
      control.events.fetch_add(block->header.event_count, std::memory_order_relaxed);
    }
    workers[i]->result.processor_seconds = thread_seconds();
  };
  run_on_threads(workers.size(), work, [&] { control.stop = true; });

  ReplayResult result;
  result.comparison = comparer.begin();
  for (const auto& worker : workers) add(result, worker->result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  result.changes = comparer.changes();
  result.stopped = control.stop.load();
  result.ledger = check_ledger(reader, trigger);
  return result;
}

LedgerCheck check_ledger(const record::Reader& reader, const Trigger& trigger) {
  LedgerCheck check;
  const auto add_violations = [&](const std::vector<std::string>& sentences) {
    check.violations.insert(check.violations.end(), sentences.begin(), sentences.end());
  };
  std::vector<std::uint16_t> sources;
  for (const detector::Source& source : trigger.description.sources)
    sources.push_back(static_cast<std::uint16_t>(source.id));
  builder::Ledger sum(reader.run_header().run, sources);
  std::optional<builder::Ledger> whole;
  record::Body body;
  for (const BlockInfo& block : reader.blocks()) {
    if (block.header.kind != BlockKind::ledger) continue;
    try {
      const ReadStatus status = reader.read(block, body);
      if (status != ReadStatus::ok) throw Error(sentence(status), Fault::failure);
      const std::string_view text(reinterpret_cast<const char*>(body.bytes().data()), body.bytes().size());
      if (is_whole_ledger(text)) {
        whole = builder::ledger_from_json(text);
      } else {
        sum.add(builder::book_from_json(text));
        ++check.books;
      }
    } catch (const Error& error) {
      check.violations.push_back(place_of(reader, block) + ": " + error.what());
    }
  }
  check.luminosity_blocks = sum.books().size();
  add_violations(sum.balance());
  if (whole) {
    add_violations(whole->check_final());
    if (to_json(*whole) != to_json(sum))
      check.violations.push_back("the books of the luminosity blocks do not add up to the ledger of the run");
  }
  return check;
}

}  // namespace crible::pipeline
