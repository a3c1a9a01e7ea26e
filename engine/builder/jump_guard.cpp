#include "engine/builder/jump_guard.hpp"

#include <algorithm>

namespace crible::builder {

JumpGuard::JumpGuard(std::size_t source_count, std::uint64_t reach, std::int64_t timeout_ns)
    : reach_(reach), timeout_ns_(timeout_ns), sources_(source_count) {}

std::size_t JumpGuard::votes_near(std::uint64_t position, std::int64_t now_ns) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(sources_.begin(), sources_.end(), [&](const Whereabouts& vote) {
        const std::uint64_t distance =
            vote.position > position ? vote.position - position : position - vote.position;
        return vote.known && distance <= reach_ && now_ns - vote.time_ns <= timeout_ns_;
      }));
}

bool JumpGuard::judge(std::size_t source, std::uint64_t first, std::uint64_t last,
                      std::int64_t now_ns) noexcept {
  sources_[source] = {last, now_ns, true};
  if (!started_) {
    started_ = true;
    newest_ = last;
    return true;
  }
  if (!in_reach(first)) {
    if (votes_near(last, now_ns) <= votes_near(newest_, now_ns)) return false;
    newest_ = last;
    return true;
  }
  if (last > newest_) {
    newest_ = last;
  } else if (newest_ - last > reach_ && votes_near(last, now_ns) > votes_near(newest_, now_ns)) {
    // What was believed first is the odd one out: the others are far behind it.
    newest_ = last;
  }
  return true;
}

bool JumpGuard::judge_finally(std::uint64_t first, std::uint64_t last, std::int64_t now_ns) noexcept {
  if (in_reach(first)) return true;
  if (votes_near(last, now_ns) < votes_near(newest_, now_ns)) return false;
  newest_ = last;
  return true;
}

}  // namespace crible::builder
