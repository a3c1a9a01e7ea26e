#include "backends/cpu/plan/plan.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace crible::backends::cpu {
namespace {

constexpr std::size_t alignment_bytes = 64;
constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

/// First fit among free stretches of rows; stretches grow together again when they are returned.
class FreeRows {
 public:
  std::size_t take(std::size_t count) {
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      if (it->second < count) continue;
      const std::size_t first = it->first;
      const std::size_t left = it->second - count;
      free_.erase(it);
      if (left > 0) free_[first + count] = left;
      return first;
    }
    const std::size_t first = end_;
    end_ += count;
    return first;
  }

  void give_back(std::size_t first, std::size_t count) {
    auto next = free_.lower_bound(first);
    if (next != free_.end() && first + count == next->first) {
      count += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == first) {
        before->second += count;
        return;
      }
    }
    free_[first] = count;
  }

  std::size_t end() const { return end_; }

 private:
  std::map<std::size_t, std::size_t> free_;  // first row, count
  std::size_t end_ = 0;
};

/// Groups of single events start at multiples of this, to be aligned for vectors; rows of tiles are anyway.
constexpr std::size_t group_rows = 16;

}  // namespace

void Plan::reuse_rows() {
  const auto group_of = [&](Row row) {
    const auto after = std::upper_bound(groups.begin(), groups.end(), row,
                                        [](Row r, const RowGroup& group) { return r < group.first; });
    return static_cast<std::size_t>(after - groups.begin()) - 1;
  };
  std::vector<std::size_t> first_use(groups.size(), never), last_use(groups.size(), 0);
  for (const RowUse& use : uses) {
    const std::size_t group = group_of(*use.row);
    first_use[group] = std::min(first_use[group], use.step);
    last_use[group] = std::max(last_use[group], use.step);
  }
  for (const ConstantRow& constant : constants) {
    first_use[group_of(constant.row)] = 0;
    last_use[group_of(constant.row)] = never;
  }
  // What a body finds when its loop begins is needed until the loop ends.
  for (const LoopRange& loop : loops) {
    for (std::size_t group = 0; group < groups.size(); ++group) {
      if (first_use[group] < loop.begin && last_use[group] >= loop.begin) {
        last_use[group] = std::max(last_use[group], loop.end - 1);
      }
    }
  }
  std::vector<std::vector<std::size_t>> starting(steps.size() + 1), ending(steps.size() + 1);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (first_use[group] == never) continue;
    starting[first_use[group]].push_back(group);
    if (last_use[group] != never) ending[last_use[group]].push_back(group);
  }
  FreeRows free;
  std::vector<std::size_t> place(groups.size(), 0);
  const auto padded = [&](std::size_t group) {
    const std::size_t multiple = events == 1 ? group_rows : 1;
    return (groups[group].count + multiple - 1) / multiple * multiple;
  };
  for (std::size_t step = 0; step < starting.size(); ++step) {
    for (std::size_t group : starting[step]) place[group] = free.take(padded(group));
    for (std::size_t group : ending[step]) free.give_back(place[group], padded(group));
  }
  const auto renumbered = [&](Row row) {
    const std::size_t group = group_of(row);
    return static_cast<Row>(place[group] + (row - groups[group].first));
  };
  for (const RowUse& use : uses) *use.row = renumbered(*use.row);
  for (ConstantRow& constant : constants) constant.row = renumbered(constant.row);
  rows = free.end();
  uses.clear();
  groups.clear();
}

void Plan::nest_loops() {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const LoopRange& loop = loops[i];
    const auto begin = steps.begin() + static_cast<std::ptrdiff_t>(loop.begin);
    const auto end = steps.begin() + static_cast<std::ptrdiff_t>(loop.end);
    const std::vector<Step> body(begin, end);
    loop.loop->steps = static_cast<std::uint32_t>(body.size());
    loop.loop->step = keep(body);
    steps.erase(begin, end);
    for (std::size_t j = i + 1; j < loops.size(); ++j) {
      if (loops[j].begin >= loop.end) loops[j].begin -= body.size();
      loops[j].end -= body.size();
    }
  }
  loops.clear();
}

std::size_t Plan::row_bytes() const {
  return (rows + group_rows) * static_cast<std::size_t>(events) * 4 + alignment_bytes;
}

Buffer Plan::make_rows() const {
  const auto lanes = static_cast<std::size_t>(events);
  Buffer buffer(row_bytes(), events == 1 ? Use::single_plan : Use::tile_plan);
  for (const ConstantRow& constant : constants) {
    std::byte* row = buffer.data() + std::size_t{constant.row} * lanes * 4;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const auto narrow = static_cast<std::int32_t>(constant.value);
      if (constant.is_64) {
        std::memcpy(row + lane * 8, &constant.value, 8);
      } else {
        std::memcpy(row + lane * 4, &narrow, 4);
      }
    }
  }
  return buffer;
}

}  // namespace crible::backends::cpu
