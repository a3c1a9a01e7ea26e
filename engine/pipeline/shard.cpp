#include "engine/pipeline/shard.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"

namespace crible::pipeline {

using batching::Urgency;
using menu::Cause;

namespace {

constexpr int frames_per_pass = 16;
constexpr std::size_t events_per_group = 8;  // reading the clock for each event would show
constexpr std::int64_t longest_sleep_ns = 20'000'000;

/// Where most payloads have what is asked for. Asking for what is not there does no harm.
void prefetch(const builder::Fragment& fragment) noexcept {
  constexpr std::size_t line_bytes = 64;
  __builtin_prefetch(fragment.data);
  if (fragment.size_bytes > line_bytes) __builtin_prefetch(fragment.data + line_bytes);
}

std::uint32_t flags_of(const builder::Event& event) noexcept {
  std::uint32_t flags = 0;
  switch (event.close_reason) {
    case builder::CloseReason::complete:
      break;
    case builder::CloseReason::incomplete_timeout:
      flags = flag(Cause::incomplete_timeout);
      break;
    case builder::CloseReason::incomplete_stop:
      flags = flag(Cause::incomplete_stop);
      break;
    case builder::CloseReason::evicted:
      flags = flag(Cause::evicted);
      break;
  }
  if (event.mixed_luminosity_blocks) flags |= flag(Cause::mixed_luminosity_blocks);
  return flags;
}

builder::Outcome outcome_of(menu::Outcome outcome) noexcept {
  switch (outcome) {
    case menu::Outcome::accepted:
      return builder::Outcome::accepted;
    case menu::Outcome::rejected:
      return builder::Outcome::rejected;
    case menu::Outcome::prescaled_out:
      return builder::Outcome::prescaled_out;
    case menu::Outcome::forced:
      return builder::Outcome::forced;
  }
  return builder::Outcome::forced;
}

builder::BuilderConfig builder_config(const ShardContext& context, std::size_t index) {
  builder::BuilderConfig config;
  config.run = context.config.number;
  for (const auto& source : context.trigger.description.sources) {
    config.sources.push_back(static_cast<std::uint16_t>(source.id));
  }
  config.block_events = context.config.build.block_events;
  config.shards = static_cast<std::uint32_t>(context.config.shards);
  config.shard = static_cast<std::uint32_t>(index);
  config.timeout_ns = context.config.build.timeout_ns;
  config.ring_events = context.config.build.ring_events;
  config.max_held_packets =
      std::max(config.max_held_packets, 2 * builder::packets_until_hold * config.sources.size());
  config.max_packets = std::max(config.max_packets, 2 * config.max_held_packets);
  return config;
}

std::vector<std::string> addresses_of(const ShardContext& context, std::size_t index) {
  std::vector<std::string> addresses;
  for (std::size_t source = 0; source < context.trigger.description.sources.size(); ++source) {
    addresses.push_back(input_addresses(context.config, source)[index]);
  }
  return addresses;
}

DeciderOptions decider_options(const RunConfig& config) {
  return {config.number, config.deadline.late, config.deadline.prescale, 0};
}

Publisher::Identity identity(const ShardContext& context, std::size_t index) {
  Publisher::Identity identity{context.config.number, static_cast<std::uint32_t>(index), {}};
  for (std::size_t i = 0; i < identity.hash.size(); ++i) {
    identity.hash[i] =
        static_cast<std::uint8_t>(std::stoul(context.trigger.menu.hash().substr(2 * i, 2), nullptr, 16));
  }
  return identity;
}

template <class Element>
void add_all(std::vector<Element>& sum, const std::vector<Element>& part, auto&& add_one) {
  if (sum.size() < part.size()) sum.resize(part.size());
  for (std::size_t i = 0; i < part.size(); ++i) add_one(sum[i], part[i]);
}

}  // namespace

void ShardStatus::add(const ShardStatus& other) {
  frames += other.frames;
  bytes += other.bytes;
  decisions += other.decisions;
  offered += other.offered;
  unrecorded += other.unrecorded;
  frames_held += other.frames_held;
  if (other.first_ns != 0) first_ns = first_ns == 0 ? other.first_ns : std::min(first_ns, other.first_ns);
  last_ns = std::max(last_ns, other.last_ns);
  add_all(chains, other.chains, [](ChainCounts& a, const ChainCounts& b) {
    a.before += b.before;
    a.after += b.after;
  });
  add_all(streams, other.streams, [](std::uint64_t& a, std::uint64_t b) { a += b; });
  for (std::size_t i = 0; i < causes.size(); ++i) causes[i] += other.causes[i];
  add_all(batches, other.batches, [](batching::Counters& a, const batching::Counters& b) { a.add(b); });
  add_all(routing, other.routing, [](batching::Routing& a, const batching::Routing& b) { a.add(b); });
  published.add(other.published);
  stages.add(other.stages);
  open_books.merge(other.open_books);
}

Shard::Shard(const ShardContext& context, std::size_t index)
    : context_(context),
      index_(index),
      receiver_(context.zmq, context.config.input, addresses_of(context, index)),
      decider_(context.trigger, compile(context.trigger, context.config.batch),
               decider_options(context.config)),
      builder_(builder_config(context, index)),
      schedule_(context.trigger.menu.schedule()) {
  const DecisionsConfig& decisions = context.config.decisions;
  if (!decisions.address.empty()) {
    const std::string address =
        decisions.bind ? numbered_address(decisions.address, index) : decisions.address;
    publisher_.emplace(context.zmq, decisions, address, identity(context, index));
  }
  counts_.chains.resize(context.trigger.menu.chains().size());
  counts_.streams.resize(context.trigger.menu.streams().size());
  counts_.batches.resize(context.trigger.networks.size());
  counts_.routing.resize(context.trigger.networks.size());
  payloads_.resize(context.trigger.description.sources.size());
  fragments_.reserve(payloads_.size());
  encoded_.resize(menu::max_encoded_bytes(counts_.chains.size(), context.trigger.layout));
  unsent_.reserve(1 << 16);
  refresh_locked();  // so that who asks before the first pass gets a ledger of this run
}

void Shard::run() {
  real_offset_ns_ = realtime_ns() - monotonic_ns();
  while (!context_.control.stop_requested() && !ended()) {
    now_ns_ = monotonic_ns();
    const bool more = receive_some();
    settle(more ? Urgency::due : Urgency::idle);
    if (status_wanted_.load(std::memory_order_relaxed)) refresh_status();
    if (!more) sleep();
  }
  drain();
}

/// Returns true when there may be more to receive at once.
bool Shard::receive_some() {
  wire::Message message;
  for (int i = 0; i < frames_per_pass; ++i) {
    if (!receiver_.receive(message, builder_.on_hold())) return false;
    now_ns_ = monotonic_ns();
    take(message);
  }
  return true;
}

void Shard::take(wire::Message& message) {
  if (counts_.first_ns == 0) counts_.first_ns = now_ns_;
  ++counts_.frames;
  counts_.bytes += message.bytes().size();
  while (builder_.accept(message, now_ns_) == builder::Accepted::busy) {
    decide_closed();
    decider_.pump(now_ns_, Urgency::now, *this);
  }
  if (builder_.closed_count() != 0) now_ns_ = monotonic_ns();  // checking and placing took its time
  decide_closed();
}

/// Closed events are taken in small groups, so that the payloads of all of a group are on their way into the
/// cache together: they came from as many packets as there are sources, and another core wrote them.
void Shard::decide_closed() {
  std::array<builder::Event*, events_per_group> group{};
  closed_ns_ = now_ns_;
  for (;;) {
    std::size_t taken = 0;
    while (taken < group.size() && (group[taken] = builder_.next_closed()) != nullptr) {
      for (const builder::Fragment& fragment : group[taken]->fragments) prefetch(fragment);
      ++taken;
    }
    for (std::size_t i = 0; i < taken; ++i) decide(*group[i]);
    if (taken < group.size()) return;
    now_ns_ = monotonic_ns();
  }
}

void Shard::decide(builder::Event& event) {
  for (std::size_t i = 0; i < payloads_.size(); ++i) payloads_[i] = event.fragments[i].bytes();
  DeciderEvent input;
  input.event = event.number;
  input.luminosity_block = event.luminosity_block;
  input.fragments = payloads_;
  input.flags = flags_of(event);
  input.prescale_set = schedule_.set_at(event.luminosity_block);
  if (context_.config.deadline.limit_ns != 0) {
    input.deadline_ns = event.first_received_ns + context_.config.deadline.limit_ns;
  }
  input.times.sent_ns = static_cast<std::int64_t>(event.sent_ns);
  input.times.first_received_ns = event.first_received_ns;
  input.times.last_received_ns = event.last_received_ns;
  input.times.built_ns = closed_ns_;
  input.cookie = &event;
  decider_.add(input, now_ns_, *this);
  if (decider_.any_full()) {
    now_ns_ = monotonic_ns();
    decider_.pump(now_ns_, Urgency::due, *this);
  }
}

void Shard::settle(Urgency urgency) {
  builder_.advance(now_ns_);
  decide_closed();
  decider_.pump(now_ns_, urgency, *this);
  if (publisher_ && (urgency != Urgency::due || publisher_->due(now_ns_))) flush();
  if (urgency != Urgency::due && context_.recording != nullptr) context_.recording->poll(index_, now_ns_);
  hand_over_books();
}

void Shard::hand_over_books() {
  while (const builder::Book* book = builder_.next_finished_book()) {
    const std::string json = context_.ledger.add(*book);
    if (publisher_) publisher_->add_ledger(json);
  }
}

void Shard::decided(const Decided& decided) noexcept {
  const menu::Decision& decision = decided.decision;
  auto& event = *static_cast<builder::Event*>(decided.cookie);
  count(decided);
  const std::size_t bytes = menu::encoded_bytes(decision, context_.trigger.layout, decided.answers);
  const bool keep =
      context_.recording != nullptr && (decision.streams & context_.trigger.menu.recorded_streams()) != 0;
  if (publisher_ || keep) {
    const std::span<std::byte> encoded(encoded_.data(), bytes);
    menu::encode(decision, context_.trigger.layout, decided.answers, encoded.data());
    if (publisher_) publish(decided, encoded);
    if (keep) record(event, decision, encoded);
  }
  builder_.release(event, outcome_of(decision.outcome));
}

void Shard::publish(const Decided& event, std::span<const std::byte> encoded) noexcept {
  if (!publisher_->fits(encoded.size())) flush();
  std::span<std::byte> room = publisher_->reserve(encoded.size(), now_ns_);
  while (room.empty() && !giving_up_ && publisher_->waits_for_room()) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    if (give_up_ns_ == batching::Batcher::never && context_.control.stop_requested()) begin_draining();
    giving_up_ = monotonic_ns() > give_up_ns_;
    flush();
    if (status_wanted_.load(std::memory_order_relaxed)) refresh_status();  // who waits is still watched
    room = publisher_->reserve(encoded.size(), now_ns_);
  }
  if (room.empty()) {
    publisher_->count_dropped();
    return;
  }
  std::ranges::copy(encoded, room.begin());
  unsent_.push_back({event.decision.times.sent_ns, event.decision.times.decided_ns});
  if (context_.trace != nullptr) trace(event);
  if (publisher_->due(now_ns_)) flush();
}

void Shard::record(const builder::Event& event, const menu::Decision& decision,
                   std::span<const std::byte> encoded) noexcept {
  fragments_.clear();
  for (std::size_t i = 0; i < event.fragments.size(); ++i) {
    if (!event.fragments[i].present()) continue;
    fragments_.push_back({context_.trigger.description.sources[i].id, event.fragments[i].bytes()});
  }
  record::Event record;
  record.event = event.number;
  record.luminosity_block = event.luminosity_block;
  record.streams = decision.streams;
  record.decision = encoded;
  record.fragments = fragments_;
  ++counts_.offered;
  if (context_.recording->append(index_, record, now_ns_) != record::Status::ok) ++counts_.unrecorded;
}

void Shard::count(const Decided& event) noexcept {
  const menu::Decision& decision = event.decision;
  const auto each_bit = [](std::uint64_t bits, std::size_t first, auto&& action) {
    for (; bits != 0; bits &= bits - 1) action(first + static_cast<std::size_t>(std::countr_zero(bits)));
  };
  for (std::size_t word = 0; word * 64 < counts_.chains.size(); ++word) {
    each_bit(decision.before[word], word * 64, [this](std::size_t c) { ++counts_.chains[c].before; });
    each_bit(decision.after[word], word * 64, [this](std::size_t c) { ++counts_.chains[c].after; });
  }
  each_bit(decision.streams, 0, [this](std::size_t s) { ++counts_.streams[s]; });
  each_bit(decision.flags, 0, [this](std::size_t c) { ++counts_.causes[c]; });
  ++counts_.decisions;
  const menu::Times& times = decision.times;
  counts_.last_ns = times.decided_ns;
  if (!context_.config.stage_times) return;
  StageHistograms& stages = counts_.stages;
  stages[Stage::transport].add(times.last_received_ns + real_offset_ns_ - times.sent_ns);
  stages[Stage::build].add(times.built_ns - times.last_received_ns);
  stages[Stage::gather].add(event.gathered_ns - times.built_ns);
  stages[Stage::infer].add(times.inferred_ns - event.gathered_ns);
  stages[Stage::decide].add(times.decided_ns - times.inferred_ns);
  if (!publisher_) stages[Stage::total].add(times.decided_ns + real_offset_ns_ - times.sent_ns);
}

void Shard::trace(const Decided& event) noexcept {
  const menu::Times& times = event.decision.times;
  context_.trace->append(index_, {.event = event.decision.event,
                                  .received_ns = times.last_received_ns,
                                  .built_ns = times.built_ns,
                                  .queued_ns = event.gathered_ns,
                                  .submitted_ns = event.submitted_ns,
                                  .computed_ns = times.inferred_ns,
                                  .decided_ns = times.decided_ns});
}

void Shard::flush() {
  if (!publisher_->try_flush()) return;
  const std::int64_t sent_ns = monotonic_ns();
  real_offset_ns_ = realtime_ns() - sent_ns;
  for (const Waiting& decision : unsent_) {
    if (!context_.config.stage_times) break;
    counts_.stages[Stage::publish].add(sent_ns - decision.decided_ns);
    counts_.stages[Stage::total].add(sent_ns + real_offset_ns_ - decision.sent_ns);
  }
  if (context_.trace != nullptr) context_.trace->published(index_, sent_ns);
  if (!unsent_.empty()) counts_.last_ns = sent_ns;
  unsent_.clear();
}

void Shard::sleep() {
  if (context_.config.spin || decider_.in_flight()) {
    std::this_thread::yield();
    return;
  }
  std::int64_t until_ns = now_ns_ + longest_sleep_ns;
  until_ns = std::min({until_ns, builder_.next_deadline_ns(), decider_.next_due_ns()});
  if (publisher_ && publisher_->pending()) until_ns = std::min(until_ns, now_ns_ + 1'000'000);
  receiver_.wait(until_ns - now_ns_, builder_.on_hold());
}

bool Shard::ended() const {
  return context_.config.stop_at_end_of_run && builder_.all_sources_ended();
}

void Shard::begin_draining() noexcept {
  give_up_ns_ = monotonic_ns() + context_.config.drain_ns;
}

void Shard::drain() {
  if (give_up_ns_ == batching::Batcher::never) begin_draining();
  receiver_.close_door();
  while (now_ns_ < give_up_ns_ && receive_some()) settle(Urgency::due);
  builder_.wait_for_nobody(now_ns_);
  while (now_ns_ < give_up_ns_ && receive_some()) settle(Urgency::due);
  while (!builder_.stop(now_ns_)) settle(Urgency::now);
  settle(Urgency::now);
  while (decider_.open_events() != 0) settle(Urgency::now);
  builder_.finish_books();
  hand_over_books();
  if (publisher_) {
    while (publisher_->pending() && monotonic_ns() < give_up_ns_) {
      flush();
      if (publisher_->pending()) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    publisher_->give_up();
  }
  if (context_.recording != nullptr) context_.recording->flush(index_);
  const std::lock_guard lock(status_mutex_);
  done_ = true;
  refresh_locked();
}

void Shard::refresh_status() {
  const std::lock_guard lock(status_mutex_);
  refresh_locked();
}

void Shard::refresh_locked() {
  status_ = counts_;
  status_.open_books = builder_.make_ledger();
  builder_.add_current_books(status_.open_books);
  status_.frames_held = receiver_.frames_held();
  if (publisher_) status_.published = publisher_->counters();
  for (std::size_t n = 0; n < status_.batches.size(); ++n)
    status_.batches[n] = decider_.batcher().counters(n);
  for (std::size_t n = 0; n < status_.routing.size(); ++n) status_.routing[n] = decider_.batcher().routing(n);
  status_wanted_.store(false, std::memory_order_relaxed);
  status_ready_.notify_all();
}

ShardStatus Shard::status() {
  std::unique_lock lock(status_mutex_);
  if (!done_) {
    status_wanted_.store(true, std::memory_order_relaxed);
    status_ready_.wait_for(lock, std::chrono::milliseconds(500),
                           [this] { return done_ || !status_wanted_.load(std::memory_order_relaxed); });
  }
  return status_;
}

}  // namespace crible::pipeline
