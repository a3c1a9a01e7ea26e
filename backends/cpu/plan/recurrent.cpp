#include <algorithm>

#include "backends/cpu/plan/planner.hpp"

// A recurrent node is a loop around the steps of its body. States and the slice of the sequence have rows of
// their own, which are written at the end and at the beginning of an iteration.
namespace crible::backends::cpu {

using network::Interval;
using network::Node;

namespace {

std::vector<Row> both_halves(const std::vector<Row>& rows, bool is_64) {
  if (!is_64) return rows;
  std::vector<Row> all;
  for (Row row : rows) all.insert(all.end(), {row, row + 1});
  return all;
}

}  // namespace

void Planner::emit_copy(const std::vector<Row>& in, bool in_moves, const std::vector<Row>& out,
                        bool out_moves, std::size_t count) {
  const auto each_counts_up = [&](const std::vector<Row>& rows) {
    for (std::size_t first = 0; first < rows.size(); first += count) {
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
      if (!counts_up({begin, begin + static_cast<std::ptrdiff_t>(count)})) return false;
    }
    return true;
  };
  emit(Kind::copy, Copy{static_cast<std::uint32_t>(count), each_counts_up(in) && each_counts_up(out),
                        in_moves, out_moves, plan_.keep_rows(in), plan_.keep_rows(out)});
}

/// Rows of a tensor as 32 or 64 bits, also where it has 64 and is proven to need only 32.
std::vector<Row> Planner::rows_as(const Tensor& tensor, bool want_64) {
  if (want_64 || !any_64(tensor)) return rows_of(tensor, want_64);
  const std::vector<Row> wide = rows_of(tensor, true);
  const int base = new_base(std::vector<Interval>(tensor.size(), range_of(tensor)), false);
  Clamp narrowed{};
  narrowed.rows = elementwise(wide, {}, {}, bases_.back().wide);
  narrowed.low = INT32_MIN;
  narrowed.high = INT32_MAX;
  emit(Kind::clamp_64_32, narrowed);
  return rows_of(whole(base), false);
}

/// Whether a node that is still to be planned reads elements of an input, rearranged or not.
bool Planner::reads_input(const Context& body, network::NodeId input) {
  std::vector<bool> carries(body.network.nodes.size(), false);
  carries[static_cast<std::size_t>(input)] = true;
  for (std::size_t i = 0; i < body.network.nodes.size(); ++i) {
    if (body.done[i]) continue;
    const Node& node = body.network.nodes[i];
    const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(), [&](network::NodeId from) {
      return carries[static_cast<std::size_t>(from)];
    });
    if (reads && !is_layout(node.operation)) return true;
    carries[i] = carries[i] || reads;
  }
  return false;
}

void Planner::plan_recurrent(Context& context, int id, const network::Recurrent& recurrent) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor sequence = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const auto steps =
      static_cast<std::size_t>(context.network.nodes[static_cast<std::size_t>(node.inputs[0])].shape[0]);
  const network::Ranges ranges = network::verify(*recurrent.body);
  const std::vector<network::NodeId> inputs = network::inputs_of(*recurrent.body);
  const auto range_of_input = [&](std::size_t i) { return ranges[static_cast<std::size_t>(inputs[i])]; };

  const bool slice_64 = any_64(sequence);
  std::vector<Tensor> body_inputs{{}};
  std::vector<std::vector<Row>> state_rows;
  std::vector<bool> state_64;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Tensor& first = context.tensors[static_cast<std::size_t>(node.inputs[i])];
    state_64.push_back(any_64(first) || !fits_32(network::hull(range_of_input(i))));
    const std::vector<Row> rows = both_halves(rows_as(first, state_64.back()), state_64.back());
    body_inputs.push_back(whole(new_base(range_of_input(i), state_64.back())));
    state_rows.push_back(both_halves(bases_.back().wide, state_64.back()));
    emit_copy(rows, false, state_rows.back(), false, rows.size());
  }
  flush_chains();
  const int slice = new_base(range_of_input(0), slice_64);
  body_inputs[0] = whole(slice);
  Context body = make_context(*recurrent.body, ranges, std::move(body_inputs));
  const std::vector<JoinedProducts> all_joined = join_products(body, sequence, slice, steps);
  const bool slices_are_read = reads_input(body, inputs[0]);
  std::vector<Row> sequence_rows;
  if (slices_are_read) sequence_rows = both_halves(rows_of(sequence, slice_64), slice_64);

  const auto emitted = static_cast<std::size_t>(recurrent.emit);
  const bool result_64 = state_64[emitted];
  const std::size_t result_count = state_rows[emitted].size();
  const int result = new_base(context.ranges[at], result_64);
  const std::vector<Row> result_rows = both_halves(bases_.back().wide, result_64);
  // Named here, so that the rows of a sequence are its own from the first iteration on.
  const std::vector<Loop> plain{Loop{static_cast<std::uint32_t>(steps), recurrent.reverse, 0, nullptr,
                                     plan_.keep_rows({result_rows[0]})}};
  auto* loop = reinterpret_cast<Loop*>(plan_.store.copy(plain.data(), sizeof(Loop)));
  plan_.steps.push_back({functions_[static_cast<std::size_t>(Kind::loop)], loop});
  const std::size_t begin = plan_.steps.size();

  for (const JoinedProducts& joined : all_joined) emit_joined(body, joined, steps);
  if (slices_are_read) {
    const std::vector<Row> slice_rows = both_halves(bases_[static_cast<std::size_t>(slice)].wide, slice_64);
    emit_copy(sequence_rows, true, slice_rows, false, slice_rows.size());
  }
  const std::vector<Tensor> outputs = plan_nodes(body, false);
  // A new state may be another's old one: all are read before the first is written.
  std::vector<std::vector<Row>> new_states;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    new_states.push_back(both_halves(rows_as(outputs[i], state_64[i]), state_64[i]));
    const bool is_old = std::any_of(new_states[i].begin(), new_states[i].end(), [&](Row row) {
      return std::any_of(state_rows.begin(), state_rows.end(), [&](const std::vector<Row>& rows) {
        return std::find(rows.begin(), rows.end(), row) != rows.end();
      });
    });
    if (!is_old) continue;
    const Row first = new_rows(new_states[i].size());
    std::vector<Row> apart;
    for (std::size_t row = 0; row < new_states[i].size(); ++row)
      apart.push_back(first + static_cast<Row>(row));
    emit_copy(new_states[i], false, apart, false, apart.size());
    new_states[i] = apart;
  }
  flush_chains();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    emit_copy(new_states[i], false, state_rows[i], false, state_rows[i].size());
  }
  if (recurrent.sequence) emit_copy(state_rows[emitted], false, result_rows, true, result_count);
  plan_.loops.push_back({begin, plan_.steps.size(), loop});
  if (!recurrent.sequence) emit_copy(state_rows[emitted], false, result_rows, false, result_count);
  context.tensors[at] = whole(result);
}

}  // namespace crible::backends::cpu
