#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

/// A list that older operator sets give as an attribute and newer ones as a constant input.
std::vector<std::int64_t> list(const Scope& scope, std::size_t input, const char* attribute) {
  if (scope.has(input)) return whole_numbers(scope.constant(input, attribute));
  return scope.op().integers(attribute);
}

void reshape(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::vector<std::int64_t> wanted = list(scope, 1, "shape");
  const bool zero_is_zero = scope.op().integer("allowzero", 0) != 0;
  Extents shape;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::int64_t extent = wanted[i];
    if (extent == 0 && !zero_is_zero) {
      if (i >= x.rank()) throw Error("its shape copies an axis that its input does not have");
      extent = x.shape[i];
    }
    if (extent == -1) {
      if (open) throw Error("its shape leaves two extents open");
      open = i;
      extent = 1;
    }
    if (extent < 0) throw Error("its shape has a negative extent");
    shape.push_back(extent);
  }
  if (open) {
    const std::size_t known = element_count(shape);
    if (known == 0 || element_count(x.shape) % known != 0)
      throw Error("its shape " + to_string(wanted) + " does not divide its input " + to_string(x.shape));
    shape[*open] = static_cast<std::int64_t>(element_count(x.shape) / known);
  }
  scope.out(reshaped(scope.lowering(), x, shape));
}

void flatten(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::int64_t given = scope.op().integer("axis", 1);
  const auto axis = given == static_cast<std::int64_t>(x.rank())
                        ? x.rank()
                        : static_cast<std::size_t>(axis_in(given, x.rank()));
  const Extents before(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const Extents after(x.shape.begin() + static_cast<std::ptrdiff_t>(axis), x.shape.end());
  scope.out(reshaped(
      scope.lowering(), x,
      {static_cast<std::int64_t>(element_count(before)), static_cast<std::int64_t>(element_count(after))}));
}

/// Reshape that only adds or removes axes of extent 1 keeps the axis of events where it is.
Value with_batch(const Scope& scope, const Value& x, const Extents& shape, int batch) {
  Value result = reshaped(scope.lowering(), x, shape);
  if (result.is_constant() || result.batch == batch) return result;
  Value moved = scope.lowering().emit(x);
  result.batch = batch;
  result.node = moved.node;
  if (Lowering::shape_of(result) != Lowering::shape_of(moved))
    result.node = scope.lowering().builder().add(scope.lowering().next_name(), network::Reshape{},
                                                 {moved.node}, Lowering::shape_of(result));
  return result;
}

void squeeze(const Scope& scope) {
  const Value& x = scope.in(0);
  std::vector<bool> remove(x.rank(), false);
  const std::vector<std::int64_t> axes = list(scope, 1, "axes");
  for (const std::int64_t axis : axes) remove[static_cast<std::size_t>(axis_in(axis, x.rank()))] = true;
  Extents shape;
  int batch = -1;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const bool gone =
        axes.empty() ? x.shape[axis] == 1 && static_cast<int>(axis) != x.batch : bool{remove[axis]};
    if (gone && x.shape[axis] != 1) throw Error("it removes an axis whose extent is not 1");
    if (gone) continue;
    if (static_cast<int>(axis) == x.batch) batch = static_cast<int>(shape.size());
    shape.push_back(x.shape[axis]);
  }
  scope.out(with_batch(scope, x, shape, batch));
}

void unsqueeze(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::vector<std::int64_t> axes = list(scope, 1, "axes");
  const std::size_t rank = x.rank() + axes.size();
  std::vector<bool> added(rank, false);
  for (const std::int64_t axis : axes) added[static_cast<std::size_t>(axis_in(axis, rank))] = true;
  Extents shape;
  int batch = -1;
  std::size_t from = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (added[axis]) {
      shape.push_back(1);
      continue;
    }
    if (from >= x.rank()) throw Error("it adds the same axis twice");
    if (static_cast<int>(from) == x.batch) batch = static_cast<int>(axis);
    shape.push_back(x.shape[from++]);
  }
  scope.out(with_batch(scope, x, shape, batch));
}

void transpose_axes(const Scope& scope) {
  const Value& x = scope.in(0);
  std::vector<int> permutation;
  for (const std::int64_t axis : scope.op().integers("perm")) permutation.push_back(axis_in(axis, x.rank()));
  if (permutation.empty()) {
    permutation.resize(x.rank());
    std::iota(permutation.rbegin(), permutation.rend(), 0);
  }
  scope.out(transposed(scope.lowering(), x, permutation));
}

void slice(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::vector<std::int64_t> starts = list(scope, 1, "starts");
  const std::vector<std::int64_t> ends = list(scope, 2, "ends");
  std::vector<std::int64_t> axes = list(scope, 3, "axes");
  std::vector<std::int64_t> steps =
      scope.has(4) ? whole_numbers(scope.constant(4, "steps")) : std::vector<std::int64_t>{};
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    throw Error("its starts, ends, axes and steps have different lengths");
  std::vector<std::int64_t> first(x.rank(), 0);
  std::vector<std::int64_t> step(x.rank(), 1);
  Extents shape = x.shape;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axis_in(axes[i], x.rank()));
    const std::int64_t extent = x.shape[axis];
    const std::int64_t s = steps[i];
    if (s == 0 || std::abs(s) > (1 << 24)) throw Error("its step is zero or out of range");
    const auto inside = [&](std::int64_t position) {
      if (position < 0) position += extent;
      return s > 0 ? std::clamp<std::int64_t>(position, 0, extent)
                   : std::clamp<std::int64_t>(position, -1, extent - 1);
    };
    // The most negative numbers mean "before the start" and must not wrap round when the extent is added.
    const auto bounded = [](std::int64_t position) {
      return std::clamp<std::int64_t>(position, -(std::int64_t{1} << 40), std::int64_t{1} << 40);
    };
    const std::int64_t begin = inside(bounded(starts[i]));
    const std::int64_t end = inside(bounded(ends[i]));
    first[axis] = begin;
    step[axis] = s;
    shape[axis] = std::max<std::int64_t>(0, s > 0 ? (end - begin + s - 1) / s : (begin - end - s - 1) / -s);
  }
  scope.out(sliced(scope.lowering(), x, first, step, shape));
}

Value part_of(Lowering& lowering, const Value& x, std::size_t axis, std::int64_t start, std::int64_t extent,
              std::int64_t step = 1) {
  std::vector<std::int64_t> first(x.rank(), 0);
  std::vector<std::int64_t> steps(x.rank(), 1);
  Extents shape = x.shape;
  first[axis] = start;
  steps[axis] = step;
  shape[axis] = extent;
  return sliced(lowering, x, first, steps, shape);
}

void split(const Scope& scope) {
  const Value& x = scope.in(0);
  const auto axis = static_cast<std::size_t>(axis_in(scope.op().integer("axis", 0), x.rank()));
  std::vector<std::int64_t> sizes = list(scope, 1, "split");
  const auto count = static_cast<std::int64_t>(scope.op().outputs.size());
  if (sizes.empty()) {
    const std::int64_t each = (x.shape[axis] + count - 1) / count;
    for (std::int64_t i = 0; i < count; ++i) sizes.push_back(std::min(each, x.shape[axis] - i * each));
  }
  std::int64_t start = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > x.shape[axis] - start) throw Error("its parts do not fit its input");
    scope.out(part_of(scope.lowering(), x, axis, start, sizes[i]), i);
    start += sizes[i];
  }
  if (start != x.shape[axis]) throw Error("its parts do not cover its input");
}

void concat(const Scope& scope) {
  std::vector<Value> parts;
  for (std::size_t i = 0; i < scope.op().inputs.size(); ++i) parts.push_back(scope.in(i));
  if (parts.empty()) throw Error("it has no inputs");
  scope.out(
      concatenated(scope.lowering(), parts, axis_in(scope.op().integer("axis", 1), parts.front().rank())));
}

void gather(const Scope& scope) {
  const Value& x = scope.in(0);
  const auto axis = static_cast<std::size_t>(axis_in(scope.op().integer("axis", 0), x.rank()));
  const Constant& given = scope.constant(1, "index list");
  if (given.shape.size() > 1) throw Error("its indices have more than one axis");
  std::vector<std::int64_t> indices = whole_numbers(given);
  for (std::int64_t& index : indices) {
    if (index < 0) index += x.shape[axis];
    if (index < 0 || index >= x.shape[axis]) throw Error("an index is outside its input");
  }
  if (indices.empty()) throw Error("it gathers nothing");
  constexpr std::size_t most_indices = 4096;
  if (indices.size() > most_indices) throw Error("it gathers more than 4096 slices");
  const std::int64_t step = indices.size() > 1 ? indices[1] - indices[0] : 1;
  bool regular = step != 0;
  for (std::size_t i = 1; i < indices.size(); ++i) regular = regular && indices[i] - indices[i - 1] == step;
  Value result;
  if (regular) {
    result = part_of(scope.lowering(), x, axis, indices[0], static_cast<std::int64_t>(indices.size()), step);
  } else {
    std::vector<Value> parts;
    for (const std::int64_t index : indices) parts.push_back(part_of(scope.lowering(), x, axis, index, 1));
    result = concatenated(scope.lowering(), parts, static_cast<int>(axis));
  }
  if (given.shape.empty()) {
    Extents shape = result.shape;
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    const int batch = result.batch > static_cast<int>(axis)    ? result.batch - 1
                      : result.batch == static_cast<int>(axis) ? -1
                                                               : result.batch;
    result = with_batch(scope, result, shape, batch);
  }
  scope.out(result);
}

void pad(const Scope& scope) {
  if (scope.op().text("mode", "constant") != "constant")
    throw Error("it pads with copies of its input; only constants are supported");
  if (scope.in(0).is_constant()) throw Error("its input is a constant; fold constants before the import");
  const Value& x = scope.in(0);
  const std::vector<std::int64_t> pads = list(scope, 1, "pads");
  std::vector<std::int64_t> axes =
      scope.has(3) ? whole_numbers(scope.constant(3, "axes")) : std::vector<std::int64_t>{};
  if (axes.empty()) {
    axes.resize(x.rank());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (pads.size() != 2 * axes.size()) throw Error("its pads do not fit its axes");
  const Real real = scope.has(2) ? exact_elements(scope.constant(2, "value")).at(0)
                                 : Real(to_rational(scope.op().real("value", 0)));
  std::vector<int> before(x.rank(), 0);
  std::vector<int> after(x.rank(), 0);
  Extents shape = x.shape;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axis_in(axes[i], x.rank()));
    const std::int64_t front = pads[i];
    const std::int64_t back = pads[i + axes.size()];
    if (front < 0 || back < 0 || front > (1 << 20) || back > (1 << 20))
      throw Error("its pads are negative or out of range; use a Slice");
    if (static_cast<int>(axis) == x.batch && front + back > 0)
      throw Error("it pads along the axis of events");
    before[axis] = static_cast<int>(front);
    after[axis] = static_cast<int>(back);
    shape[axis] += front + back;
  }
  element_count(shape);
  const auto integer_of = [&](const Value& value) -> std::optional<std::int64_t> {
    if (!value.scale.is_uniform() || !value.offset.is_uniform() || value.scale.values[0].sign() == 0)
      return std::nullopt;
    const Real q = (real - value.offset.values[0]) / value.scale.values[0];
    if (!(Real(Rational(q.floor())) == q)) return std::nullopt;
    return to_int64(q.floor());
  };
  Value input = scope.lowering().emit_unclamped(x);
  if (!integer_of(input)) input = scope.lowering().emit_plain(x);
  const auto value = integer_of(input);
  if (!value) throw Error("its value is no whole number of its input's steps; quantize before it");
  network::Pad operation;
  operation.value = *value;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    if (static_cast<int>(axis) == x.batch) continue;
    operation.before.push_back(before[axis]);
    operation.after.push_back(after[axis]);
  }
  Value result = input;
  result.shape = shape;
  result.node = scope.lowering().builder().add(scope.lowering().next_name(), operation, {input.node});
  scope.out(result);
}

/// [N, C, H, W] with blocks moved between channels and space, as reshape, transpose, reshape.
void depth_to_space(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::int64_t block = scope.op().integer("blocksize", 0);
  if (x.rank() != 4 || block < 1 || block > 4096 || x.shape[1] % (block * block) != 0)
    throw Error("its block size does not divide its channels");
  const std::int64_t channels = x.shape[1] / (block * block);
  const bool column_row = scope.op().text("mode", "DCR") == "CRD";
  const Extents apart = column_row ? Extents{x.shape[0], channels, block, block, x.shape[2], x.shape[3]}
                                   : Extents{x.shape[0], block, block, channels, x.shape[2], x.shape[3]};
  const std::vector<int> order =
      column_row ? std::vector<int>{0, 1, 4, 2, 5, 3} : std::vector<int>{0, 3, 4, 1, 5, 2};
  Lowering& lowering = scope.lowering();
  const Value moved = transposed(lowering, reshaped(lowering, x, apart), order);
  scope.out(reshaped(lowering, moved, {x.shape[0], channels, x.shape[2] * block, x.shape[3] * block}));
}

void space_to_depth(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::int64_t block = scope.op().integer("blocksize", 0);
  if (x.rank() != 4 || block < 1 || block > 4096 || x.shape[2] % block != 0 || x.shape[3] % block != 0)
    throw Error("its block size does not divide its input");
  Lowering& lowering = scope.lowering();
  const Extents apart{x.shape[0], x.shape[1], x.shape[2] / block, block, x.shape[3] / block, block};
  const Value moved = transposed(lowering, reshaped(lowering, x, apart), {0, 3, 5, 1, 2, 4});
  scope.out(reshaped(lowering, moved,
                     {x.shape[0], x.shape[1] * block * block, x.shape[2] / block, x.shape[3] / block}));
}

/// Where position i of the result comes from, for one axis of a nearest-neighbour resize.
std::int64_t nearest_source(std::int64_t i, const Rational& scale, std::int64_t from, std::int64_t to,
                            const std::string& coordinates, const std::string& rounding) {
  Rational x = Rational(i) / scale;
  const Rational half(1, 2);
  if (coordinates == "half_pixel" || (coordinates == "pytorch_half_pixel" && to > 1))
    x = (i + half) / scale - half;
  if (coordinates == "pytorch_half_pixel" && to <= 1) x = 0;
  if (coordinates == "align_corners") x = to > 1 ? Rational(i * (from - 1), to - 1) : Rational(0);
  Integer result;
  if (rounding == "floor") result = floor(x);
  if (rounding == "ceil") result = -floor(-x);
  if (rounding == "round_prefer_floor") result = -floor(-(x - half));
  if (rounding == "round_prefer_ceil") result = floor(x + half);
  return to_int64(result).value_or(-1);
}

Value resized(const Scope& scope, const Extents& shape, const std::vector<Rational>& scales,
              const std::string& coordinates, const std::string& rounding) {
  const Value& x = scope.in(0);
  if (x.is_constant()) throw Error("its input is a constant; fold constants before the import");
  std::vector<int> factors;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    if (shape[axis] < 1 || shape[axis] % x.shape[axis] != 0)
      throw Error("it does not resize by whole factors; use factors 2, 3, ...");
    const std::int64_t factor = shape[axis] / x.shape[axis];
    for (std::int64_t i = 0; i < shape[axis]; ++i) {
      const std::int64_t source =
          nearest_source(i, scales[axis], x.shape[axis], shape[axis], coordinates, rounding);
      if (std::clamp<std::int64_t>(source, 0, x.shape[axis] - 1) != i / factor)
        throw Error("its coordinates (" + coordinates + ", " + rounding +
                    ") do not repeat each element equally often; "
                    "export it with asymmetric and floor");
    }
    if (static_cast<int>(axis) == x.batch && factor != 1) throw Error("it resizes the axis of events");
    if (static_cast<int>(axis) != x.batch) factors.push_back(static_cast<int>(factor));
  }
  Value input = scope.lowering().emit(x);
  const auto along_channels = [](const Coefficients& a) {
    const Spread spread = spread_of(a);
    return spread.kind == Spread::Kind::tensor || (spread.kind == Spread::Kind::axis && spread.axis == 1);
  };
  const bool channels_change = x.rank() > 1 && shape[1] != x.shape[1];
  if (!along_channels(input.scale) || !along_channels(input.offset) ||
      (channels_change && !(input.scale.is_uniform() && input.offset.is_uniform())))
    input = scope.lowering().emit_plain(x);
  Value result = input;
  result.shape = shape;
  if (shape != x.shape)
    result.node =
        scope.lowering().builder().add(scope.lowering().next_name(), network::Resize{factors}, {input.node});
  return result;
}

void resize_by(const Scope& scope, const std::vector<Real>& scales, const std::string& coordinates,
               const std::string& rounding) {
  const Value& x = scope.in(0);
  if (scales.size() != x.rank()) throw Error("it does not have one scale for each axis");
  std::vector<Rational> factors;
  Extents shape;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    if (!scales[axis].is_rational() || scales[axis].sign() <= 0) throw Error("its scale is not positive");
    factors.push_back(scales[axis].rational());
    shape.push_back(to_int64(floor(factors.back() * Rational(x.shape[axis]))).value_or(-1));
  }
  element_count(shape);
  scope.out(resized(scope, shape, factors, coordinates, rounding));
}

void resize(const Scope& scope) {
  const Operator& op = scope.op();
  const Value& x = scope.in(0);
  if (op.text("mode", "nearest") != "nearest")
    throw Error("it interpolates; only nearest neighbour is exact in integers");
  const std::string coordinates = op.text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = op.text("nearest_mode", "round_prefer_floor");
  if (scope.has(3)) {
    const std::vector<std::int64_t> sizes = whole_numbers(scope.constant(3, "sizes"));
    if (sizes.size() != x.rank()) throw Error("it does not have one size for each axis");
    std::vector<Rational> scales;
    for (std::size_t axis = 0; axis < x.rank(); ++axis)
      scales.push_back(Rational(sizes[axis], x.shape[axis]));
    element_count(sizes);
    for (const Rational& scale : scales) {
      if (scale <= 0) throw Error("its size is not positive");
    }
    return scope.out(resized(scope, sizes, scales, coordinates, rounding));
  }
  const std::size_t index = op.inputs.size() > 2 ? 2 : 1;  // operator set 10 has no region
  resize_by(scope, exact_elements(scope.constant(index, "scales")), coordinates, rounding);
}

void upsample(const Scope& scope) {
  if (scope.op().text("mode", "nearest") != "nearest")
    throw Error("it interpolates; only nearest neighbour is exact in integers");
  if (scope.has(1))
    return resize_by(scope, exact_elements(scope.constant(1, "scales")), "asymmetric", "floor");
  const auto found = scope.op().attributes.find("scales");
  if (found == scope.op().attributes.end()) throw Error("it has no scales");
  std::vector<Real> scales;
  for (const double scale : found->second.reals) scales.push_back(Real(to_rational(scale)));
  resize_by(scope, scales, "asymmetric", "floor");
}

void expand_to(const Scope& scope) {
  const Value& x = scope.in(0);
  const Extents shape = broadcast(x.shape, whole_numbers(scope.constant(1, "shape")));
  element_count(shape);
  if (shape == x.shape) return scope.out(x);
  const std::vector<std::int64_t> zeros(element_count(shape), 0);
  const Constant zero =
      x.is_integer ? make_integers(shape, zeros) : make_reals(shape, std::vector<double>(zeros.size(), 0.0));
  scope.out(sum(scope.lowering(), x, constant_value(zero)));
}

void tile(const Scope& scope) {
  Value result = scope.in(0);
  const std::vector<std::int64_t> repeats = whole_numbers(scope.constant(1, "list of repeats"));
  if (repeats.size() != result.rank()) throw Error("its repeats do not fit its input");
  for (std::size_t axis = 0; axis < repeats.size(); ++axis) {
    if (repeats[axis] < 1 || repeats[axis] > 4096) throw Error("its repeats are outside 1 to 4096");
    if (repeats[axis] == 1) continue;
    const std::vector<Value> copies(static_cast<std::size_t>(repeats[axis]), result);
    result = concatenated(scope.lowering(), copies, static_cast<int>(axis));
  }
  scope.out(result);
}

/// Elements on one side of a diagonal of the last two axes; zeros elsewhere.
void triangle(const Scope& scope) {
  const Value& x = scope.in(0);
  if (x.rank() < 2) throw Error("its input is no matrix");
  const std::vector<std::int64_t> diagonal =
      scope.has(1) ? whole_numbers(scope.constant(1, "diagonal")) : std::vector<std::int64_t>{0};
  if (diagonal.size() != 1) throw Error("its diagonal is not one number");
  const bool upper = scope.op().integer("upper", 1) != 0;
  const std::int64_t rows = x.shape[x.rank() - 2];
  const std::int64_t columns = x.shape[x.rank() - 1];
  std::vector<std::int64_t> kept;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int64_t distance = column - row;
      kept.push_back((upper ? distance >= diagonal[0] : distance <= diagonal[0]) ? 1 : 0);
    }
  }
  Value result =
      product(scope.lowering(), x, constant_value(make_integers({rows, columns}, std::move(kept))));
  result.is_integer = x.is_integer;
  scope.out(result);
}

}  // namespace

std::vector<OperatorEntry> layout_operators() {
  return {
      {"", "Reshape", reshape, Place::rearranging},
      {"", "Flatten", flatten, Place::rearranging},
      {"", "Squeeze", squeeze, Place::rearranging},
      {"", "Unsqueeze", unsqueeze, Place::rearranging},
      {"", "Transpose", transpose_axes, Place::before_input},
      {"", "Slice", slice, Place::before_input},
      {"", "Split", split, Place::before_input},
      {"", "Concat", concat},
      {"", "Gather", gather, Place::before_input},
      {"", "Pad", pad},
      {"", "DepthToSpace", depth_to_space},
      {"", "SpaceToDepth", space_to_depth},
      {"", "Resize", resize},
      {"", "Upsample", upsample},
      {"", "Expand", expand_to},
      {"", "Tile", tile},
      {"", "Trilu", triangle},
  };
}

}  // namespace crible::importers::graph
