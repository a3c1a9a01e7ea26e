#include "tests/conformance/random_generator.hpp"

/// The decisions behind each kind of operation.
namespace crible::conformance {

void Generator::attempt() {
  switch (choices_.below(16)) {
    case 0:
      dense();
      return;
    case 1:
      narrow(pick());
      return;
    case 2:
      conv();
      return;
    case 3:
      binary();
      return;
    case 4:
      layout();
      return;
    case 5:
      lanes();
      return;
    case 6:
      pool();
      return;
    case 7:
      concat();
      return;
    case 8:
      lookup();
      return;
    case 9:
      threshold();
      return;
    case 10: {
      const NodeId id = pick();
      const std::int64_t low = choices_.small(200);
      add("clamp", Clamp{low, low + choices_.below(300)}, {id});
      return;
    }
    case 11:
      add("leaky_relu", LeakyRelu{choices_.below(6)}, {pick()});
      return;
    case 12:
      select();
      return;
    case 13:
      if (options_.tree_ensembles) tree_ensemble();
      return;
    case 14:
      if (options_.recurrent && depth_ < 2) recurrent();
      return;
    case 15:
      constant_like();
      return;
  }
}

void Generator::dense() {
  const NodeId id = pick_stored();
  if (shape(id).empty()) return;
  Dense op;
  op.inputs = shape(id).back();
  op.outputs = choices_.between(1, 12);
  if (choices_.below(6) == 5) op.outputs = choices_.between(13, 40);
  op.weight_fraction = choices_.below(4);
  op.weights = weights(static_cast<std::size_t>(op.inputs) * static_cast<std::size_t>(op.outputs));
  for (int i = 0; i < op.outputs; ++i) op.bias.push_back(choices_.small(100));
  add("dense", std::move(op), {id});
}

Window Generator::window(const Shape& of, bool may_pad) {
  Window result;
  for (std::size_t axis = 1; axis < of.size(); ++axis) {
    const int kernel = choices_.between(1, std::min(3, of[axis]));
    result.kernel.push_back(kernel);
    result.stride.push_back(choices_.between(1, 2));
    result.dilation.push_back(choices_.below(4) == 3 ? 2 : 1);
    result.pad_before.push_back(may_pad ? choices_.below(kernel) : 0);
    result.pad_after.push_back(may_pad ? choices_.below(kernel) : 0);
  }
  return result;
}

void Generator::conv() {
  const NodeId id = pick_stored();
  if (rank(id) != 2 && rank(id) != 3) return;
  Conv op;
  const int channels = shape(id)[0];
  op.groups = choices_.coin() ? 1 : choices_.coin() ? channels : channels % 2 == 0 ? 2 : 1;
  op.filters = op.groups * choices_.between(1, op.groups > 2 ? 2 : 5);
  op.window = window(shape(id), true);
  op.weight_fraction = choices_.below(4);
  std::size_t count = static_cast<std::size_t>(op.filters) * static_cast<std::size_t>(channels / op.groups);
  for (const int kernel : op.window.kernel) count *= static_cast<std::size_t>(kernel);
  op.weights = weights(count);
  for (int i = 0; i < op.filters; ++i) op.bias.push_back(choices_.small(100));
  op.pad_value = choices_.coin() ? 0
                                 : std::clamp<std::int64_t>(choices_.small(5), lowest(node(id).type),
                                                            highest(node(id).type));
  add("conv", std::move(op), {id});
}

void Generator::pool() {
  const NodeId id = pick();
  if (rank(id) != 2 && rank(id) != 3) return;
  add("pool", Pool{static_cast<PoolKind>(choices_.below(2)), window(shape(id), true)}, {id});
}

void Generator::threshold() {
  const NodeId id = pick();
  Threshold op;
  const std::size_t rows = entries(shape(id), op.axis);
  const Interval range = hull(builder_.range(id));
  const int steps = choices_.below(16);
  op.steps = steps;
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<std::int64_t> list;
    for (int i = 0; i < steps; ++i) {
      const std::int64_t span = std::min<std::int64_t>(range.high / 2 - range.low / 2, 1 << 30);
      list.push_back(range.low +
                     2 * static_cast<std::int64_t>(choices_.raw() % static_cast<std::uint64_t>(span + 1)) +
                     choices_.below(2));
    }
    std::sort(list.begin(), list.end());
    op.thresholds.insert(op.thresholds.end(), list.begin(), list.end());
    op.base.push_back(choices_.small(30));
    op.sign.push_back(choices_.below(4) == 3 ? -1 : 1);
  }
  add("threshold", std::move(op), {id}, Type{true, 8, 0});
}

void Generator::lookup() {
  const NodeId id = pick();
  const Interval range = hull(builder_.range(id));
  if (range.high - range.low < 0 || range.high - range.low > 1000) return;
  Lookup op;
  op.rows = static_cast<int>(entries(shape(id), op.axis));
  op.first = range.low - choices_.below(3);
  const Type type = stored_type();
  const auto count = static_cast<std::size_t>(range.high - op.first + 1) * static_cast<std::size_t>(op.rows);
  for (const std::int64_t value : weights(count)) {
    op.table.push_back(std::clamp(value, lowest(type), highest(type)));
  }
  add("lookup", std::move(op), {id}, type);
}

void Generator::layout() {
  const NodeId id = pick();
  const Shape from = shape(id);
  const auto axes = from.size();
  switch (choices_.below(5)) {
    case 0: {
      Shape to{static_cast<int>(element_count(from))};
      for (const int divisor : {2, 3}) {
        if (choices_.coin() && to[0] % divisor == 0) {
          to[0] /= divisor;
          to.push_back(divisor);
        }
      }
      add("reshape", Reshape{}, {id}, {}, to);
      return;
    }
    case 1: {
      Transpose op;
      for (std::size_t i = 0; i < axes; ++i) op.permutation.push_back(static_cast<int>(i));
      for (std::size_t i = 1; i < axes; ++i)
        std::swap(op.permutation[i],
                  op.permutation[static_cast<std::size_t>(choices_.below(static_cast<int>(i) + 1))]);
      add("transpose", std::move(op), {id});
      return;
    }
    case 2: {
      Slice op;
      Shape to;
      for (const int extent : from) {
        const int step = 1 + choices_.below(3) / 2;
        const int count = choices_.between(1, (extent + step - 1) / step);
        const int start = choices_.below(extent - (count - 1) * step);
        const bool backward = choices_.below(4) == 3;
        op.start.push_back(backward ? start + (count - 1) * step : start);
        op.step.push_back(backward ? -step : step);
        to.push_back(count);
      }
      add("slice", std::move(op), {id}, {}, to);
      return;
    }
    case 3: {
      Pad op;
      for (std::size_t i = 0; i < axes; ++i) {
        op.before.push_back(choices_.below(3));
        op.after.push_back(choices_.below(2));
      }
      op.value = choices_.coin() ? 0 : highest(node(id).type);
      add("pad", std::move(op), {id});
      return;
    }
    case 4: {
      Resize op;
      for (std::size_t i = 0; i < axes; ++i) op.factor.push_back(choices_.between(1, 2));
      if (element_count(from) <= static_cast<std::size_t>(options_.most_elements))
        add("resize", std::move(op), {id});
      return;
    }
  }
}

void Generator::concat() {
  const NodeId id = pick();
  if (shape(id).empty()) return;
  std::vector<NodeId> inputs{id};
  for (int i = choices_.between(0, 2); i > 0; --i) inputs.push_back(choices_.coin() ? id : pick());
  add("concat", Concat{choices_.below(rank(id))}, inputs);
}

void Generator::lanes() {
  const NodeId id = pick();
  if (shape(id).empty()) return;
  const int axis = choices_.below(rank(id));
  if (choices_.coin()) {
    Sort op;
    op.axis = axis;
    op.descending = choices_.coin();
    op.result = static_cast<SortResult>(choices_.below(2));
    std::vector<NodeId> inputs{id};
    if (choices_.coin()) inputs.push_back(pick());
    add("sort", op, inputs);
    return;
  }
  add("reduce", Reduce{static_cast<ReduceKind>(choices_.below(5)), axis}, {id});
}

void Generator::binary() {
  const NodeId left = pick();
  const NodeId right = choices_.coin() ? left : pick();
  switch (choices_.below(4)) {
    case 0:
      add("add", Add{}, {left, right});
      return;
    case 1:
      add("subtract", Subtract{}, {left, right});
      return;
    case 2:
      add("multiply", Multiply{}, {left, right});
      return;
    case 3:
      add("compare", Compare{static_cast<Comparison>(choices_.below(6))}, {left, right});
      return;
  }
}

void Generator::select() {
  const NodeId left = pick();
  const NodeId right = choices_.coin() ? left : pick();
  if (!add("compare", Compare{static_cast<Comparison>(choices_.below(6))}, {left, right})) return;
  add("select", Select{}, {last(), left, choices_.coin() ? right : left});
}

void Generator::tree_ensemble() {
  const NodeId id = pick_stored();
  if (rank(id) != 1) return;
  TreeEnsemble op;
  op.outputs = choices_.between(1, 3);
  op.leaf_fraction = choices_.below(8);
  for (int i = 0; i < op.outputs; ++i) op.bias.push_back(choices_.small(50));
  const Interval range = hull(builder_.range(id));
  const auto threshold = [&] { return std::clamp<std::int64_t>(choices_.small(100), range.low, range.high); };
  if (choices_.below(3) == 1) op.missing = threshold();
  for (int t = choices_.between(1, 8); t > 0; --t) {
    Tree tree;
    tree.output = choices_.below(op.outputs);
    const int nodes = choices_.below(8);
    // Grows at the ends: each new node replaces a leaf, so the leaves stay one more than the nodes.
    std::vector<int*> ends;
    tree.nodes.resize(static_cast<std::size_t>(nodes));
    for (int n = 0; n < nodes; ++n) {
      if (n > 0) {
        const auto end = ends.begin() + choices_.below(static_cast<int>(ends.size()));
        **end = n;
        ends.erase(end);
      }
      TreeNode& split = tree.nodes[static_cast<std::size_t>(n)];
      split.feature = choices_.below(shape(id)[0]);
      split.threshold = threshold();
      split.missing_left = op.missing && choices_.coin();
      if (choices_.below(6) == 5) {
        split.categories = {split.threshold, split.threshold + 1 + choices_.below(5)};
        split.threshold = 0;
      }
      ends.push_back(&split.left);
      ends.push_back(&split.right);
    }
    for (std::size_t leaf = 0; leaf < std::max<std::size_t>(ends.size(), 1); ++leaf) {
      if (!ends.empty()) *ends[leaf] = ~static_cast<int>(leaf);
      tree.leaves.push_back(choices_.small(2000));
    }
    op.trees.push_back(std::move(tree));
  }
  add("tree_ensemble", std::move(op), {id});
}

void Generator::recurrent() {
  const NodeId sequence = pick();
  if (shape(sequence).empty()) return;
  std::vector<NodeId> inputs{sequence};
  std::vector<NodeId> states;
  for (int i = choices_.between(1, 2); i > 0; --i) {
    const Type type = stored_type();
    const Shape state{choices_.between(1, 4)};
    const std::vector<std::int64_t> zeros(element_count(state), 0);
    keep(builder_.constant(fresh("initial"), state, type, zeros));
    states.push_back(last());
    inputs.push_back(last());
    read_.back() = true;
  }
  const Shape from = shape(sequence);
  Recurrent op;
  try {
    Generator body(choices_, options_, depth_ + 1);
    op.body = std::make_shared<const Network>(
        body.run_body(Shape(from.begin() + 1, from.end()), node(sequence).type, states, builder_));
  } catch (const Error&) {
    return;
  }
  op.emit = choices_.below(static_cast<int>(states.size()));
  op.sequence = choices_.coin();
  op.reverse = choices_.coin();
  add("recurrent", std::move(op), inputs);
}

/// Makes the new value of a state from the last tensor: cut or repeated to one axis, then requantized.
void Generator::close_state(std::size_t index, const Node& wanted) {
  NodeId id = pick();
  if (std::holds_alternative<Output>(node(id).operation)) id = node(id).inputs[0];
  const int count = static_cast<int>(element_count(shape(id)));
  const int want = wanted.shape[0];
  id = builder_.add(fresh("flat"), Reshape{}, {id}, Shape{count});
  keep(id);
  if (count < want) {
    id = builder_.add(fresh("grown"), Resize{{(want + count - 1) / count}}, {id});
    keep(id);
  }
  id = builder_.add(fresh("cut"), Slice{{0}, {1}}, {id}, wanted.shape);
  keep(id);
  const NodeId state = static_cast<NodeId>(index) + 1;
  Requantize next = make_requantize(id, wanted.type);
  if (next.multiplier.size() > 1) next.multiplier.resize(1);
  if (next.shift.size() > 1) next.shift.resize(1);
  id = builder_.add(fresh("squeezed"), next, {id}, wanted.type);
  keep(id);
  if (choices_.coin()) {  // so that the old state matters
    id = builder_.add(fresh("mixed"), Add{}, {id, state});
    keep(id);
    Requantize half;
    half.shift = {1};
    half.rounding = Rounding::half_even;
    id = builder_.add(fresh("next"), half, {id}, wanted.type);
    keep(id);
  }
  keep(builder_.output(fresh("new"), id));
}

void Generator::constant_like() {
  const NodeId id = pick();
  const Type type{true, 16, node(id).type.fraction};
  Shape of = shape(id);
  if (!of.empty() && choices_.coin()) of[0] = 1;
  const std::vector<std::int64_t> values = weights(element_count(of));
  keep(builder_.constant(fresh("constant"), of, type, values));
  const NodeId constant = last();
  switch (choices_.below(3)) {
    case 0:
      add("add", Add{}, {id, constant});
      return;
    case 1:
      add("multiply", Multiply{}, {id, constant});
      return;
    case 2:
      add("compare", Compare{Comparison::greater}, {id, constant});
      return;
  }
}

}  // namespace crible::conformance
