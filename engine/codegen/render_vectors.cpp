#include <algorithm>

#include "engine/codegen/renderer.hpp"

/// Sums of products by vectors of 16 lanes: the events of a block, or, where one event is computed at a time,
/// 16 outputs of a layer. In a block the lane is the innermost index of every tensor, and a weight is the
/// same for all lanes; in a single event an element is the same for all lanes, and weights stand side by
/// side.
namespace crible::codegen {

using namespace network;

namespace {

constexpr int lanes = 16;
constexpr std::int64_t highest_i16 = 32767;

/// Filters of a block that are summed together: each element is read once for all of them.
int filters_at_once(int filters, int groups) {
  constexpr int most = 4;
  if (groups == 1) return std::min(filters, most);
  return filters % 4 == 0 ? 4 : filters % 2 == 0 ? 2 : 1;
}

/// The same for vectors of filters.
int vectors_at_once(int filters) {
  constexpr int most = 4;
  return std::min((filters + lanes - 1) / lanes, most);
}

/// How many taps, at any multiple of that many, every filter can sum in 16 bits; 0: not even one.
std::size_t taps_in_16_bits(const std::vector<std::int64_t>& weights, std::size_t taps, Interval range) {
  const std::int64_t most = std::max(range.high, -range.low);
  if (most > highest_i16) return 0;
  const auto fits = [&](std::size_t chunk) {
    for (std::size_t row = 0; row < weights.size(); row += taps) {
      std::int64_t sum = 0;
      for (std::size_t k = 0; k < taps; ++k) {
        if (k % chunk == 0) sum = 0;
        const std::int64_t weight = weights[row + k];
        if (weight > highest_i16 || weight < -highest_i16) return false;
        sum += (weight < 0 ? -weight : weight) * most;
        if (sum > highest_i16) return false;
      }
    }
    return true;
  };
  std::size_t chunk = taps;
  while (chunk > 0 && !fits(chunk)) --chunk;
  return chunk;
}

/// Rows of `at_once` filters, tap by tap: [filters / at_once][taps][at_once], zeros behind the last filter.
std::vector<std::int64_t> interleaved(const std::vector<std::int64_t>& weights, std::size_t filters,
                                      std::size_t at_once) {
  const std::size_t taps = weights.size() / filters;
  std::vector<std::int64_t> result((filters + at_once - 1) / at_once * at_once * taps, 0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t filter = i / taps;
    result[filter / at_once * at_once * taps + i % taps * at_once + filter % at_once] = weights[i];
  }
  return result;
}

}  // namespace

/// Whether the input of the node is an array that vectors of 32 bits can hold, event beside event.
bool Renderer::has_vectors(Scope& scope, NodeId id) {
  const Place& x = scope.place(scope.node(id).inputs[0]);
  return has_vectors() && x.block >= 0 && x.element != Element::i64;
}

/// Whether the outputs of a layer can be the lanes; with fewer outputs most lanes would compute nothing.
bool Renderer::by_outputs(Scope& scope, NodeId id, int outputs, int groups) {
  constexpr int fewest = 4;
  const Place& x = scope.place(scope.node(id).inputs[0]);
  const bool fits = x.element != Element::i64 && x.element != Element::u32;
  return lanes_are_outputs() && fits && outputs >= fewest && groups == 1;
}

/// The element of all events of the block.
std::string Renderer::vector(const Place& place, std::string_view index) {
  return join("*(const ", name(place.element), "x16*)&", place.array, "[(", element_of(place, index),
              ") * EVENTS]");
}

/// `vector` is the element at `index` of the chain's first node, for all events.
void Renderer::finish_vector(Scope& scope, const Chain& chain, const std::string& vector,
                             std::string_view index) {
  code_.line("VECTORS i32 values[EVENTS];");
  code_.line("*(i32x16*)values = ", vector, ";");
  open_events();
  finish(scope, chain, "values[e]", index);
  close_events();
}

/// Weights number `f` of those that are summed together.
std::string Renderer::weights_at(const Products& products, bool shorts, int f) const {
  if (is_block()) return join(products.weights_table, "[w + ", f, "]");
  const char* stored = name(products.weights_element);
  const std::string vector =
      join("*(TABLE const ", stored, "x16*)&", products.weights_table, "[w + ", f * lanes, "]");
  return products.weights_element == (shorts ? Element::i16 : Element::i32) ? vector
                                                                            : join("INTS(", vector, ")");
}

/// Adds `chunk` taps from k on: in 16 bits, where they fit, and then to the sums.
void Renderer::sum_taps(const Products& products, bool shorts, std::size_t chunk) {
  const char* element = shorts ? "i16" : "i32";
  for (int f = 0; shorts && f < products.at_once; ++f) {
    code_.line("i16x16 part_", f, " = SHORTS(EVERY(0));");
  }
  code_.open("for (i32 end = k + ", chunk, "; k < end; ++k)");
  const bool same = products.x.element == (shorts ? Element::i16 : Element::i32);
  if (is_block()) {
    const std::string x = vector(products.x, products.tap);
    code_.line("const ", element, "x16 x = ", same ? x : join(shorts ? "SHORTS(" : "INTS(", x, ")"), ";");
  } else {
    code_.line("const ", element, " x = ", at(products.x, products.tap), ";");
  }
  for (int f = 0; f < products.at_once; ++f) {
    code_.line(shorts ? "part_" : "sum_", f, " += x * ", weights_at(products, shorts, f), ";");
  }
  code_.line("w += ", products.at_once * (is_block() ? 1 : lanes), ";");
  code_.close();
  for (int f = 0; shorts && f < products.at_once; ++f) code_.line("sum_", f, " += INTS(part_", f, ");");
}

/// Everything inside the loops over places: all filters at one of them.
void Renderer::vector_sums(Scope& scope, const Chain& chain, Products products) {
  const bool block = is_block();
  const std::size_t taps = products.weights.size() / static_cast<std::size_t>(products.filters);
  const int of_group = products.filters / products.groups;
  products.at_once = block ? filters_at_once(of_group, products.groups) : vectors_at_once(products.filters);
  const auto filters = static_cast<std::size_t>(products.filters);
  const std::size_t step_filters = static_cast<std::size_t>(products.at_once) * (block ? 1 : lanes);
  const std::size_t chunk = taps_in_16_bits(products.weights, taps, products.range);
  const bool shorts = chunk > 0 && products.x.element != Element::i32;
  const std::vector<std::int64_t> weights = interleaved(products.weights, filters, step_filters);
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  const bool in_shorts = smallest_element({*low, *high}) <= Element::i16;
  products.weights_element = in_shorts ? Element::i16 : Element::i32;
  products.weights_table = table(products.stem + "_weights", products.weights_element, weights);
  const std::vector<std::int64_t> biases = interleaved(products.bias, filters, step_filters);
  const std::string bias =
      block ? table(products.stem + "_bias", biases) : table(products.stem + "_bias", Element::i32, biases);

  code_.open("for (i32 first = 0; first < ", filters, "; first += ", step_filters, ")");
  if (products.groups > 1) code_.line("const i32 group = first / ", of_group, ";");
  for (int f = 0; f < products.at_once; ++f) {
    if (block) {
      code_.line("i32x16 sum_", f, " = EVERY(", bias, "[first + ", f, "]);");
    } else {
      code_.line("i32x16 sum_", f, " = *(TABLE const i32x16*)&", bias, "[first + ", f * lanes, "];");
    }
  }
  code_.line("i32 w = first * ", taps, ";");
  code_.line("i32 k = 0;");
  const std::size_t step = shorts ? chunk : taps;
  if (step < taps) {
    code_.open("while (k < ", taps / step * step, ")");
    sum_taps(products, shorts, step);
    code_.close();
  }
  const std::size_t rest = step < taps ? taps % step : taps;
  if (rest > 0) {
    code_.open();
    sum_taps(products, shorts, rest);
    code_.close();
  }
  const char* lane = block ? "EVENTS" : "LANES";
  code_.line("VECTORS i32 sums[", products.at_once, " * ", lane, "];");
  for (int f = 0; f < products.at_once; ++f) {
    code_.line("*(i32x16*)&sums[", f, " * ", lane, "] = sum_", f, ";");
  }
  const bool all_full = filters % step_filters == 0;
  code_.open("for (i32 f = 0; f < ", std::min(step_filters, filters),
             all_full || filters < step_filters ? "" : join(" && first + f < ", filters), "; ++f)");
  code_.line("const i32 filter = first + f;");
  code_.line("const i32 i = ", products.index, ";");
  known_ = {"filter", products.axis, scope.node(chain.links[0].node).shape};
  open_events();
  finish(scope, chain, block ? "sums[f * EVENTS + e]" : "sums[f]", "i");
  close_events();
  known_ = {};
  code_.close();
  code_.close();
}

void Renderer::dense_vectors(Scope& scope, NodeId id, const Dense& o) {
  const Node& node = scope.node(id);
  const NodeId from = node.inputs[0];
  const int rows = static_cast<int>(element_count(node.shape)) / o.outputs;
  Products products{o.weights, o.bias};
  products.stem = "c_" + scope.name(id);
  products.filters = o.outputs;
  products.axis = node.shape.size() - 1;
  products.x = scope.place(from);
  products.range = scope.range(from);
  products.tap = rows == 1 ? "k" : join("row * ", o.inputs, " + k");
  products.index = rows == 1 ? "filter" : join("row * ", o.outputs, " + filter");
  const Chain chain = begin(scope, id);
  if (rows > 1) code_.open("for (i32 row = 0; row < ", rows, "; ++row)");
  vector_sums(scope, chain, products);
  if (rows > 1) code_.close();
  end_step();
}

/// The input with its padding around it; without padding the input itself.
Place Renderer::padded(Scope& scope, NodeId id, const Conv& o, Shape& shape) {
  const NodeId from = scope.node(id).inputs[0];
  const Shape inner = shape;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) {
    shape[axis] += o.window.pad_before[axis - 1] + o.window.pad_after[axis - 1];
  }
  if (shape == inner) return scope.place(from);
  const Interval range = scope.range(from);
  const Element element =
      smallest_element({std::min(range.low, o.pad_value), std::max(range.high, o.pad_value)});
  const std::size_t count = element_count(shape);
  const Place place = new_array(join("t_", scope.name(id), "_padded"), element, count);
  open_each(count);
  code_.line(at(place, "i"), " = ", o.pad_value, ";");
  close_each();
  const Strides strides = c_strides(shape);
  std::ptrdiff_t start = 0;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) {
    start += o.window.pad_before[axis - 1] * strides[axis];
  }
  open_each(element_count(inner));
  code_.line("const i32 j = ", position(inner, strides, "i", start), ";");
  code_.line(at(place, "j"), " = (", name(element), ")", read(scope, from, "i"), ";");
  close_each();
  return place;
}

void Renderer::conv_vectors(Scope& scope, NodeId id, const Conv& o) {
  const Node& node = scope.node(id);
  const NodeId from = node.inputs[0];
  Shape shape = scope.node(from).shape;
  const int channels = shape[0] / o.groups;
  Products products{o.weights, o.bias};
  products.x = padded(scope, id, o, shape);
  const Interval range = scope.range(from);
  products.range = {std::min(range.low, o.pad_value), std::max(range.high, o.pad_value)};
  products.stem = "c_" + scope.name(id);
  products.filters = o.filters;
  products.groups = o.groups;

  const bool two = shape.size() == 3;
  const std::size_t last = o.window.kernel.size() - 1;
  const int width = shape.back();
  const int size = two ? shape[1] * width : width;
  std::vector<std::int64_t> taps;  // where they are, seen from the first
  for (int c = 0; c < channels; ++c) {
    for (int a = 0; a < (two ? o.window.kernel[0] : 1); ++a) {
      for (int b = 0; b < o.window.kernel[last]; ++b) {
        taps.push_back(c * size + a * o.window.dilation[0] * (two ? width : 0) + b * o.window.dilation[last]);
      }
    }
  }
  const std::string where = table(products.stem + "_taps", taps);
  products.tap =
      join(o.groups > 1 ? join("group * ", channels * size, " + ") : std::string(), "start + ", where, "[k]");
  const int columns = node.shape.back();
  const int rows = two ? node.shape[1] : 1;
  products.index = join("filter * ", rows * columns, " + ",
                        two ? join("row * ", columns, " + ") : std::string(), "column");
  const Chain chain = begin(scope, id);
  if (two) code_.open("for (i32 row = 0; row < ", rows, "; ++row)");
  code_.open("for (i32 column = 0; column < ", columns, "; ++column)");
  code_.line("const i32 start = ", two ? join("row * ", o.window.stride[0] * width, " + ") : std::string(),
             "column * ", o.window.stride[last], ";");
  vector_sums(scope, chain, products);
  code_.close();
  if (two) code_.close();
  end_step();
}

}  // namespace crible::codegen
