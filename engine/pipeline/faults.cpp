#include "engine/pipeline/faults.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "engine/base/error.hpp"
#include "engine/wire/crc32c.hpp"
#include "engine/wire/packet.hpp"

namespace crible::pipeline {
namespace {

constexpr std::array<const char*, fault_kinds> names = {"drop", "duplicate", "corrupt",       "truncate",
                                                        "late", "wrong_run", "unknown_source"};

template <typename Number>
Number parse_number(std::string_view entry, std::string_view text, Number largest) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || value > largest)
    throw Error("faults: \"" + std::string(entry) + "\": a number from 0 to " + std::to_string(largest) +
                " must stand behind the \"=\"");
  return value;
}

/// Changes a header field of a whole frame and makes the CRC good again.
void change_header(std::vector<std::byte>& frame, void (*change)(wire::PacketHeader&)) {
  wire::PacketHeader header;
  std::memcpy(&header, frame.data(), sizeof(header));
  change(header);
  std::memcpy(frame.data(), &header, sizeof(header));
  header.crc32c = wire::frame_checksum(frame);
  std::memcpy(frame.data(), &header, sizeof(header));
}

std::uint32_t fragments_in(std::span<const std::byte> frame) {
  wire::PacketHeader header;
  std::memcpy(&header, frame.data(), sizeof(header));
  return header.fragment_count;
}

}  // namespace

const char* to_string(FaultKind kind) {
  return names[static_cast<std::size_t>(kind)];
}

bool FaultRates::any() const {
  return std::ranges::any_of(probability, [](double p) { return p > 0; });
}

FaultRates parse_faults(std::string_view text) {
  FaultRates rates;
  double sum = 0;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t equals = entry.find('=');
    const std::string_view key = entry.substr(0, equals);
    const std::string_view value = equals == entry.npos ? std::string_view() : entry.substr(equals + 1);
    const auto name = std::ranges::find(names, key);
    if (key == "seed") {
      rates.seed = parse_number<std::uint64_t>(entry, value, ~std::uint64_t{0});
    } else if (key == "late_packets") {
      rates.late_packets = parse_number<std::size_t>(entry, value, 1'000'000);
    } else if (name != names.end()) {
      sum += rates.probability[name - names.begin()] = parse_number<double>(entry, value, 1.0);
    } else {
      throw Error("faults: \"" + std::string(entry) +
                  "\": known are drop, duplicate, corrupt, truncate, late, wrong_run, unknown_source (each a "
                  "probability per packet), late_packets and seed");
    }
  }
  if (sum > 1) throw Error("faults: the probabilities add up to more than 1");
  return rates;
}

FaultInjector::FaultInjector(const FaultRates& rates, std::uint64_t stream)
    : rates_(rates), random_(rates.seed * 0x9E3779B97F4A7C15u + stream) {}

void FaultInjector::pass(std::span<const std::byte> frame, const Emit& emit) {
  ++packets_;
  double draw = std::uniform_real_distribution<double>()(random_);
  std::size_t kind = 0;
  while (kind < fault_kinds && draw >= rates_.probability[kind]) draw -= rates_.probability[kind++];
  if (kind == fault_kinds) {
    emit(frame);
  } else {
    ++counts_[kind].packets;
    counts_[kind].fragments += fragments_in(frame);
    damage(static_cast<FaultKind>(kind), frame, emit);
  }
  // In the order in which they were held back.
  const auto due = std::ranges::find_if(held_, [&](const Held& held) { return held.due > packets_; });
  for (auto held = held_.begin(); held != due; ++held) emit(held->frame);
  held_.erase(held_.begin(), due);
}

void FaultInjector::damage(FaultKind kind, std::span<const std::byte> frame, const Emit& emit) {
  copy_.assign(frame.begin(), frame.end());
  switch (kind) {
    case FaultKind::drop:
      return;
    case FaultKind::duplicate:
      emit(frame);
      break;
    case FaultKind::corrupt:
      copy_[random_() % copy_.size()] ^= static_cast<std::byte>(1 << random_() % 8);
      break;
    case FaultKind::truncate:
      copy_.resize(random_() % copy_.size());
      break;
    case FaultKind::late:
      held_.push_back({packets_ + rates_.late_packets, copy_});
      return;
    case FaultKind::wrong_run:
      change_header(copy_, [](wire::PacketHeader& header) { ++header.run; });
      break;
    case FaultKind::unknown_source:
      change_header(copy_, [](wire::PacketHeader& header) { header.source = 65535; });
      break;
  }
  emit(copy_);
}

void FaultInjector::release_all(const Emit& emit) {
  for (const Held& held : held_) emit(held.frame);
  held_.clear();
}

}  // namespace crible::pipeline
