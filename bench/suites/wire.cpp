#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <zmq.hpp>

#include "bench/instrument/clock.hpp"
#include "bench/instrument/hiccups.hpp"
#include "bench/suites/figures.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/wire/crc32c.hpp"
#include "engine/wire/packet_writer.hpp"

// Packets without a trigger: packing, checking, and ZeroMQ's transports bare, which are the floor of
// everything that receives from them.
namespace crible::bench {

namespace {

constexpr std::size_t fragment_bytes = 200;

/// Keeps a result from being optimised away.
volatile std::uint64_t sink = 0;

template <class Work>
double time_ns(std::size_t calls, Work&& work) {
  const std::int64_t start_ns = Clock::system_ns();
  for (std::size_t i = 0; i < calls; ++i) work();
  return static_cast<double>(Clock::system_ns() - start_ns) / static_cast<double>(calls);
}

Figure named(const std::string& name) {
  Figure figure;
  figure.name = name;
  figure.unit = "ns";
  figure.better = Better::lower;
  return figure;
}

/// A packet of so many fragments, and what is done with it.
class Packet {
 public:
  explicit Packet(std::size_t fragments) : fragments_(fragments), payload_(fragment_bytes) {
    std::mt19937_64 random(3);
    for (std::byte& byte : payload_) byte = static_cast<std::byte>(random());
    pack();
    copy_.resize(frame_.size());
  }

  /// What is done before anything is timed: the packet holds what was put in.
  void check() const {
    wire::PacketView view;
    if (wire::parse(frame_, 0, view) != wire::PacketStatus::ok || view.fragment_count() != fragments_)
      throw Error("a packet of this benchmark cannot be parsed", Fault::failure);
    for (std::uint32_t i = 0; i < fragments_; ++i)
      if (view.event(i) != i || std::memcmp(view.payload(i).data(), payload_.data(), fragment_bytes) != 0)
        throw Error("a packet of this benchmark has wrong payloads", Fault::failure);
  }

  void pack() {
    for (std::uint64_t event = 0; event < fragments_; ++event) writer_.add(event, 1, payload_);
    frame_.resize(writer_.frame_bytes());
    writer_.finish(0, frame_);
  }

  void parse() const {
    wire::PacketView view;
    sink = static_cast<std::uint64_t>(wire::parse(frame_, 0, view));
  }

  void checksum() const { sink = wire::frame_checksum(frame_); }

  void copy() {
    std::memcpy(copy_.data(), frame_.data(), frame_.size());
    sink = static_cast<std::uint64_t>(copy_[sink % copy_.size()]);
  }

  std::size_t bytes() const { return frame_.size(); }

 private:
  std::size_t fragments_;
  std::vector<std::byte> payload_;
  wire::PacketWriter writer_{{.source = 1, .run = 1}};
  std::vector<std::byte> frame_;
  std::vector<std::byte> copy_;
};

void packets(const SuiteOptions& options, Suite& suite) {
  for (const std::size_t fragments : {1, 16, 256}) {
    Packet packet(fragments);
    packet.check();
    const std::size_t calls = (options.quick ? 200'000 : 1'000'000) / (fragments + 10);
    const auto per_fragment = [fragments](double ns) { return ns / static_cast<double>(fragments); };
    const std::string of = fmt::format("of {} in a packet", fragments);
    std::vector<Candidate> candidates = {
        {named("copy a fragment " + of),
         [&] { return per_fragment(time_ns(calls, [&] { packet.copy(); })); }},
        {named("pack a fragment " + of),
         [&] { return per_fragment(time_ns(calls, [&] { packet.pack(); })); }},
        {named("check a fragment " + of + ", CRC on"),
         [&] { return per_fragment(time_ns(calls, [&] { packet.parse(); })); }},
        {named("check a fragment " + of + ", the CRC alone"),
         [&] { return per_fragment(time_ns(calls, [&] { packet.checksum(); })); }},
        {named("check a fragment " + of + ", CRC off"), [&] {
           // The engine always checks it: what it would save is the difference of the two.
           return per_fragment(std::max(
               time_ns(calls, [&] { packet.parse(); }) - time_ns(calls, [&] { packet.checksum(); }), 0.1));
         }}};
    std::vector<Figure> figures = interleaved(std::move(candidates), options.repeats_or(5, 11));
    for (std::size_t i = 1; i < figures.size(); ++i)
      figures[i].floor = FigureFloor{"copy", figures[0].median};
    for (Figure& figure : figures) {
      figure.checked = fragments;
      suite.figures.push_back(std::move(figure));
    }
  }
}

/// Two sockets in two threads over one transport; the other end returns what it gets, or only takes it.
class Link {
 public:
  Link(const std::string& address, bool echo)
      : here_(context_, echo ? zmq::socket_type::pair : zmq::socket_type::push),
        there_(context_, echo ? zmq::socket_type::pair : zmq::socket_type::pull) {
    there_.bind(address);
    here_.connect(there_.get(zmq::sockopt::last_endpoint));
    thread_ = std::thread([this, echo] {
      for (;;) {
        zmq::message_t message;
        if (!there_.recv(message) || message.size() == 1) return;
        taken_.fetch_add(1, std::memory_order_release);
        if (echo) there_.send(message, zmq::send_flags::none);
      }
    });
  }

  ~Link() {
    here_.send(zmq::message_t(1), zmq::send_flags::none);
    thread_.join();
  }

  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  double ping_pong_ns(std::size_t bytes, std::size_t rounds) {
    return time_ns(rounds, [&] {
      here_.send(zmq::message_t(bytes), zmq::send_flags::none);
      zmq::message_t message;
      if (!here_.recv(message)) throw Error("no answer over a bare link", Fault::failure);
    });
  }

  double one_way_ns(std::size_t bytes, std::size_t frames) {
    const std::uint64_t before = taken_.load(std::memory_order_acquire);
    const std::int64_t start_ns = Clock::system_ns();
    for (std::size_t i = 0; i < frames; ++i) here_.send(zmq::message_t(bytes), zmq::send_flags::none);
    while (taken_.load(std::memory_order_acquire) < before + frames) std::this_thread::yield();
    return static_cast<double>(Clock::system_ns() - start_ns) / static_cast<double>(frames);
  }

 private:
  zmq::context_t context_;
  zmq::socket_t here_;
  zmq::socket_t there_;
  std::atomic<std::uint64_t> taken_{0};
  std::thread thread_;
};

void transports(const SuiteOptions& options, Suite& suite) {
  const TemporaryFolder folder("crible-wire");
  const std::pair<const char*, std::string> addresses[] = {
      {"inproc", "inproc://link"},
      {"ipc", "ipc://" + (folder.path() / "link").string()},
      {"tcp", "tcp://127.0.0.1:*"}};
  for (const std::size_t bytes : {std::size_t{256}, std::size_t{4096}, std::size_t{65536}}) {
    std::vector<Candidate> candidates;
    std::vector<std::unique_ptr<Link>> links;
    const std::size_t rounds = options.quick ? 300 : 2'000;
    for (const auto& [name, address] : addresses) {
      links.push_back(std::make_unique<Link>(address, true));
      candidates.push_back(
          {named(fmt::format("ping-pong {} {} bytes", name, bytes)),
           [link = links.back().get(), bytes, rounds] { return link->ping_pong_ns(bytes, rounds); }});
      links.push_back(std::make_unique<Link>(address + (address.starts_with("tcp") ? "" : "2"), false));
      candidates.push_back(
          {named(fmt::format("one way {} {} bytes, per frame at full rate", name, bytes)),
           [link = links.back().get(), bytes, rounds] { return link->one_way_ns(bytes, rounds * 10); }});
    }
    for (Figure& figure : interleaved(std::move(candidates), options.repeats_or(5, 11)))
      suite.figures.push_back(std::move(figure));
  }
}

}  // namespace

Suite wire_suite(const SuiteOptions& options, Shared&) {
  Suite suite;
  suite.name = "wire";
  suite.notes.push_back(
      fmt::format("Packing and checking: time of one fragment of {} bytes in the cache. Transports: bare "
                  "ZeroMQ between two "
                  "threads of this machine, without crible; a ping-pong is there and back.",
                  fragment_bytes));
  Hiccups hiccups;
  packets(options, suite);
  transports(options, suite);
  const auto pause_ns = static_cast<double>(hiccups.stop().percentile_ns(0.999));
  suite.figures.push_back(
      make_figure("the machine's own pauses, p99.9, during this suite", "ns", Better::lower, {pause_ns}));
  return suite;
}

}  // namespace crible::bench
