#include "engine/pipeline/source_sender.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <zmq.hpp>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/base/threads.hpp"
#include "engine/wire/packet_writer.hpp"

namespace crible::pipeline {
namespace {

/// As packets hold it.
std::uint64_t sent_time_ns() noexcept {
  return static_cast<std::uint64_t>(realtime_ns());
}

/// The way from one source to one shard.
class Lane {
 public:
  Lane(zmq::context_t& context, const std::string& address, std::size_t shard, const wire::Sender& sender,
       const SourceOptions& options, SourceControl& control, SourceReport& report)
      : writer(sender),
        options_(options),
        control_(control),
        report_(report),
        socket_(context, zmq::socket_type::push),
        address_(address) {
    socket_.set(zmq::sockopt::sndhwm, options.high_water_frames);
    socket_.set(zmq::sockopt::immediate, true);  // packets do not pile up for a shard that is not there
    socket_.set(zmq::sockopt::linger, 10'000);
    try {
      socket_.connect(address_);
    } catch (const zmq::error_t& error) {
      throw Error("cannot connect to " + address_ + ": " + error.what() + "; check run.input.bind");
    }
    if (options.faults.any())
      injector_.emplace(options.faults.rates, options.faults.seed + shard, options.faults.delay_packets);
  }

  /// Sends the open packet.
  void flush() {
    if (writer.empty()) return;
    zmq::message_t frame(writer.frame_bytes());
    writer.finish(sent_time_ns(), {frame.data<std::byte>(), frame.size()});
    count(frame.size());
    if (!injector_) return deliver(frame);
    injector_->pass({frame.data<const std::byte>(), frame.size()}, damaged_);
    deliver_damaged();
  }

  void end_luminosity_block(std::uint32_t luminosity_block) {
    flush();
    control_packet(writer.end_of_luminosity_block(luminosity_block, sent_time_ns()));
  }

  void end_run(std::uint32_t luminosity_block) {
    flush();
    if (injector_) {
      injector_->flush(damaged_);
      deliver_damaged();
    }
    control_packet(writer.end_of_run(luminosity_block, sent_time_ns()));
  }

  void add_faults(SourceReport& report) const {
    if (!injector_) return;
    for (std::size_t fault = 0; fault < wire::packet_fault_count; ++fault) {
      const wire::FaultCounts& counts = injector_->counts(static_cast<wire::PacketFault>(fault));
      report.faults[fault].packets += counts.packets;
      report.faults[fault].fragments += counts.fragments;
    }
  }

  wire::PacketWriter writer;
  std::int64_t opened_ns = 0;  // when the open packet got its first fragment

 private:
  void count(std::size_t bytes) {
    ++report_.packets;
    report_.bytes += bytes;
  }

  void control_packet(std::span<const std::byte> frame) {
    count(frame.size());
    send_copy(frame);
  }

  void send_copy(std::span<const std::byte> frame) {
    zmq::message_t message(frame.data(), frame.size());
    deliver(message);
  }

  void deliver_damaged() {
    for (const std::vector<std::byte>& frame : damaged_) send_copy(frame);
    damaged_.clear();
  }

  void deliver(zmq::message_t& frame) {
    if (socket_.send(frame, zmq::send_flags::dontwait)) return;
    const std::int64_t started_ns = monotonic_ns();
    while (true) {
      zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLOUT, 0};
      zmq::poll(&item, 1, std::chrono::milliseconds(100));
      const bool sent = socket_.send(frame, zmq::send_flags::dontwait).has_value();
      const std::int64_t waited_ns = monotonic_ns() - started_ns;
      if (sent || waited_ns >= options_.give_up_ns) report_.waited_ns += waited_ns;
      if (sent) return;
      if (waited_ns >= options_.give_up_ns)
        throw Error(address_ + " has taken no packet for " +
                        std::to_string(options_.give_up_ns / 1'000'000'000) +
                        " s; is `crible run` at work with this configuration?",
                    Fault::failure);
      // Nobody there and nobody waits for the rest: the wish to stop goes before the end of the run.
      if (control_.stop.load(std::memory_order_relaxed) && waited_ns >= stop_patience_ns)
        throw Error(address_ + " takes no packets; the source was stopped before it could end its run",
                    Fault::failure);
    }
  }

  static constexpr std::int64_t stop_patience_ns = 1'000'000'000;

  const SourceOptions& options_;
  SourceControl& control_;
  SourceReport& report_;
  zmq::socket_t socket_;
  std::string address_;
  std::optional<wire::FaultInjector> injector_;
  std::vector<std::vector<std::byte>> damaged_;
};

/// One source at work.
class SourceRun {
 public:
  SourceRun(zmq::context_t& context, const Sample& sample, const SourceChoice& choice,
            const SourceOptions& options, SourceControl& control)
      : sample_(sample),
        source_(sample.sources()[choice.index]),
        options_(options),
        control_(control),
        cycle_(sample, options.luminosity_block_events),
        events_(options.events > 0 ? options.events : sample.events().size()) {
    report_.name = source_.name;
    report_.id = choice.id;
    sender_ = {.source = choice.id,
               .run = options.run,
               .epoch = static_cast<std::uint32_t>(sent_time_ns() / 1'000'000'000),
               .block_events = options.block_events};
    for (const std::string& address : choice.addresses) {
      lanes_.push_back(
          std::make_unique<Lane>(context, address, lanes_.size(), sender_, options, control, report_));
    }
  }

  SourceReport run() {
    started_ns_ = monotonic_ns();
    bool alive = true;
    while (alive && report_.events < events_ && !control_.stop.load(std::memory_order_relaxed))
      alive = step();
    if (alive) {
      if (luminosity_block_) end_luminosity_block();
      for (const auto& lane : lanes_) lane->end_run(luminosity_block_.value_or(0));
    }
    for (const auto& lane : lanes_) lane->add_faults(report_);
    report_.seconds = static_cast<double>(monotonic_ns() - started_ns_) * 1e-9;
    return std::move(report_);
  }

 private:
  /// The next event number, with a fragment of this source or without. Returns false when the source dies.
  bool step() {
    if (position_ == sample_.events().size()) {
      position_ = fragment_ = 0;
      ++cycles_;
    }
    const std::uint64_t event = sample_.events()[position_++];
    ++report_.events;
    if (report_.events % 256 == 0) {
      control_.events.fetch_add(256, std::memory_order_relaxed);
      wait_for_the_others();
    }
    pace();
    if (fragment_ < source_.fragments.size() && source_.fragments[fragment_].event == event)
      add(source_.fragments[fragment_++]);
    if (report_.events == options_.restart_after_events) restart();
    return report_.events != options_.die_after_events;
  }

  /// Stays at most lead_events before the average of the sources.
  void wait_for_the_others() {
    if (options_.lead_events == 0) return;
    while (report_.events >
               control_.events.load(std::memory_order_relaxed) / options_.together + options_.lead_events &&
           !control_.stop.load(std::memory_order_relaxed)) {
      for (const auto& lane : lanes_) lane->flush();
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  void add(const SampleFragment& fragment) {
    std::uint64_t event = cycle_.event(cycles_, fragment.event);
    const std::uint32_t luminosity_block =
        cycle_.luminosity_block(cycles_, fragment.event, fragment.luminosity_block);
    if (options_.jump_after_events > 0 && report_.events > options_.jump_after_events)
      event += std::uint64_t{1} << 32;
    if (luminosity_block_ && *luminosity_block_ != luminosity_block) end_luminosity_block();
    luminosity_block_ = luminosity_block;

    Lane& lane = *lanes_[event / options_.block_events % lanes_.size()];
    const std::span<const std::byte> payload = patched(fragment, event, luminosity_block);
    if (!lane.writer.fits(event, luminosity_block, payload.size())) lane.flush();
    if (lane.writer.empty()) lane.opened_ns = monotonic_ns();
    lane.writer.add(event, luminosity_block, payload);
    ++report_.fragments;
    if (lane.writer.fragment_count() >= options_.pack_events ||
        lane.writer.frame_bytes() >= options_.pack_bytes)
      lane.flush();
  }

  /// The payload as it goes out: its own header repeats event number and luminosity block.
  std::span<const std::byte> patched(const SampleFragment& fragment, std::uint64_t event,
                                     std::uint32_t luminosity_block) {
    if (!sample_.has_record_headers() ||
        (event == fragment.event && luminosity_block == fragment.luminosity_block))
      return fragment.payload;
    payload_.assign(fragment.payload.begin(), fragment.payload.end());
    RecordHeader header;
    std::memcpy(&header, payload_.data(), sizeof(header));
    header.event = static_cast<std::uint32_t>(event);
    header.luminosity_block = static_cast<std::uint16_t>(luminosity_block);
    std::memcpy(payload_.data(), &header, sizeof(header));
    return payload_;
  }

  /// Waits for the event's time, if it has one, and lets no packet wait for longer than it may.
  void pace() {
    if (options_.rate_hz <= 0) {
      if (report_.events % 64 == 0) flush_old(monotonic_ns());
      return;
    }
    const std::int64_t due_ns =
        started_ns_ +
        static_cast<std::int64_t>(static_cast<double>(report_.events - 1) * 1e9 / options_.rate_hz);
    while (!control_.stop.load(std::memory_order_relaxed)) {
      const std::int64_t now_ns = monotonic_ns();
      const std::int64_t flush_ns = flush_old(now_ns);
      // A sleep takes longer than it should by about this much: better a little early than late.
      constexpr std::int64_t shortest_sleep_ns = 50'000;
      if (due_ns - now_ns < shortest_sleep_ns) return;
      const std::int64_t sleep_ns = std::min({due_ns, flush_ns}) - now_ns;
      std::this_thread::sleep_for(
          std::chrono::nanoseconds(std::clamp<std::int64_t>(sleep_ns, 1000, 100'000'000)));
    }
  }

  /// Sends the packets that are old enough. Returns when the next one will be.
  std::int64_t flush_old(std::int64_t now_ns) {
    std::int64_t next_ns = now_ns + options_.flush_ns;
    for (const auto& lane : lanes_) {
      if (lane->writer.empty()) continue;
      const std::int64_t due_ns = lane->opened_ns + options_.flush_ns;
      if (due_ns <= now_ns)
        lane->flush();
      else
        next_ns = std::min(next_ns, due_ns);
    }
    return next_ns;
  }

  void end_luminosity_block() {
    for (const auto& lane : lanes_) lane->end_luminosity_block(*luminosity_block_);
  }

  /// What a source that crashed and came back looks like: its open packets are sent, its numbers begin anew.
  void restart() {
    ++sender_.epoch;
    for (const auto& lane : lanes_) {
      lane->flush();
      lane->writer = wire::PacketWriter(sender_);
    }
  }

  const Sample& sample_;
  const SampleSource& source_;
  const SourceOptions& options_;
  SourceControl& control_;
  Cycle cycle_;
  std::uint64_t events_;
  wire::Sender sender_;
  SourceReport report_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::byte> payload_;
  std::optional<std::uint32_t> luminosity_block_;
  std::int64_t started_ns_ = 0;
  std::uint64_t cycles_ = 0;
  std::size_t position_ = 0;  // in the sample's events
  std::size_t fragment_ = 0;  // in the source's fragments
};

}  // namespace

SourceReport send_source(zmq::context_t& context, const Sample& sample, const SourceChoice& source,
                         const SourceOptions& options, SourceControl& control) {
  return SourceRun(context, sample, source, options, control).run();
}

std::vector<SourceReport> send_sources(const Sample& sample, const std::vector<SourceChoice>& sources,
                                       const SourceOptions& options, SourceControl& control) {
  zmq::context_t context;
  std::vector<SourceReport> reports(sources.size());
  run_on_threads(
      sources.size(),
      [&](std::size_t i) { reports[i] = send_source(context, sample, sources[i], options, control); },
      [&] { control.stop = true; });
  return reports;
}

}  // namespace crible::pipeline
