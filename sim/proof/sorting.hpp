#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "sim/proof/forms.hpp"

/// Sorting as forms: exchanges of two words each, so that each is a minimum and a maximum.
namespace crible::sim::proof {

/// What is sorted: keys, no two of which are equal, and what moves with them (-1: nothing).
struct SortEntry {
  FormId key = -1;
  FormId payload = -1;
};

/// Pairs of places that put any values into ascending order: Batcher's merge sort. Throws Untreated for more
/// than 16 places, up to which it is tried on all zeros and ones (what sorts these sorts everything).
std::vector<std::pair<std::size_t, std::size_t>> exchanges(std::size_t count);

/// Puts the entries into ascending order of their keys.
void sort_entries(Forms& forms, std::vector<SortEntry>& entries);

}  // namespace crible::sim::proof
