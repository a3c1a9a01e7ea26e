#include "backends/cpu/plan/planner.hpp"

namespace crible::backends::cpu {

using network::Node;

RoundingTerms rounding_terms(network::Rounding rounding, int shift) {
  if (shift == 0) return {};
  const std::int64_t mask = (std::int64_t{1} << shift) - 1;
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  switch (rounding) {
    case network::Rounding::floor:
      return {0, 0, 0};
    case network::Rounding::ceil:
      return {mask, 0, 0};
    case network::Rounding::toward_zero:
      return {0, mask, 0};
    case network::Rounding::away_from_zero:
      return {mask, -mask, 0};
    case network::Rounding::half_up:
      return {half, 0, 0};
    case network::Rounding::half_down:
      return {half - 1, 0, 0};
    case network::Rounding::half_even:
      return {half - 1, 0, 1};
    case network::Rounding::half_away:
      return {half, -1, 0};
    case network::Rounding::half_toward_zero:
      return {half - 1, 1, 0};
  }
  return {};
}

network::Interval overflow_bounds(network::Type type, network::Overflow overflow) {
  network::Interval bounds{network::lowest(type), network::highest(type)};
  if (overflow == network::Overflow::saturate_symmetric && type.is_signed) bounds.low = -bounds.high;
  return bounds;
}

std::uint32_t entry_of(std::size_t element, std::size_t entries, const network::Shape& shape, int axis) {
  if (entries == 1) return 0;
  if (entries == network::element_count(shape)) return static_cast<std::uint32_t>(element);
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i) {
    inner *= static_cast<std::size_t>(shape[i]);
  }
  return static_cast<std::uint32_t>(element / inner %
                                    static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]));
}

Planner::Planner(const Kernels& kernels, Layout layout)
    : kernels_(kernels),
      layout_(layout),
      functions_(layout == Layout::single ? kernels.single : kernels.tile),
      plan_(layout == Layout::single ? 1 : tile_events) {}

Plan Planner::plan(const network::Network& network, const network::Ranges& ranges) {
  std::vector<Tensor> inputs;
  for (network::NodeId id : network::inputs_of(network)) {
    const Node& node = network.nodes[static_cast<std::size_t>(id)];
    inputs.push_back(
        whole(input_base(static_cast<int>(inputs.size()), node.type, ranges[static_cast<std::size_t>(id)])));
  }
  Context context = make_context(network, ranges, std::move(inputs));
  plan_nodes(context, true);
  join_dense_layers();
  plan_.reuse_rows();
  plan_.nest_loops();
  return std::move(plan_);
}

bool is_layout(const network::Operation& operation) {
  using namespace network;
  return std::holds_alternative<Reshape>(operation) || std::holds_alternative<Transpose>(operation) ||
         std::holds_alternative<Slice>(operation) || std::holds_alternative<Concat>(operation) ||
         std::holds_alternative<Pad>(operation) || std::holds_alternative<Resize>(operation);
}

namespace {

bool reads_packed(const network::Operation& operation) {
  if (const auto* pool = std::get_if<network::Pool>(&operation)) return pool->kind == network::PoolKind::max;
  return std::holds_alternative<network::Dense>(operation) ||
         std::holds_alternative<network::Conv>(operation);
}

}  // namespace

Planner::Context Planner::make_context(const network::Network& network, const network::Ranges& ranges,
                                       std::vector<Tensor> inputs) {
  const std::size_t count = network.nodes.size();
  Context context{network,
                  ranges,
                  std::vector<Tensor>(count),
                  std::vector<int>(count, 0),
                  std::vector<bool>(count, false),
                  std::vector<bool>(count, false)};
  for (std::size_t i = count; i-- > 0;) {
    const Node& node = network.nodes[i];
    const bool packed =
        reads_packed(node.operation) || (is_layout(node.operation) && context.wants_packed[i]);
    for (network::NodeId input : node.inputs) {
      ++context.uses[static_cast<std::size_t>(input)];
      if (packed) context.wants_packed[static_cast<std::size_t>(input)] = true;
    }
  }
  const std::vector<network::NodeId> input_ids = network::inputs_of(network);
  for (std::size_t i = 0; i < input_ids.size(); ++i) {
    context.tensors[static_cast<std::size_t>(input_ids[i])] = std::move(inputs[i]);
  }
  return context;
}

std::vector<Tensor> Planner::plan_nodes(Context& context, bool top) {
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < context.network.nodes.size(); ++i) {
    const Node& node = context.network.nodes[i];
    if (std::holds_alternative<network::Output>(node.operation)) {
      const Tensor& tensor = context.tensors[static_cast<std::size_t>(node.inputs[0])];
      if (top) plan_output(tensor, node.type, static_cast<std::uint32_t>(outputs.size()));
      outputs.push_back(tensor);
    } else if (!context.done[i]) {
      plan_node(context, static_cast<int>(i));
    }
  }
  return outputs;
}

void Planner::plan_output(const Tensor& tensor, network::Type type, std::uint32_t port) {
  const bool is_64 = any_64(tensor);
  const std::vector<Row> rows = rows_of(tensor, is_64);
  std::vector<std::uint32_t> elements(rows.size());
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<std::uint32_t>(i);
  const auto count = static_cast<std::uint32_t>(rows.size());
  const Transfer transfer{true, port, count, count, plan_.keep(elements), plan_.keep_rows(rows)};
  switch (network::storage_bytes(type)) {
    case 1:
      return emit(is_64 ? Kind::store_from_64_8 : Kind::store_8, transfer);
    case 2:
      return emit(is_64 ? Kind::store_from_64_16 : Kind::store_16, transfer);
    case 4:
      return emit(is_64 ? Kind::store_from_64_32 : Kind::store_32, transfer);
    default:
      return emit(is_64 ? Kind::store_from_64_64 : Kind::store_64, transfer);
  }
}

void Planner::plan_node(Context& context, int id) {
  using namespace network;
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const auto arrange = [&] { context.tensors[at] = rearranged(context, id); };
  match(
      node.operation, [](const Input&) {}, [](const Output&) {},
      [&](const Constant& c) {
        for (std::int64_t value : c.values) context.tensors[at].push_back(constant(value));
      },
      [&](const Dense& dense) { plan_dense(context, id, dense); },
      [&](const Conv& conv) { plan_conv(context, id, conv); },
      [&](const Add&) { plan_binary(context, id, Kind::add_32, Kind::add_64); },
      [&](const Subtract&) { plan_binary(context, id, Kind::subtract_32, Kind::subtract_64); },
      [&](const Multiply&) { plan_binary(context, id, Kind::multiply_32, Kind::multiply_64); },
      [&](const network::Requantize& r) { plan_requantize(context, id, r); },
      [&](const network::Threshold& t) { plan_threshold(context, id, t); },
      [&](const network::Lookup& l) { plan_lookup(context, id, l); },
      [&](const Pool& pool) { plan_pool(context, id, pool); }, [&](const Concat&) { arrange(); },
      [&](const Reshape&) { arrange(); }, [&](const Transpose&) { arrange(); },
      [&](const Slice&) { arrange(); }, [&](const Pad&) { arrange(); }, [&](const Resize&) { arrange(); },
      [&](const Reduce& reduce) { plan_reduce(context, id, reduce); },
      [&](const network::Sort& s) { plan_sort(context, id, s); },
      [&](const Compare& compare) { plan_compare(context, id, compare); },
      [&](const Select&) { plan_select(context, id); },
      [&](const network::Clamp& c) { plan_clamp(context, id, c); },
      [&](const LeakyRelu& leaky) { plan_leaky(context, id, leaky); },
      [&](const TreeEnsemble& trees) { plan_trees(context, id, trees); },
      [&](const Recurrent& recurrent) { plan_recurrent(context, id, recurrent); });
}

Plan make_plan(const network::Network& network, const network::Ranges& ranges, const Kernels& kernels,
               Layout layout) {
  return Planner(kernels, layout).plan(network, ranges);
}

}  // namespace crible::backends::cpu
