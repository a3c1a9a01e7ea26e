#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/importers/exact.hpp"

namespace crible::importers {

/// Extents of a tensor as the model has it, with the axis of events.
using Extents = std::vector<std::int64_t>;

/// Product of the extents. Throws Error when an extent is negative or the product is beyond what is accepted.
std::size_t element_count(const Extents& extents);

std::string to_string(const Extents& extents);

/// Numpy's broadcasting rule. Throws Error when the two do not fit.
Extents broadcast(const Extents& a, const Extents& b);

/// Extents with leading ones up to `rank`.
Extents with_rank(const Extents& extents, std::size_t rank);

/// Walks the elements of `extents` in C order and gives the flat index into a tensor of `from` (same rank,
/// extents equal or 1).
std::vector<std::size_t> broadcast_indices(const Extents& from, const Extents& extents);

/// Exact numbers spread over a tensor: `shape` has the tensor's rank, and each extent is the tensor's or 1.
struct Coefficients {
  Extents shape;
  std::vector<Real> values;

  static Coefficients uniform(std::size_t rank, const Real& value);

  bool is_uniform() const { return values.size() == 1; }
  bool all(const Real& value) const;
  std::size_t rank() const { return shape.size(); }
};

/// Elementwise with broadcasting between the two shapes.
Coefficients combine(const Coefficients& a, const Coefficients& b,
                     const std::function<Real(const Real&, const Real&)>& operation);
Coefficients transform(const Coefficients& a, const std::function<Real(const Real&)>& operation);

/// The same numbers for every element of `extents`.
Coefficients expand(const Coefficients& a, const Extents& extents);

Coefficients with_rank(const Coefficients& a, std::size_t rank);
Coefficients transpose(const Coefficients& a, const std::vector<int>& permutation);

/// One value where all are equal.
Coefficients simplify(Coefficients a);

/// How coefficients lie on a tensor: one value (axis -1), one for each index of `axis`, or one for each
/// element.
struct Spread {
  enum class Kind { tensor, axis, element } kind = Kind::tensor;
  int axis = -1;
};
Spread spread_of(const Coefficients& a);

}  // namespace crible::importers
