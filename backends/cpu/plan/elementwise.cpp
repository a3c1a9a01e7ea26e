#include <algorithm>
#include <cstdint>

#include "backends/cpu/plan/planner.hpp"
#include "backends/cpu/plan/shapes.hpp"

// Nodes that work element by element.
namespace crible::backends::cpu {

using network::Interval;
using network::Node;
using network::Shape;

namespace {

Kind pick(bool in_64, bool out_64, Kind k32_32, Kind k32_64, Kind k64_32, Kind k64_64) {
  if (in_64) return out_64 ? k64_64 : k64_32;
  return out_64 ? k32_64 : k32_32;
}

ChainOp chain_op(Kind kind) {
  static const std::map<Kind, ChainCode> codes{{Kind::add_32, ChainCode::add},
                                               {Kind::subtract_32, ChainCode::subtract},
                                               {Kind::multiply_32, ChainCode::multiply},
                                               {Kind::less_32, ChainCode::less},
                                               {Kind::less_equal_32, ChainCode::less_equal},
                                               {Kind::equal_32, ChainCode::equal},
                                               {Kind::not_equal_32, ChainCode::not_equal},
                                               {Kind::select_32, ChainCode::select}};
  ChainOp op{};
  op.code = codes.at(kind);
  return op;
}

}  // namespace

const Tensor& Planner::input_of(const Context& context, int id) const {
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  return context.tensors[static_cast<std::size_t>(node.inputs[0])];
}

Elementwise Planner::elementwise(const std::vector<Row>& a, const std::vector<Row>& b,
                                 const std::vector<Row>& c, const std::vector<Row>& out) {
  const bool contiguous =
      layout_ == Layout::single && counts_up(a) && counts_up(b) && counts_up(c) && counts_up(out);
  return {static_cast<std::uint32_t>(out.size()),
          contiguous,
          plan_.keep_rows(a),
          plan_.keep_rows(b),
          plan_.keep_rows(c),
          plan_.keep_rows(out)};
}

Tensor Planner::broadcast(const Context& context, int input, const Shape& shape) const {
  const Tensor& in = context.tensors[static_cast<std::size_t>(input)];
  const Shape& in_shape = context.network.nodes[static_cast<std::size_t>(input)].shape;
  if (in_shape == shape) return in;
  const std::size_t missing = shape.size() - in_shape.size();
  Tensor out;
  Position position(shape);
  for (std::size_t i = 0; i < network::element_count(shape); ++i, position.advance()) {
    Shape from(in_shape.size());
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      from[axis] = in_shape[axis] == 1 ? 0 : position.at()[axis + missing];
    }
    out.push_back(in[flat_index(from, in_shape)]);
  }
  return out;
}

void Planner::plan_binary(Context& context, int id, Kind kind_32, Kind kind_64) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor a = broadcast(context, node.inputs[0], node.shape);
  const Tensor b = broadcast(context, node.inputs[1], node.shape);
  const bool is_64 = any_64(a) || any_64(b) || !fits_32(network::hull(context.ranges[at]));
  if (!is_64 && join_chain(context, id, chain_op(kind_32), {a, b})) return;
  const std::vector<Row> rows_a = rows_of(a, is_64);
  const std::vector<Row> rows_b = rows_of(b, is_64);
  const int base = new_base(context.ranges[at], is_64);
  context.tensors[at] = whole(base);
  emit(is_64 ? kind_64 : kind_32, elementwise(rows_a, rows_b, {}, bases_.back().wide));
}

void Planner::plan_compare(Context& context, int id, const network::Compare& compare) {
  using network::Comparison;
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  Tensor a = broadcast(context, node.inputs[0], node.shape);
  Tensor b = broadcast(context, node.inputs[1], node.shape);
  const bool is_64 = any_64(a) || any_64(b);
  Kind kind = Kind::equal_32;
  switch (compare.comparison) {
    case Comparison::greater:
      std::swap(a, b);
      [[fallthrough]];
    case Comparison::less:
      kind = is_64 ? Kind::less_64 : Kind::less_32;
      break;
    case Comparison::greater_equal:
      std::swap(a, b);
      [[fallthrough]];
    case Comparison::less_equal:
      kind = is_64 ? Kind::less_equal_64 : Kind::less_equal_32;
      break;
    case Comparison::equal:
      kind = is_64 ? Kind::equal_64 : Kind::equal_32;
      break;
    case Comparison::not_equal:
      kind = is_64 ? Kind::not_equal_64 : Kind::not_equal_32;
      break;
  }
  if (!is_64 && join_chain(context, id, chain_op(kind), {a, b})) return;
  const std::vector<Row> rows_a = rows_of(a, is_64);
  const std::vector<Row> rows_b = rows_of(b, is_64);
  context.tensors[at] = whole(new_base(context.ranges[at], false));
  emit(kind, elementwise(rows_a, rows_b, {}, bases_.back().wide));
}

void Planner::plan_select(Context& context, int id) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor condition = broadcast(context, node.inputs[0], node.shape);
  const Tensor one = broadcast(context, node.inputs[1], node.shape);
  const Tensor zero = broadcast(context, node.inputs[2], node.shape);
  const bool is_64 = any_64(one) || any_64(zero);
  if (!is_64 && join_chain(context, id, chain_op(Kind::select_32), {condition, one, zero})) return;
  const std::vector<Row> rows_condition = rows_of(condition, false);
  const std::vector<Row> rows_one = rows_of(one, is_64);
  const std::vector<Row> rows_zero = rows_of(zero, is_64);
  context.tensors[at] = whole(new_base(context.ranges[at], is_64));
  emit(is_64 ? Kind::select_64 : Kind::select_32,
       elementwise(rows_condition, rows_one, rows_zero, bases_.back().wide));
}

Elementwise Planner::unary(Context& context, int id, bool& in_64, bool& out_64) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  in_64 = any_64(in);
  out_64 = !fits_32(network::hull(context.ranges[at]));
  const std::vector<Row> rows = rows_of(in, in_64);
  context.tensors[at] = whole(new_base(context.ranges[at], out_64));
  return elementwise(rows, {}, {}, bases_.back().wide);
}

namespace {

/// Whether every intermediate result fits 32 bits.
bool is_narrow(const RequantizeEntry& p, Interval x) {
  constexpr std::int64_t limit = std::int64_t{1} << 29;
  const auto small = [](std::int64_t v) { return v > -limit && v < limit; };
  if (!small(x.low) || !small(x.high) || !small(p.multiplier) || !small(p.offset)) return false;
  return p.shift < 30 && small(p.zero_point) && small(p.plus) && small(x.low * p.multiplier) &&
         small(x.high * p.multiplier);
}

bool changes_nothing(const RequantizeEntry& p) {
  return p.multiplier == 1 && p.offset == 0 && p.shift == 0 && p.zero_point == 0;
}

}  // namespace

void Planner::plan_requantize(Context& context, int id, const network::Requantize& r) {
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  Requantize step{};
  std::map<std::array<std::uint32_t, 4>, std::uint32_t> known;
  std::vector<RequantizeEntry> entries;
  std::vector<std::uint32_t> entry;
  for (std::size_t i = 0; i < network::element_count(node.shape); ++i) {
    const std::uint32_t m = entry_of(i, r.multiplier.size(), node.shape, r.axis);
    const std::uint32_t o = entry_of(i, r.offset.size(), node.shape, r.axis);
    const std::uint32_t s = entry_of(i, r.shift.size(), node.shape, r.axis);
    const std::uint32_t z = entry_of(i, r.zero_point.size(), node.shape, r.axis);
    const auto [found, is_new] = known.try_emplace({m, o, s, z}, static_cast<std::uint32_t>(entries.size()));
    if (is_new) {
      const RoundingTerms terms = rounding_terms(r.rounding, r.shift[s]);
      entries.push_back({r.multiplier[m], r.offset[o], r.zero_point[z], terms.plus, terms.if_negative,
                         terms.if_odd, r.shift[s]});
    }
    entry.push_back(found->second);
  }
  const Interval bounds = overflow_bounds(node.type, r.overflow);
  const std::vector<Interval>& in = context.ranges[static_cast<std::size_t>(node.inputs[0])];
  step.narrow = fits_32(bounds) && r.overflow != network::Overflow::wrap;
  for (std::size_t i = 0; i < entry.size() && step.narrow; ++i)
    step.narrow = is_narrow(entries[entry[i]], in[i]);
  step.uniform = entries.size() == 1;
  const Interval before = network::hull(in);
  if (step.uniform && changes_nothing(entries[0]) && before.low >= bounds.low && before.high <= bounds.high) {
    return pass_through(context, id);
  }
  if (step.uniform && step.narrow && chain_requantize(context, id, entries[0], bounds)) return;
  bool in_64 = false, out_64 = false;
  step.rows = unary(context, id, in_64, out_64);
  step.entry = plan_.keep(entry);
  step.entries = plan_.keep(entries);
  step.low = bounds.low;
  step.high = bounds.high;
  step.wrap = r.overflow == network::Overflow::wrap;
  step.wrap_mask = (std::int64_t{1} << node.type.width) - 1;
  step.wrap_sign = node.type.is_signed ? std::int64_t{1} << (node.type.width - 1) : 0;
  emit(pick(in_64, out_64, Kind::requantize_32_32, Kind::requantize_32_64, Kind::requantize_64_32,
            Kind::requantize_64_64),
       step);
}

void Planner::plan_threshold(Context& context, int id, const network::Threshold& t) {
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  bool in_64 = false, out_64 = false;
  Threshold step{};
  step.rows = unary(context, id, in_64, out_64);
  std::vector<std::uint32_t> entry;
  for (std::size_t i = 0; i < step.rows.count; ++i)
    entry.push_back(entry_of(i, t.base.size(), node.shape, t.axis));
  step.entry = plan_.keep(entry);
  step.steps = static_cast<std::uint32_t>(t.steps);
  step.thresholds = plan_.keep(t.thresholds);
  step.base = plan_.keep(t.base);
  step.sign = plan_.keep(t.sign);
  emit(pick(in_64, out_64, Kind::threshold_32_32, Kind::threshold_32_64, Kind::threshold_64_32,
            Kind::threshold_64_64),
       step);
}

void Planner::plan_lookup(Context& context, int id, const network::Lookup& l) {
  if (chain_lookup(context, id, l)) return;
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  bool in_64 = false, out_64 = false;
  Lookup step{};
  step.rows = unary(context, id, in_64, out_64);
  std::vector<std::uint32_t> entry;
  for (std::size_t i = 0; i < step.rows.count; ++i) {
    entry.push_back(entry_of(i, static_cast<std::size_t>(l.rows), node.shape, l.axis));
  }
  step.entry = plan_.keep(entry);
  step.entries = static_cast<std::uint32_t>(l.table.size() / static_cast<std::size_t>(l.rows));
  step.first = l.first;
  step.uniform = l.rows == 1;
  if (out_64) {
    step.wide_table = plan_.keep(l.table);
  } else {
    step.table = plan_.keep(std::vector<std::int32_t>(l.table.begin(), l.table.end()));
  }
  emit(pick(in_64, out_64, Kind::lookup_32_32, Kind::lookup_32_64, Kind::lookup_64_32, Kind::lookup_64_64),
       step);
}

void Planner::plan_clamp(Context& context, int id, const network::Clamp& c) {
  const auto at = static_cast<std::size_t>(id);
  const Tensor& in = context.tensors[static_cast<std::size_t>(context.network.nodes[at].inputs[0])];
  const bool out_64 = !fits_32(network::hull(context.ranges[at]));
  const bool in_64 = any_64(in) || out_64;
  ChainOp op{};
  op.code = ChainCode::clamp;
  op.low = static_cast<std::int32_t>(std::clamp<std::int64_t>(c.low, INT32_MIN, INT32_MAX));
  op.high = static_cast<std::int32_t>(std::clamp<std::int64_t>(c.high, INT32_MIN, INT32_MAX));
  if (!in_64 && join_chain(context, id, op, {in})) return;
  const std::vector<Row> rows = rows_of(in, in_64);
  context.tensors[at] = whole(new_base(context.ranges[at], out_64));
  Clamp step{};
  step.rows = elementwise(rows, {}, {}, bases_.back().wide);
  step.low = in_64 ? c.low : std::max<std::int64_t>(c.low, INT32_MIN);
  step.high = in_64 ? c.high : std::min<std::int64_t>(c.high, INT32_MAX);
  emit(!in_64 ? Kind::clamp_32_32 : out_64 ? Kind::clamp_64_64 : Kind::clamp_64_32, step);
}

void Planner::plan_leaky(Context& context, int id, const network::LeakyRelu& leaky) {
  const auto at = static_cast<std::size_t>(id);
  const Tensor& in = context.tensors[static_cast<std::size_t>(context.network.nodes[at].inputs[0])];
  const bool is_64 = any_64(in) || !fits_32(network::hull(context.ranges[at]));
  ChainOp op{};
  op.code = ChainCode::leaky;
  op.multiplier = static_cast<std::int32_t>(1u << leaky.shift);
  if (!is_64 && leaky.shift < 31 && join_chain(context, id, op, {in})) return;
  const std::vector<Row> rows = rows_of(in, is_64);
  context.tensors[at] = whole(new_base(context.ranges[at], is_64));
  Clamp step{};
  step.rows = elementwise(rows, {}, {}, bases_.back().wide);
  step.shift = leaky.shift;
  emit(is_64 ? Kind::leaky_64 : Kind::leaky_32, step);
}

}  // namespace crible::backends::cpu
