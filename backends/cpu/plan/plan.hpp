#pragma once

#include <cstddef>
#include <cstring>
#include <vector>

#include "backends/cpu/plan/store.hpp"
#include "backends/cpu/steps.hpp"
#include "engine/network/network.hpp"
#include "engine/network/verify.hpp"

namespace crible::backends::cpu {

/// A row that never changes: `value` in every lane.
struct ConstantRow {
  Row row;
  std::int64_t value;
  bool is_64;
};

/// Rows that were asked for together and stay together.
struct RowGroup {
  Row first;
  std::size_t count;
};

/// Where a step names a row.
struct RowUse {
  Row* row;
  std::size_t step;
};

/// The steps from `begin` on and before `end` are the body of the loop that stands before them.
struct LoopRange {
  std::size_t begin;
  std::size_t end;
  Loop* loop;
};

/// A network as steps for tiles of `events` events, with everything that the steps point to.
struct Plan {
  explicit Plan(int events_of_tile)
      : events(events_of_tile), store(events_of_tile == 1 ? Use::single_plan : Use::tile_plan) {}

  int events;
  std::size_t rows = 0;
  std::vector<Step> steps;
  std::vector<ConstantRow> constants;
  std::vector<RowGroup> groups;
  std::vector<RowUse> uses;
  std::vector<LoopRange> loops;  // inner ones before those around them
  Store store;

  /// Copies plain data into memory that lives as long as the plan; equal data once.
  template <class T>
  const T* keep(const std::vector<T>& values) {
    return static_cast<const T*>(store.keep(values.data(), values.size() * sizeof(T)));
  }

  /// The same for rows of the next step, which may still be renumbered.
  const Row* keep_rows(const std::vector<Row>& rows_of_step) {
    auto* kept = reinterpret_cast<Row*>(store.copy(rows_of_step.data(), rows_of_step.size() * sizeof(Row)));
    for (std::size_t i = 0; i < rows_of_step.size(); ++i) uses.push_back({kept + i, steps.size()});
    return kept;
  }
  template <class T>
  const T* keep_rows_in(const std::vector<T>& values, Row T::*member) {
    auto* kept = reinterpret_cast<T*>(store.copy(values.data(), values.size() * sizeof(T)));
    for (std::size_t i = 0; i < values.size(); ++i) uses.push_back({&(kept[i].*member), steps.size()});
    return kept;
  }

  /// Renumbers the rows so that groups which are never needed at the same time share memory.
  void reuse_rows();

  /// Moves the bodies of loops out of the list of steps.
  void nest_loops();

  /// Bytes that the rows need, and memory for them with the constants filled in.
  std::size_t row_bytes() const;
  Buffer make_rows() const;
};

/// Which of a variant's kernels a plan is made for.
enum class Layout { single, tile };

Plan make_plan(const network::Network& network, const network::Ranges& ranges, const Kernels& kernels,
               Layout layout);

}  // namespace crible::backends::cpu
