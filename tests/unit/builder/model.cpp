#include "tests/unit/builder/model.hpp"

#include <string>

namespace crible::builder::testing {

void Model::send(const SentPacket& packet) {
  FragmentCounts& fragments = counts(packet);
  fragments.sent += size(packet);
  fragments.transport_gap += size(packet);
}

void Model::arrive(const SentPacket& packet) {
  FragmentCounts& fragments = counts(packet);
  fragments.received += size(packet);
  if (arrived_.insert({packet.source, packet.epoch, packet.sequence}).second) {
    fragments.transport_gap -= size(packet);
  } else {
    fragments.outside += size(packet);
  }
  for (const std::uint64_t number : packet.events) {
    const auto [place, opened] = events_.try_emplace(number);
    OpenEvent& event = place->second;
    if (opened) {
      event.luminosity_block = packet.luminosity_block;
      ++event_counts_[event.luminosity_block].opened;
    }
    if (event.sources.contains(packet.source)) {
      ++fragments.duplicate;
    } else if (event.closed) {
      ++fragments.late;
    } else {
      event.sources.insert(packet.source);
      ++fragments.used;
      if (event.sources.size() == source_count_) close(event, CloseReason::complete);
    }
  }
}

void Model::arrive_of_wrong_run(const SentPacket& packet) {
  wrong_run_[packet.source] += size(packet);
}

void Model::close(OpenEvent& event, CloseReason reason) {
  event.closed = true;
  EventCounts& counts = event_counts_[event.luminosity_block];
  if (reason == CloseReason::complete) ++counts.complete;
  if (reason == CloseReason::incomplete_timeout) ++counts.incomplete_timeout;
  if (reason == CloseReason::incomplete_stop) ++counts.incomplete_stop;
}

void Model::close_all(CloseReason reason) {
  for (auto& [number, event] : events_) {
    if (!event.closed) close(event, reason);
  }
}

std::vector<std::string> Model::differences(const Ledger& ledger) const {
  std::vector<std::string> found;
  const auto compare = [&found](const std::string& what, std::int64_t expected, std::int64_t actual) {
    if (expected == actual) return;
    found.push_back(what + ": expected " + std::to_string(expected) + ", booked " + std::to_string(actual));
  };
  for (const auto& [key, expected] : fragments_) {
    const auto [block, source] = key;
    const std::string where = "block " + std::to_string(block) + " source " + std::to_string(source) + " ";
    if (!ledger.books().contains(block)) {
      compare(where + "sent", expected.sent, 0);
      continue;
    }
    // Strangers are booked in whatever book is in use, so they are compared in total only.
    FragmentCounts actual = ledger.books().at(block).sources.at(source).fragments;
    actual.received -= actual.wrong_run;
    actual.outside -= actual.wrong_run;
    actual.wrong_run = 0;
    for (const auto& counter : fragment_counters) {
      compare(where + std::string(counter.name), expected.*counter.value, actual.*counter.value);
    }
  }
  for (const auto& [block, expected] : event_counts_) {
    const std::string where = "block " + std::to_string(block) + " ";
    const EventCounts actual =
        ledger.books().contains(block) ? ledger.books().at(block).events : EventCounts{};
    compare(where + "opened", expected.opened, actual.opened);
    compare(where + "complete", expected.complete, actual.complete);
    compare(where + "incomplete_timeout", expected.incomplete_timeout, actual.incomplete_timeout);
    compare(where + "incomplete_stop", expected.incomplete_stop, actual.incomplete_stop);
    compare(where + "evicted", 0, actual.evicted);
  }
  const Book total = ledger.total();
  compare("unknown source", unknown_, total.unknown.fragments.unknown_source);
  for (const auto& [source, expected] : wrong_run_) {
    compare("wrong run", expected, total.sources.at(source).fragments.wrong_run);
  }
  std::int64_t damaged = 0;
  for (std::size_t i = 0; i < total.frames.size(); ++i) {
    if (!wire::header_is_sound(static_cast<wire::PacketStatus>(i))) damaged += total.frames[i];
  }
  compare("damaged frames", damaged_frames_, damaged);
  return found;
}

}  // namespace crible::builder::testing
