#include "backends/cpu/plan/planner.hpp"
#include "backends/cpu/plan/shapes.hpp"

// Nodes whose results each read a list of elements: pools, reductions, sorts.
namespace crible::backends::cpu {

using network::Node;
using network::Shape;

namespace {

/// Calls `visit(index in the input)` for each element of the window at `out` that is not padding.
template <class Visit>
void visit_window(const network::Window& window, const Shape& in_shape, const Shape& out, Visit visit) {
  const std::size_t axes = window.kernel.size();
  Position tap(window.kernel);
  const std::size_t taps = network::element_count(window.kernel);
  Shape from = out;
  for (std::size_t t = 0; t < taps; ++t, tap.advance()) {
    bool inside = true;
    for (std::size_t axis = 0; axis < axes; ++axis) {
      const int at = out[axis + 1] * window.stride[axis] + tap.at()[axis] * window.dilation[axis] -
                     window.pad_before[axis];
      inside = inside && at >= 0 && at < in_shape[axis + 1];
      from[axis + 1] = at;
    }
    if (inside) visit(flat_index(from, in_shape));
  }
}

}  // namespace

void Planner::emit_fold(Context& context, int id, const Tensor& in, const std::vector<std::uint32_t>& begin,
                        Kind kind_32, Kind kind_64) {
  const auto at = static_cast<std::size_t>(id);
  const bool indices = kind_32 == Kind::fold_argmax_32;
  const bool out_64 = !indices && !fits_32(network::hull(context.ranges[at]));
  const bool is_64 = any_64(in) || out_64;
  const std::vector<Row> rows = rows_of(in, is_64);
  context.tensors[at] = whole(new_base(context.ranges[at], is_64 && !indices));
  emit(is_64 ? kind_64 : kind_32,
       Fold{static_cast<std::uint32_t>(begin.size() - 1), plan_.keep(begin), plan_.keep_rows(rows), nullptr,
            nullptr, plan_.keep_rows(bases_.back().wide)});
}

void Planner::plan_pool(Context& context, int id, const network::Pool& pool) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const Shape& in_shape = context.network.nodes[static_cast<std::size_t>(node.inputs[0])].shape;
  Tensor elements;
  std::vector<std::uint32_t> begin{0};
  Position position(node.shape);
  for (std::size_t i = 0; i < network::element_count(node.shape); ++i, position.advance()) {
    visit_window(pool.window, in_shape, position.at(),
                 [&](std::size_t from) { elements.push_back(in[from]); });
    begin.push_back(static_cast<std::uint32_t>(elements.size()));
  }
  if (pool.kind == network::PoolKind::sum) {
    return emit_fold(context, id, elements, begin, Kind::fold_sum_32, Kind::fold_sum_64);
  }
  if (!plan_packed_max(context, id, elements, begin)) {
    emit_fold(context, id, elements, begin, Kind::fold_max_32, Kind::fold_max_64);
  }
}

/// Where bytes lie side by side as they will in the result (channels of a pixel), four maxima are one.
bool Planner::plan_packed_max(Context& context, int id, const Tensor& in,
                              const std::vector<std::uint32_t>& begin) {
  if (in.empty()) return false;
  const auto at = static_cast<std::size_t>(id);
  const Base producer = bases_[static_cast<std::size_t>(in[0].base)];
  if (producer.packed != Form::bytes) return false;

  // Results grouped by the rows that they read, in the order of their lowest part.
  std::map<std::vector<Row>, std::array<std::int64_t, 4>> lanes;
  for (std::uint32_t i = 0; i + 1 < begin.size(); ++i) {
    std::vector<Row> rows;
    if (begin[i] == begin[i + 1]) return false;
    const std::uint8_t part = producer.part[in[begin[i]].index];
    for (std::uint32_t j = begin[i]; j < begin[i + 1]; ++j) {
      if (in[j].base != in[0].base || producer.part[in[j].index] != part) return false;
      rows.push_back(producer.lane[in[j].index]);
    }
    auto [entry, is_new] = lanes.try_emplace(std::move(rows), std::array<std::int64_t, 4>{-1, -1, -1, -1});
    if (entry->second[part] >= 0) return false;
    entry->second[part] = i;
  }

  Base base;
  base.range = context.ranges[at];
  base.wide.assign(base.range.size(), no_row);
  base.packed = Form::bytes;
  base.offset = producer.offset;
  base.lane.assign(base.range.size(), no_row);
  base.part.assign(base.range.size(), 0);
  constexpr std::size_t vector_room = 16;
  Row next = new_rows(lanes.size() + vector_room);
  std::vector<std::vector<Row>> rows;
  for (const auto& [from, results] : lanes) {
    rows.push_back(from);
    for (std::uint8_t part = 0; part < 4; ++part) {
      if (results[part] < 0) continue;
      base.lane[static_cast<std::size_t>(results[part])] = next;
      base.part[static_cast<std::size_t>(results[part])] = part;
    }
    ++next;
  }
  emit_packed_max(rows, next - static_cast<Row>(rows.size()));
  bases_.push_back(std::move(base));
  context.tensors[at] = whole(static_cast<int>(bases_.size()) - 1);
  return true;
}

/// The results lie in rows from `first` on. Spans are as long as the rows of all their windows count up.
void Planner::emit_packed_max(const std::vector<std::vector<Row>>& rows, Row first) {
  const auto follows = [&](std::size_t i) {
    if (rows[i].size() != rows[i - 1].size()) return false;
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      if (rows[i][j] != rows[i - 1][j] + 1) return false;
    }
    return true;
  };
  std::size_t span = 1;
  while (span < rows.size() && follows(span)) ++span;
  bool regular = rows.size() % span == 0;
  for (std::size_t i = 1; i < rows.size() && regular; ++i) regular = i % span == 0 || follows(i);
  if (!regular) span = 1;
  std::vector<std::uint32_t> begin{0};
  std::vector<Row> in, out;
  for (std::size_t i = 0; i < rows.size(); i += span) {
    in.insert(in.end(), rows[i].begin(), rows[i].end());
    begin.push_back(static_cast<std::uint32_t>(in.size()));
    out.push_back(first + static_cast<Row>(i));
  }
  emit(Kind::max_bytes, PackedMax{static_cast<std::uint32_t>(out.size()), static_cast<std::uint32_t>(span),
                                  plan_.keep(begin), plan_.keep_rows(in), plan_.keep_rows(out)});
}

void Planner::plan_reduce(Context& context, int id, const network::Reduce& reduce) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const Shape& in_shape = context.network.nodes[static_cast<std::size_t>(node.inputs[0])].shape;
  const auto axis = static_cast<std::size_t>(reduce.axis);
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < in_shape.size(); ++i) inner *= static_cast<std::size_t>(in_shape[i]);
  const auto extent = static_cast<std::size_t>(in_shape[axis]);
  Tensor elements;
  std::vector<std::uint32_t> begin{0};
  for (std::size_t i = 0; i < in.size() / extent; ++i) {
    const std::size_t first = i / inner * extent * inner + i % inner;
    for (std::size_t j = 0; j < extent; ++j) elements.push_back(in[first + j * inner]);
    begin.push_back(static_cast<std::uint32_t>(elements.size()));
  }
  switch (reduce.kind) {
    case network::ReduceKind::sum:
      return emit_fold(context, id, elements, begin, Kind::fold_sum_32, Kind::fold_sum_64);
    case network::ReduceKind::max:
      return emit_fold(context, id, elements, begin, Kind::fold_max_32, Kind::fold_max_64);
    case network::ReduceKind::min:
      return emit_fold(context, id, elements, begin, Kind::fold_min_32, Kind::fold_min_64);
    case network::ReduceKind::argmax:
      return emit_fold(context, id, elements, begin, Kind::fold_argmax_32, Kind::fold_argmax_64);
    case network::ReduceKind::sum_of_squares:
      return emit_fold(context, id, elements, begin, Kind::fold_squares_32, Kind::fold_squares_64);
  }
}

void Planner::plan_sort(Context& context, int id, const network::Sort& sort) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor& values = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const int key_node = node.inputs.size() > 1 ? node.inputs[1] : node.inputs[0];
  const Tensor keys = broadcast(context, key_node, node.shape);
  const auto axis = static_cast<std::size_t>(sort.axis);
  const auto extent = static_cast<std::size_t>(node.shape[axis]);
  const std::size_t lines = network::element_count(node.shape) / extent;
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < node.shape.size(); ++i) inner *= static_cast<std::size_t>(node.shape[i]);

  Tensor line_keys, line_values;
  std::vector<std::uint32_t> places;
  for (std::size_t line = 0; line < lines; ++line) {
    const std::size_t first = line / inner * extent * inner + line % inner;
    for (std::size_t i = 0; i < extent; ++i) {
      const std::size_t place = first + i * inner;
      places.push_back(static_cast<std::uint32_t>(place));
      line_keys.push_back(keys[place]);
      line_values.push_back(values[place]);
    }
  }
  const bool indices = sort.result == network::SortResult::indices;
  const bool keys_64 = any_64(line_keys);
  const bool is_64 = !indices && any_64(line_values);
  const std::vector<Row> key_rows = rows_of(line_keys, keys_64);
  const std::vector<Row> value_rows = indices ? std::vector<Row>{} : rows_of(line_values, is_64);
  context.tensors[at] = whole(new_base(context.ranges[at], is_64));
  std::vector<Row> out;
  for (std::uint32_t place : places) out.push_back(bases_.back().wide[place]);
  std::byte* ranks = plan_.store.allocate(extent * static_cast<std::size_t>(plan_.events) * 4);
  emit(is_64 ? Kind::sort_64 : Kind::sort_32,
       Sort{static_cast<std::uint32_t>(lines), static_cast<std::uint32_t>(extent), sort.descending, indices,
            keys_64, plan_.keep_rows(key_rows), plan_.keep_rows(value_rows), plan_.keep_rows(out), ranks});
}

}  // namespace crible::backends::cpu
