#include <algorithm>
#include <limits>

#include "backends/cpu/plan/planner.hpp"

// Elementwise nodes whose rows count up wait until somebody else reads them, and become one step together.
// What only the chain itself reads never gets rows of its own.
namespace crible::backends::cpu {

using network::Interval;
using network::Node;

namespace {

constexpr std::size_t operands = 3;

/// Intermediate results' rows within a block, taken again when they are no longer read.
class Scratch {
 public:
  explicit Scratch(std::size_t ops) : free_from_(ops, 0) {}

  std::size_t take(std::size_t at, std::size_t last_read) {
    std::size_t slot = 0;
    while (free_from_[slot] > at) ++slot;
    free_from_[slot] = last_read;  // an operation may write where it reads
    used_ = std::max(used_, slot + 1);
    return slot;
  }
  std::size_t used() const { return used_; }

 private:
  std::vector<std::size_t> free_from_;  // the first operation that may write the slot
  std::size_t used_ = 0;
};

Combine combine_of(ChainCode code) {
  switch (code) {
    case ChainCode::add:
      return Combine::add;
    case ChainCode::subtract:
      return Combine::subtract;
    case ChainCode::multiply:
      return Combine::multiply;
    case ChainCode::less:
    case ChainCode::less_equal:
    case ChainCode::equal:
    case ChainCode::not_equal:
    case ChainCode::select:
    case ChainCode::clamp:
    case ChainCode::leaky:
    case ChainCode::shift:
    case ChainCode::shift_even:
    case ChainCode::requantize:
    case ChainCode::lookup:
      return Combine::none;
  }
  return Combine::none;
}

/// The table as a curve (see steps.hpp), or nothing where it is none.
std::vector<std::int16_t> curve_of(const std::vector<std::int64_t>& table) {
  constexpr std::size_t most = std::size_t{curve_groups} * curve_group;
  if (table.size() > most) return {};
  std::vector<std::int16_t> curve(2 * curve_groups, 0);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::size_t group = i / curve_group;
    const std::int64_t rise = i == 0 ? 0 : table[i] - table[i - 1];
    const bool fits = table[i] >= std::numeric_limits<std::int16_t>::min() &&
                      table[i] <= std::numeric_limits<std::int16_t>::max();
    if (!fits || rise < 0 || rise > 1) return {};
    if (i % curve_group == 0) {
      curve[group] = static_cast<std::int16_t>(table[i]);
    } else {
      auto& rises = curve[curve_groups + group];
      rises = static_cast<std::int16_t>(static_cast<std::uint16_t>(rises) | (rise << (i % curve_group)));
    }
  }
  return curve;
}

/// Whether the operation has one operand.
bool is_unary(ChainCode code) {
  return combine_of(code) == Combine::none && code >= ChainCode::clamp;
}

}  // namespace

bool Planner::is_waiting(const Tensor& tensor) const {
  return std::any_of(tensor.begin(), tensor.end(), [&](Element e) {
    return e.base >= 0 && bases_[static_cast<std::size_t>(e.base)].waits;
  });
}

bool Planner::is_waiting_whole(const Tensor& tensor) const {
  if (!is_waiting(tensor)) return false;
  const int base = tensor[0].base;
  return bases_[static_cast<std::size_t>(base)].range.size() == tensor.size() && tensor == whole(base);
}

bool Planner::join_chain(Context& context, int id, ChainOp op, const std::vector<Tensor>& inputs) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  if (!fits_32(network::hull(context.ranges[at]))) return false;
  const auto same_constant = [&](const Tensor& in) {
    return bases_[static_cast<std::size_t>(in[0].base)].source == Base::Source::constant &&
           std::all_of(in.begin(), in.end(), [&](Element e) { return e == in[0]; });
  };
  for (const Tensor& in : inputs) {
    if (in.empty() || any_64(in)) return false;
  }
  // Asking for rows may end the chains so far, and so change what waits: first the rows, then the operands.
  for (const Tensor& in : inputs) {
    if (!same_constant(in) && !is_waiting_whole(in) && !counts_up(rows_of(in, false))) return false;
  }
  WaitingOp waiting{op, id, 0, context.uses[at], inputs[0].size(), {}};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& in = inputs[i];
    ChainInput operand;
    if (same_constant(in)) {
      operand.constant = bases_[static_cast<std::size_t>(in[0].base)].range[0].low;
    } else if (is_waiting_whole(in)) {
      operand.base = in[0].base;
      operand.direct = context.tensors[static_cast<std::size_t>(node.inputs[i])] == in &&
                       bases_[static_cast<std::size_t>(operand.base)].node == node.inputs[i];
    } else {
      operand.first = rows_of(in, false)[0];
    }
    waiting.inputs.push_back(operand);
  }
  Base result;
  result.range = context.ranges[at];
  result.wide.assign(result.range.size(), no_row);
  result.waits = true;
  result.node = id;
  waiting.base = static_cast<int>(bases_.size());
  bases_.push_back(std::move(result));
  context.tensors[at] = whole(waiting.base);
  waiting_.push_back(std::move(waiting));
  return true;
}

/// A node that changes no value is another name of what it reads.
void Planner::pass_through(Context& context, int id) {
  const int input = context.network.nodes[static_cast<std::size_t>(id)].inputs[0];
  context.tensors[static_cast<std::size_t>(id)] = input_of(context, id);
  for (WaitingOp& op : waiting_) {
    Base& base = bases_[static_cast<std::size_t>(op.base)];
    if (base.node != input || context.uses[static_cast<std::size_t>(input)] != 1) continue;
    base.node = id;
    op.readers = context.uses[static_cast<std::size_t>(id)];
  }
}

/// Sums, differences and products that only the next operation reads are computed with it.
void Planner::combine_operations(std::vector<WaitingOp>& ops) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (!is_unary(ops[i].op.code)) continue;
    const auto from = std::find_if(ops.begin(), ops.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const WaitingOp& op) { return op.base == ops[i].inputs[0].base; });
    if (from == ops.begin() + static_cast<std::ptrdiff_t>(i) || from->count != ops[i].count) continue;
    const Combine combine = combine_of(from->op.code);
    if (combine == Combine::none || from->readers != 1 || !ops[i].inputs[0].direct) continue;
    ops[i].op.combine = combine;
    ops[i].inputs = from->inputs;
    bases_[static_cast<std::size_t>(from->base)].waits = false;
    ops.erase(from);
    --i;
  }
  combine_factors(ops);
}

/// The same for sums and differences that are multiplied first.
void Planner::combine_factors(std::vector<WaitingOp>& ops) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].op.combine != Combine::multiply) continue;
    for (const std::size_t factor : {0u, 1u}) {
      const ChainInput in = ops[i].inputs[factor];
      const auto end = ops.begin() + static_cast<std::ptrdiff_t>(i);
      const auto from =
          std::find_if(ops.begin(), end, [&](const WaitingOp& op) { return op.base == in.base; });
      if (from == end || from->count != ops[i].count || from->readers != 1 || !in.direct) continue;
      const Combine combine = combine_of(from->op.code);
      if (combine != Combine::add && combine != Combine::subtract) continue;
      ops[i].op.combine = combine == Combine::add ? Combine::add_multiply : Combine::subtract_multiply;
      ops[i].inputs = {from->inputs[0], from->inputs[1], ops[i].inputs[1 - factor]};
      bases_[static_cast<std::size_t>(from->base)].waits = false;
      ops.erase(from);
      --i;
      break;
    }
  }
}

void Planner::flush_chains() {
  std::vector<WaitingOp> waiting = std::move(waiting_);
  waiting_.clear();
  combine_operations(waiting);
  for (std::size_t begin = 0; begin < waiting.size();) {
    std::size_t end = begin + 1;
    while (end < waiting.size() && waiting[end].count == waiting[begin].count) ++end;
    emit_chain({waiting.begin() + static_cast<std::ptrdiff_t>(begin),
                waiting.begin() + static_cast<std::ptrdiff_t>(end)});
    begin = end;
  }
}

void Planner::emit_chain(const std::vector<WaitingOp>& chain) {
  const std::size_t lanes = static_cast<std::size_t>(plan_.events) * 4;
  const Row block_rows = static_cast<Row>(chain_block_bytes / lanes);
  const auto position_of = [&](int base) {
    std::size_t at = 0;
    while (at < chain.size() && chain[at].base != base) ++at;
    return at;  // chain.size(): made by an earlier chain
  };
  std::vector<int> read(chain.size(), 0);
  std::vector<std::size_t> last_read(chain.size(), 0);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    for (const ChainInput& in : chain[i].inputs) {
      const std::size_t from = position_of(in.base);
      if (from == chain.size()) continue;
      read[from] += in.direct ? 1 : 0;
      last_read[from] = i;
    }
  }
  Scratch scratch(chain.size());
  constexpr std::size_t in_rows = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> slot(chain.size(), in_rows);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    Base& base = bases_[static_cast<std::size_t>(chain[i].base)];
    base.waits = false;
    if (read[i] == chain[i].readers) {
      slot[i] = scratch.take(i, last_read[i]);
      continue;
    }
    const Row first = new_rows(base.wide.size());
    for (std::size_t e = 0; e < base.wide.size(); ++e) base.wide[e] = first + static_cast<Row>(e);
  }
  const Row scratch_rows = new_rows(scratch.used() * block_rows);
  struct Place {
    Row row;
    bool moves;
  };
  const auto place_of = [&](std::size_t i) {
    if (slot[i] == in_rows) return Place{bases_[static_cast<std::size_t>(chain[i].base)].wide[0], true};
    return Place{scratch_rows + static_cast<Row>(slot[i]) * block_rows, false};
  };
  std::vector<ChainOp> ops;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    std::array<Place, operands> in{};
    for (std::size_t j = 0; j < operands; ++j) {
      const ChainInput& operand = chain[i].inputs[j < chain[i].inputs.size() ? j : 0];
      const std::size_t from = position_of(operand.base);
      if (operand.base < 0 && operand.first == no_row) {
        in[j] = {constant_block(operand.constant, block_rows), false};
      } else if (operand.base < 0) {
        in[j] = {operand.first, true};
      } else if (from < chain.size()) {
        in[j] = place_of(from);
      } else {
        in[j] = {bases_[static_cast<std::size_t>(operand.base)].wide[0], true};
      }
    }
    const Place out = place_of(i);
    ChainOp op = chain[i].op;
    op.a = in[0].row, op.a_moves = in[0].moves;
    op.b = in[1].row, op.b_moves = in[1].moves;
    op.c = in[2].row, op.c_moves = in[2].moves;
    op.out = out.row, op.out_moves = out.moves;
    ops.push_back(op);
  }
  auto* kept = reinterpret_cast<ChainOp*>(plan_.store.copy(ops.data(), ops.size() * sizeof(ChainOp)));
  for (std::size_t i = 0; i < ops.size(); ++i) {
    for (Row* row : {&kept[i].a, &kept[i].b, &kept[i].c, &kept[i].out}) {
      plan_.uses.push_back({row, plan_.steps.size()});
    }
  }
  emit(Kind::chain,
       Chain{static_cast<std::uint32_t>(chain[0].count), static_cast<std::uint32_t>(ops.size()), kept});
}

Row Planner::constant_block(std::int64_t value, Row rows) {
  const auto [entry, is_new] = constant_blocks_.try_emplace(value, no_row);
  if (is_new) {
    entry->second = new_rows(rows);
    for (Row i = 0; i < rows; ++i) plan_.constants.push_back({entry->second + i, value, false});
  }
  return entry->second;
}

bool Planner::chain_requantize(Context& context, int id, const RequantizeEntry& p, Interval bounds) {
  ChainOp op{};
  op.multiplier = static_cast<std::int32_t>(p.multiplier);
  op.offset = static_cast<std::int32_t>(p.offset);
  op.plus = static_cast<std::int32_t>(p.plus);
  op.if_negative = static_cast<std::int32_t>(p.if_negative);
  op.if_odd = static_cast<std::int32_t>(p.if_odd);
  op.shift = static_cast<std::int32_t>(p.shift);
  op.zero_point = static_cast<std::int32_t>(p.zero_point);
  op.low = static_cast<std::int32_t>(bounds.low);
  op.high = static_cast<std::int32_t>(bounds.high);
  op.code = ChainCode::requantize;
  if (p.multiplier == 1 && p.if_negative == 0 && p.zero_point == 0) {
    op.code = p.if_odd != 0 ? ChainCode::shift_even : ChainCode::shift;
    op.plus += op.offset;
    if (op.code == ChainCode::shift && op.shift == 0 && op.plus == 0) op.code = ChainCode::clamp;
  }
  return join_chain(context, id, op, {input_of(context, id)});
}

bool Planner::chain_lookup(Context& context, int id, const network::Lookup& lookup) {
  if (lookup.rows != 1 || !fits_32({lookup.first, -lookup.first})) return false;
  const auto [least, greatest] = std::minmax_element(lookup.table.begin(), lookup.table.end());
  if (!fits_32({*least, *greatest})) return false;
  ChainOp op{};
  op.offset = static_cast<std::int32_t>(-lookup.first);
  op.high = static_cast<std::int32_t>(lookup.table.size()) - 1;
  op.code = ChainCode::lookup;
  op.table = plan_.keep(std::vector<std::int32_t>(lookup.table.begin(), lookup.table.end()));
  const std::vector<std::int16_t> curve = curve_of(lookup.table);
  op.curve = curve.empty() ? nullptr : plan_.keep(curve);
  return join_chain(context, id, op, {input_of(context, id)});
}

}  // namespace crible::backends::cpu
