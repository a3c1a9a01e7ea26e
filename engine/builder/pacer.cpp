#include "engine/builder/pacer.hpp"

#include <algorithm>

namespace crible::builder {

namespace {

/// The part of its arrears that a source has to make good in a timeout.
constexpr std::uint64_t least_part = 16;

}  // namespace

Pacer::Pacer(const JumpGuard& guard, std::int64_t timeout_ns)
    : guard_(guard), timeout_ns_(timeout_ns), arrears_(guard.sources().size()) {}

void Pacer::start(std::uint64_t position, std::int64_t now_ns) noexcept {
  if (started_) return;
  started_ = true;
  start_position_ = position;
  start_ns_ = now_ns;
}

bool Pacer::must_wait(std::size_t source, std::uint64_t last, std::uint64_t lead,
                      std::int64_t now_ns) noexcept {
  bool wait = false;
  for (std::size_t other = 0; other < arrears_.size(); ++other) {
    Arrears& arrears = arrears_[other];
    if (other == source || arrears.ended) continue;
    const Whereabouts& where = guard_.sources()[other];
    const std::uint64_t position = where.known ? where.position : start_position_;
    if (last <= position || last - position <= lead) {
      arrears.state = Arrears::State::none;
      continue;
    }
    const std::int64_t heard_ns = where.known ? where.time_ns : start_ns_;
    if (now_ns - heard_ns > timeout_ns_) {
      if (arrears.state == Arrears::State::watched) arrears.state = Arrears::State::none;
      continue;
    }
    // One that was not heard of yet cannot gain ground; it has its timeout from the beginning of the run.
    wait |= !where.known || worth_waiting(arrears, position, last - position - lead, now_ns);
  }
  return wait;
}

bool Pacer::worth_waiting(Arrears& arrears, std::uint64_t position, std::uint64_t missing,
                          std::int64_t now_ns) const noexcept {
  switch (arrears.state) {
    case Arrears::State::given_up:
      return false;
    case Arrears::State::watched:
      if (now_ns - arrears.since_ns <= timeout_ns_) return true;
      if (position < arrears.position ||
          position - arrears.position < std::max<std::uint64_t>(arrears.missing / least_part, 1)) {
        arrears.state = Arrears::State::given_up;
        return false;
      }
      break;
    case Arrears::State::none:
      break;
  }
  arrears.state = Arrears::State::watched;
  arrears.since_ns = now_ns;
  arrears.position = position;
  arrears.missing = missing;
  return true;
}

}  // namespace crible::builder
