#include <algorithm>
#include <limits>

#include "backends/cpu/plan/planner.hpp"

// Single events in a loop: all products that need nothing but the slice and the states are one product at
// the beginning of an iteration. What the slices contribute to its sums is computed for all iterations before
// the loop, where nothing waits for anything.
namespace crible::backends::cpu {

using network::Node;

namespace {

struct Rounding {
  bool odd = false;
  bool negative = false;
};

/// A shift by nothing of each sum: what Finish::none does, among outputs that are shifted.
constexpr std::int32_t lowest_sum = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t highest_sum = std::numeric_limits<std::int32_t>::max();

}  // namespace

/// Dense nodes whose input consists of body inputs alone, each with what follows it.
std::vector<Planner::EarlyProduct> Planner::early_products(Context& body) {
  std::vector<EarlyProduct> found;
  for (std::size_t i = 0; i < body.network.nodes.size(); ++i) {
    const Node& node = body.network.nodes[i];
    const bool known =
        !node.inputs.empty() && std::all_of(node.inputs.begin(), node.inputs.end(), [&](int input) {
          return !body.tensors[static_cast<std::size_t>(input)].empty();
        });
    if (!known) continue;
    if (is_layout(node.operation)) body.tensors[i] = rearranged(body, static_cast<int>(i));
    const auto* dense = std::get_if<network::Dense>(&node.operation);
    if (dense == nullptr || !fits_32(network::hull(body.ranges[i]))) continue;
    const Tensor& in = input_of(body, static_cast<int>(i));
    if (in.size() != static_cast<std::size_t>(dense->inputs)) continue;
    Matrix matrix;
    matrix.outputs = static_cast<std::uint32_t>(dense->outputs);
    matrix.depth = static_cast<std::uint32_t>(dense->inputs);
    matrix.weights = dense->weights;
    matrix.bias = dense->bias;
    matrix.pixels = {in};
    for (std::uint32_t o = 0; o < matrix.outputs; ++o) matrix.result.push_back(o);
    Form form = Form::wide;
    if (!choose_form(matrix, form) || form != Form::bytes) continue;
    const Ending ending = choose_ending(body, static_cast<int>(i), {matrix});
    const bool shifted = ending.finish == Finish::shift && ending.form == Form::wide;
    if (shifted || ending.finish == Finish::none)
      found.push_back({static_cast<int>(i), ending, std::move(matrix)});
  }
  return found;
}

/// The outputs of all products side by side, on the columns of `elements`.
Planner::Matrix Planner::joined_matrix(const std::vector<EarlyProduct>& products,
                                       const Tensor& elements) const {
  Matrix joined;
  for (const EarlyProduct& product : products) joined.outputs += product.matrix.outputs;
  joined.depth = static_cast<std::uint32_t>(elements.size());
  joined.run = joined.depth;
  joined.weights.assign(std::size_t{joined.outputs} * joined.depth, 0);
  joined.bias.assign(joined.outputs, 0);
  std::size_t first = 0;
  for (const EarlyProduct& product : products) {
    const Matrix& matrix = product.matrix;
    for (std::size_t k = 0; k < matrix.depth; ++k) {
      const auto at = std::find(elements.begin(), elements.end(), matrix.pixels[0][k]);
      if (at == elements.end()) continue;
      const auto column = static_cast<std::size_t>(at - elements.begin());
      for (std::size_t o = 0; o < matrix.outputs; ++o) {
        joined.weights[(first + o) * joined.depth + column] += matrix.weights[o * matrix.depth + k];
      }
    }
    first += matrix.outputs;
  }
  return joined;
}

/// One epilogue for all, with bounds for each output. Adds to the biases what rounding wants.
Epilogue Planner::joined_epilogue(const Context& body, const std::vector<EarlyProduct>& products,
                                  std::vector<std::int32_t>& bias) {
  const std::size_t padded = bias.size();
  Epilogue joined{};
  joined.finish = Finish::shift;
  std::vector<std::int32_t> shift, plus, mask, add, lows, highs;
  for (const EarlyProduct& product : products) {
    const std::uint32_t outputs = product.matrix.outputs;
    const auto first = bias.begin() + static_cast<std::ptrdiff_t>(shift.size());
    const auto append = [&](std::vector<std::int32_t>& all, const std::int32_t* values) {
      if (values != nullptr) return static_cast<void>(all.insert(all.end(), values, values + outputs));
      all.insert(all.end(), outputs, 0);
    };
    std::vector<std::int32_t> own(first, first + outputs);
    const Epilogue one = make_epilogue(body, product.ending, product.matrix, own, outputs);
    std::copy(own.begin(), own.end(), first);
    const bool shifts = one.finish == Finish::shift;
    joined.odd = joined.odd || (shifts && one.odd);
    joined.negative = joined.negative || (shifts && one.negative);
    append(shift, one.shift);
    append(plus, one.plus);
    append(mask, one.mask);
    append(add, one.add);
    lows.insert(lows.end(), outputs, shifts ? one.low : lowest_sum);
    highs.insert(highs.end(), outputs, shifts ? one.high : highest_sum);
  }
  joined.adds = std::any_of(add.begin(), add.end(), [](std::int32_t x) { return x != 0; });
  joined.uniform = std::all_of(shift.begin(), shift.end(), [&](std::int32_t x) { return x == shift[0]; }) &&
                   std::all_of(mask.begin(), mask.end(), [&](std::int32_t x) { return x == mask[0]; });
  shift.resize(padded, shift[0]);
  mask.resize(padded, mask[0]);
  for (auto* list : {&plus, &add, &lows, &highs}) list->resize(padded, 0);
  joined.shift = plan_.keep(shift);
  joined.plus = plan_.keep(plus);
  joined.mask = plan_.keep(mask);
  joined.add = plan_.keep(add);
  joined.lows = plan_.keep(lows);
  joined.highs = plan_.keep(highs);
  return joined;
}

/// Of the products, those that round as the first one does: one kernel serves them all.
void Planner::keep_alike(const Context& body, std::vector<EarlyProduct>& products) {
  bool decided = false;
  Rounding first;
  std::erase_if(products, [&](const EarlyProduct& product) {
    if (product.ending.finish == Finish::none) return false;
    const Node& node = body.network.nodes[static_cast<std::size_t>(product.ending.rounding)];
    const RoundingTerms terms = rounding_terms(std::get<network::Requantize>(node.operation).rounding, 1);
    const Rounding rounding{terms.if_odd != 0, terms.if_negative != 0};
    if (!decided) first = rounding;
    decided = true;
    return rounding.odd != first.odd || rounding.negative != first.negative;
  });
}

/// Products of the slice alone are finished for all iterations before the loop; of those that need states as
/// well, what the slices contribute is.
std::vector<Planner::JoinedProducts> Planner::join_products(Context& body, const Tensor& sequence, int slice,
                                                            std::size_t steps) {
  std::vector<JoinedProducts> all;
  if (layout_ != Layout::single) return all;
  std::vector<EarlyProduct> of_slice, of_states;
  for (EarlyProduct& product : early_products(body)) {
    const Tensor& in = product.matrix.pixels[0];
    const bool no_state = std::all_of(in.begin(), in.end(), [&](Element e) { return e.base == slice; });
    (no_state ? of_slice : of_states).push_back(std::move(product));
  }
  for (auto* products : {&of_slice, &of_states}) {
    keep_alike(body, *products);
    JoinedProducts joined;
    joined.products = std::move(*products);
    if (join(body, sequence, slice, steps, joined)) all.push_back(std::move(joined));
  }
  return all;
}

bool Planner::join(Context& body, const Tensor& sequence, int slice, std::size_t steps,
                   JoinedProducts& joined) {
  Tensor own, of_slice;
  for (const EarlyProduct& product : joined.products) {
    for (const Element& e : product.matrix.pixels[0]) {
      Tensor& elements = e.base == slice ? of_slice : own;
      if (std::find(elements.begin(), elements.end(), e) == elements.end()) elements.push_back(e);
    }
  }
  if (of_slice.empty()) return false;
  std::sort(own.begin(), own.end());
  std::sort(of_slice.begin(), of_slice.end());
  joined.own = joined_matrix(joined.products, own);
  joined.own.pixels = {own};
  Matrix hoisted = joined_matrix(joined.products, of_slice);
  const std::size_t slice_elements = sequence.size() / steps;
  for (std::size_t step = 0; step < steps; ++step) {
    Tensor pixel;
    for (const Element& e : of_slice) pixel.push_back(sequence[step * slice_elements + e.index]);
    hoisted.pixels.push_back(std::move(pixel));
  }
  Form own_form = Form::bytes, slice_form = Form::wide;
  const bool in_bytes = (own.empty() || choose_form(joined.own, own_form)) &&
                        choose_form(hoisted, slice_form) && own_form == Form::bytes &&
                        slice_form == Form::bytes;
  if (!in_bytes) return false;

  const std::uint32_t block = kernels_.block_single;
  joined.padded = (hoisted.outputs + block - 1) / block * block;
  std::size_t first = 0;
  for (const EarlyProduct& product : joined.products) {
    std::copy(product.matrix.bias.begin(), product.matrix.bias.end(),
              joined.own.bias.begin() + static_cast<std::ptrdiff_t>(first));
    first += product.matrix.outputs;
  }
  std::vector<std::int32_t> bias(joined.padded, 0);
  const Lanes own_lanes = own.empty() ? Lanes{} : lanes_to_pack(joined.own, Form::bytes);
  for (std::uint32_t o = 0; o < hoisted.outputs; ++o) bias[o] = folded_bias(joined.own, own_lanes, o);
  joined.epilogue = joined_epilogue(body, joined.products, bias);
  hoisted.bias.assign(bias.begin(), bias.begin() + hoisted.outputs);
  emit_hoisted(hoisted, steps, joined);
  for (const EarlyProduct& product : joined.products) {
    for (const int node : {product.node, product.ending.rounding, product.ending.node}) {
      if (node >= 0) body.done[static_cast<std::size_t>(node)] = true;
    }
  }
  return true;
}

void Planner::emit_hoisted(const Matrix& hoisted, std::size_t steps, JoinedProducts& joined) {
  Lanes lanes;
  pack_lanes(hoisted, Form::bytes, lanes);
  std::vector<std::int32_t> bias(joined.padded, 0);
  for (std::uint32_t o = 0; o < hoisted.outputs; ++o) bias[o] = folded_bias(hoisted, lanes, o);
  joined.hoisted = new_rows(steps * joined.padded);
  std::vector<Row> out;
  for (std::size_t step = 0; step < steps; ++step) {
    out.push_back(joined.hoisted + static_cast<Row>(step * joined.padded));
  }
  const PackedWeights packed =
      pack_for_single(weight_lanes(hoisted, lanes), kernels_.block_single, kernels_.byte_dots, true);
  emit_product(hoisted, lanes, packed, Form::wide, bias, out,
               joined.own.depth == 0 ? joined.epilogue : Epilogue{});
}

/// What is left to do in the loop.
void Planner::emit_joined(Context& body, const JoinedProducts& joined, std::size_t steps) {
  const Row first = new_rows(joined.padded);
  if (joined.own.depth == 0) {
    std::vector<Row> in, out;
    for (Row i = 0; i < steps * joined.padded; ++i) in.push_back(joined.hoisted + i);
    for (Row i = 0; i < joined.padded; ++i) out.push_back(first + i);
    emit_copy(in, true, out, false, joined.padded);
  } else {
    Lanes lanes;
    pack_lanes(joined.own, Form::bytes, lanes);
    const PackedWeights packed =
        pack_for_single(weight_lanes(joined.own, lanes), kernels_.block_single, kernels_.byte_dots, true);
    emit_product(joined.own, lanes, packed, Form::wide, {}, {first}, joined.epilogue, joined.hoisted,
                 joined.padded);
  }
  Row next = first;
  for (const EarlyProduct& product : joined.products) {
    const auto result_node = static_cast<std::size_t>(product.ending.node);
    Base result;
    result.range = body.ranges[result_node];
    for (Row o = 0; o < product.matrix.outputs; ++o) result.wide.push_back(next + o);
    bases_.push_back(std::move(result));
    body.tensors[result_node] = whole(static_cast<int>(bases_.size()) - 1);
    next += product.matrix.outputs;
  }
}

}  // namespace crible::backends::cpu
