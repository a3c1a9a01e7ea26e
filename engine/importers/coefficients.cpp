#include "engine/importers/coefficients.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::importers {

namespace {

/// Beyond any trigger network; keeps a damaged file from asking for all the memory.
constexpr std::int64_t most_elements = std::int64_t{1} << 26;

}  // namespace

std::size_t element_count(const Extents& extents) {
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) {
    if (extent < 0) throw Error("a tensor has a negative extent in " + to_string(extents));
    if (extent > most_elements || (count *= extent) > most_elements)
      throw Error("a tensor of shape " + to_string(extents) +
                  " is larger than crible accepts (2^26 elements)");
  }
  return static_cast<std::size_t>(count);
}

std::string to_string(const Extents& extents) {
  std::string text = "[";
  for (std::size_t i = 0; i < extents.size(); ++i) text += (i ? "," : "") + std::to_string(extents[i]);
  return text + "]";
}

Extents with_rank(const Extents& extents, std::size_t rank) {
  Extents result(rank - std::min(rank, extents.size()), 1);
  result.insert(result.end(), extents.begin(), extents.end());
  return result;
}

Extents broadcast(const Extents& a, const Extents& b) {
  const std::size_t rank = std::max(a.size(), b.size());
  const Extents x = with_rank(a, rank);
  const Extents y = with_rank(b, rank);
  Extents result(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (x[i] != y[i] && x[i] != 1 && y[i] != 1)
      throw Error("shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
    result[i] = x[i] == 1 ? y[i] : x[i];
  }
  return result;
}

std::vector<std::size_t> broadcast_indices(const Extents& from, const Extents& extents) {
  const std::size_t count = element_count(extents);
  std::vector<std::size_t> indices(count);
  std::vector<std::size_t> strides(extents.size());
  std::size_t stride = 1;
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    strides[axis] = from[axis] == 1 ? 0 : stride;
    stride *= static_cast<std::size_t>(from[axis]);
  }
  std::vector<std::int64_t> position(extents.size(), 0);
  std::size_t flat = 0;
  for (std::size_t i = 0; i < count; ++i) {
    indices[i] = flat;
    for (std::size_t axis = extents.size(); axis-- > 0;) {
      flat += strides[axis];
      if (++position[axis] < extents[axis]) break;
      flat -= strides[axis] * static_cast<std::size_t>(extents[axis]);
      position[axis] = 0;
    }
  }
  return indices;
}

Coefficients Coefficients::uniform(std::size_t rank, const Real& value) {
  return {Extents(rank, 1), {value}};
}

bool Coefficients::all(const Real& value) const {
  return std::all_of(values.begin(), values.end(), [&](const Real& x) { return x == value; });
}

Coefficients combine(const Coefficients& a, const Coefficients& b,
                     const std::function<Real(const Real&, const Real&)>& operation) {
  Coefficients result{broadcast(a.shape, b.shape), {}};
  const auto from_a = broadcast_indices(with_rank(a.shape, result.rank()), result.shape);
  const auto from_b = broadcast_indices(with_rank(b.shape, result.rank()), result.shape);
  result.values.reserve(from_a.size());
  for (std::size_t i = 0; i < from_a.size(); ++i) {
    result.values.push_back(operation(a.values[from_a[i]], b.values[from_b[i]]));
    result.values.back().check_size();
  }
  return result;
}

Coefficients transform(const Coefficients& a, const std::function<Real(const Real&)>& operation) {
  Coefficients result{a.shape, {}};
  result.values.reserve(a.values.size());
  for (const Real& value : a.values) result.values.push_back(operation(value));
  return result;
}

Coefficients expand(const Coefficients& a, const Extents& extents) {
  Coefficients result{extents, {}};
  const auto indices = broadcast_indices(with_rank(a.shape, extents.size()), extents);
  result.values.reserve(indices.size());
  for (const std::size_t index : indices) result.values.push_back(a.values[index]);
  return result;
}

Coefficients with_rank(const Coefficients& a, std::size_t rank) {
  return {with_rank(a.shape, rank), a.values};
}

Coefficients transpose(const Coefficients& a, const std::vector<int>& permutation) {
  Coefficients result;
  std::vector<std::size_t> strides(a.rank());
  std::size_t stride = 1;
  for (std::size_t axis = a.rank(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= static_cast<std::size_t>(a.shape[axis]);
  }
  for (const int axis : permutation) result.shape.push_back(a.shape[static_cast<std::size_t>(axis)]);
  std::vector<std::int64_t> position(a.rank(), 0);
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    std::size_t flat = 0;
    for (std::size_t axis = 0; axis < permutation.size(); ++axis)
      flat += static_cast<std::size_t>(position[axis]) * strides[static_cast<std::size_t>(permutation[axis])];
    result.values.push_back(a.values[flat]);
    for (std::size_t axis = a.rank(); axis-- > 0;) {
      if (++position[axis] < result.shape[axis]) break;
      position[axis] = 0;
    }
  }
  return result;
}

Coefficients simplify(Coefficients a) {
  if (a.values.size() > 1 && a.all(a.values.front()))
    return Coefficients::uniform(a.rank(), a.values.front());
  return a;
}

Spread spread_of(const Coefficients& a) {
  Spread spread;
  for (std::size_t axis = 0; axis < a.rank(); ++axis) {
    if (a.shape[axis] == 1) continue;
    if (spread.kind != Spread::Kind::tensor) return {Spread::Kind::element, -1};
    spread = {Spread::Kind::axis, static_cast<int>(axis)};
  }
  return spread;
}

}  // namespace crible::importers
