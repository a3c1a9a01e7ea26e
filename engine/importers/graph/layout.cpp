#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

/// For each element of the result the flat index of its source.
using Sources = std::vector<std::size_t>;

/// One value for each index of a single axis where that says it all; coefficients of a rearranged tensor come
/// element by element.
Coefficients compressed(Coefficients a) {
  a = simplify(std::move(a));
  if (a.is_uniform()) return a;
  for (std::size_t axis = 0; axis < a.rank(); ++axis) {
    Extents along(a.rank(), 1);
    along[axis] = a.shape[axis];
    const Sources row = broadcast_indices(along, a.shape);
    std::vector<const Real*> first(static_cast<std::size_t>(a.shape[axis]), nullptr);
    const bool same = std::all_of(row.begin(), row.end(), [&, i = std::size_t{0}](std::size_t r) mutable {
      const Real& value = a.values[i++];
      if (!first[r]) first[r] = &value;
      return *first[r] == value;
    });
    if (!same) continue;
    Coefficients result{along, {}};
    for (const Real* value : first) result.values.push_back(*value);
    return result;
  }
  return a;
}

Coefficients rearranged(const Coefficients& a, const Extents& from, const Extents& to,
                        const Sources& sources) {
  if (a.is_uniform()) return Coefficients::uniform(to.size(), a.values[0]);
  const Coefficients all = expand(a, from);
  Coefficients result{to, {}};
  result.values.reserve(sources.size());
  for (const std::size_t source : sources) result.values.push_back(all.values[source]);
  return compressed(std::move(result));
}

Value rearranged_constant(const Value& x, const Extents& to, const Sources& sources) {
  const Constant& constant = *x.constant;
  Constant result;
  result.shape = to;
  result.is_integer = constant.is_integer;
  result.element = constant.element;
  for (const std::size_t source : sources) {
    if (constant.has_integers()) {
      result.integers.push_back(constant.integers[source]);
    } else {
      result.reals.push_back(constant.reals[source]);
    }
  }
  if (constant.has_integers() || sources.empty()) {
    result.scale = rearranged(constant.has_integers() ? constant.scale : Coefficients::uniform(x.rank(), 1),
                              constant.shape, to, sources);
    result.offset = rearranged(constant.has_integers() ? constant.offset : Coefficients::uniform(x.rank(), 0),
                               constant.shape, to, sources);
  }
  return constant_value(std::move(result));
}

/// A computed value after its elements were moved; the caller sets the node.
Value rearranged_value(const Value& x, const Extents& to, int batch,
                       const std::function<Sources()>& sources) {
  Value result = x;
  result.shape = to;
  result.batch = batch;
  if (x.scale.is_uniform() && x.offset.is_uniform()) {
    result.scale = Coefficients::uniform(to.size(), x.scale.values[0]);
    result.offset = Coefficients::uniform(to.size(), x.offset.values[0]);
    return result;
  }
  const Sources map = sources();
  result.scale = rearranged(x.scale, x.shape, to, map);
  result.offset = rearranged(x.offset, x.shape, to, map);
  return result;
}

Sources in_order(std::size_t count) {
  Sources sources(count);
  std::iota(sources.begin(), sources.end(), std::size_t{0});
  return sources;
}

/// Sources where element p of the result is at sum_i start_i + p_i * stride_i.
Sources strided(const Extents& shape, std::int64_t start, const std::vector<std::int64_t>& strides) {
  Sources sources(element_count(shape));
  std::vector<std::int64_t> position(shape.size(), 0);
  std::int64_t flat = start;
  for (std::size_t& source : sources) {
    source = static_cast<std::size_t>(flat);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      flat += strides[axis];
      if (++position[axis] < shape[axis]) break;
      flat -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return sources;
}

std::vector<std::int64_t> strides_of(const Extents& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

}  // namespace

Value reshaped(Lowering& lowering, const Value& x, const Extents& shape) {
  if (element_count(shape) != element_count(x.shape))
    throw Error("it reshapes " + to_string(x.shape) + " to " + to_string(shape) + ", which has another size");
  if (shape == x.shape) return x;
  if (x.is_constant()) return rearranged_constant(x, shape, in_order(element_count(shape)));
  Value input = lowering.emit(x);
  // Where a final softmax along an axis went is not followed: nothing may depend on it any more.
  if (input.dropped_axis >= 0) input.dropped_axis = std::numeric_limits<int>::max();
  // Events stay on the first axis where the new shape leaves room for them.
  const int batch = x.batch >= 0 && !shape.empty() && shape[0] == 1 ? 0 : -1;
  Value result = rearranged_value(input, shape, batch, [&] { return in_order(element_count(shape)); });
  if (Lowering::shape_of(result) != Lowering::shape_of(input))
    result.node = lowering.builder().add(lowering.next_name(), network::Reshape{}, {input.node},
                                         Lowering::shape_of(result));
  return result;
}

Value transposed(Lowering& lowering, const Value& x, const std::vector<int>& permutation) {
  std::vector<int> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted.size() != x.rank() || sorted[i] != static_cast<int>(i))
      throw Error("its permutation does not fit its input");
  }
  Extents shape;
  std::vector<std::int64_t> strides;
  const std::vector<std::int64_t> own = strides_of(x.shape);
  for (const int axis : permutation) {
    shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
    strides.push_back(own[static_cast<std::size_t>(axis)]);
  }
  if (x.is_constant()) {
    Value result = rearranged_constant(x, shape, strided(shape, 0, strides));
    return result;
  }
  const Value input = lowering.emit(x);
  int batch = -1;
  network::Transpose operation;
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] == x.batch) batch = static_cast<int>(i);
  }
  for (const int axis : permutation) {
    if (axis != x.batch) operation.permutation.push_back(x.batch >= 0 && x.batch < axis ? axis - 1 : axis);
  }
  Value result = input;
  result.shape = shape;
  result.batch = batch;
  result.scale = transpose(input.scale, permutation);
  result.offset = transpose(input.offset, permutation);
  if (!std::is_sorted(operation.permutation.begin(), operation.permutation.end()))
    result.node = lowering.builder().add(lowering.next_name(), operation, {input.node});
  return result;
}

Value sliced(Lowering& lowering, const Value& x, const std::vector<std::int64_t>& start,
             const std::vector<std::int64_t>& step, const Extents& shape) {
  const std::vector<std::int64_t> own = strides_of(x.shape);
  std::int64_t first = 0;
  std::vector<std::int64_t> strides;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    first += start[axis] * own[axis];
    strides.push_back(step[axis] * own[axis]);
  }
  if (x.is_constant()) return rearranged_constant(x, shape, strided(shape, first, strides));
  if (element_count(shape) == 0) throw Error("its result has no elements");
  const Value input = lowering.emit(x);
  Value result = rearranged_value(input, shape, x.batch, [&] { return strided(shape, first, strides); });
  network::Slice operation;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    if (static_cast<int>(axis) == x.batch) continue;
    operation.start.push_back(static_cast<int>(start[axis]));
    operation.step.push_back(static_cast<int>(step[axis]));
  }
  if (shape != x.shape || first != 0)
    result.node =
        lowering.builder().add(lowering.next_name(), operation, {input.node}, Lowering::shape_of(result));
  return result;
}

namespace {

Extents concatenated_shape(const std::vector<Value>& parts, std::size_t axis) {
  Extents shape = parts.front().shape;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    Extents other = parts[i].shape;
    if (other.size() != shape.size()) throw Error("its inputs have different ranks");
    shape[axis] += other[axis];
    other[axis] = shape[axis];
    if (other != shape) throw Error("its inputs have different shapes besides the axis");
  }
  return shape;
}

Value concatenated_constants(const std::vector<Value>& parts, const Extents& shape, std::size_t axis) {
  const bool integers = std::all_of(parts.begin(), parts.end(), [](const Value& part) {
    return part.constant->has_integers() && part.constant->is_integer;
  });
  std::size_t outer = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(shape[i]);
  std::vector<std::int64_t> whole;
  std::vector<Real> reals;
  for (std::size_t block = 0; block < outer; ++block) {
    for (const Value& part : parts) {
      const std::size_t size = element_count(part.shape) / std::max<std::size_t>(1, outer);
      const auto copy = [&](auto& to, const auto& from) {
        for (std::size_t i = 0; i < size; ++i) to.push_back(from[block * size + i]);
      };
      if (integers) {
        copy(whole, part.constant->integers);
      } else {
        copy(reals, exact_elements(*part.constant));
      }
    }
  }
  if (!integers) return constant_value(from_coefficients({shape, reals}));
  Constant result = make_integers(shape, std::move(whole));
  result.element = parts.front().constant->element;
  return constant_value(std::move(result));
}

}  // namespace

Value concatenated(Lowering& lowering, const std::vector<Value>& parts, int axis) {
  const auto along = static_cast<std::size_t>(axis);
  const Extents shape = concatenated_shape(parts, along);
  if (std::all_of(parts.begin(), parts.end(), [](const Value& part) { return part.is_constant(); }))
    return concatenated_constants(parts, shape, along);

  std::vector<Value> inputs;
  int batch = -1;
  bool integer = true;
  for (const Value& part : parts) {
    inputs.push_back(lowering.emit_unclamped(part));
    integer = integer && part.is_integer;
    if (!part.is_constant()) batch = part.batch;
  }
  for (Value& input : inputs) {
    if (input.batch == batch) continue;
    if (batch >= 0 && input.shape[static_cast<std::size_t>(batch)] != 1)
      throw Error("its inputs disagree on the axis of events");
    input.batch = batch;
    input.node = lowering.builder().add(lowering.next_name(), network::Reshape{}, {input.node},
                                        Lowering::shape_of(input));
  }
  Value result = inputs.front();
  result.shape = shape;
  result.batch = batch;
  result.is_integer = integer;
  const bool uniform = std::all_of(inputs.begin(), inputs.end(), [&](const Value& input) {
    return input.scale.is_uniform() && input.offset.is_uniform() &&
           input.scale.values[0] == inputs[0].scale.values[0] &&
           input.offset.values[0] == inputs[0].offset.values[0];
  });
  if (!uniform) {
    const auto joined = [&](Coefficients Value::*which) {
      std::vector<Value> coefficients;
      for (const Value& input : inputs)
        coefficients.push_back(constant_value(from_coefficients(expand(input.*which, input.shape))));
      return compressed(
          {shape, exact_elements(*concatenated_constants(coefficients, shape, along).constant)});
    };
    result.scale = joined(&Value::scale);
    result.offset = joined(&Value::offset);
  }
  std::vector<network::NodeId> nodes;
  const int fraction = uniform ? fraction_of(result.scale) : 0;
  for (const Value& input : inputs) nodes.push_back(lowering.with_fraction(input.node, fraction));
  const network::Concat operation{Lowering::axis_of(result, axis)};
  result.node = lowering.builder().add(lowering.next_name(), operation, nodes);
  return result;
}

}  // namespace crible::importers::graph
