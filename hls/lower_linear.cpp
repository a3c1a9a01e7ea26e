#include <algorithm>
#include <bit>

#include "engine/network/strides.hpp"
#include "hls/lowering.hpp"

/// Products with constants: dense, conv, and scaling by a number.
namespace crible::hls {

using namespace network;

namespace {

/// Ranges that hold each of several input vectors.
std::vector<Interval> joint_ranges(const Graph& graph, const std::vector<std::vector<WordId>>& vectors) {
  std::vector<Interval> ranges;
  for (std::size_t k = 0; k < vectors.front().size(); ++k) {
    Interval range = graph.word(vectors.front()[k]).range;
    for (const std::vector<WordId>& vector : vectors) {
      range.low = std::min(range.low, graph.word(vector[k]).range.low);
      range.high = std::max(range.high, graph.word(vector[k]).range.high);
    }
    ranges.push_back(range);
  }
  return ranges;
}

/// The matrix times each of the vectors, and the bias: the adder program is found once.
std::vector<Forms> products(const Lowering& at, const std::vector<std::int64_t>& weights,
                            const std::vector<std::int64_t>& bias,
                            const std::vector<std::vector<WordId>>& vectors) {
  const AdderProgram program = share(weights, joint_ranges(at.graph, vectors), at.extra_depth);
  std::vector<Forms> results;
  for (const std::vector<WordId>& vector : vectors) {
    Forms rows = instantiate(at.graph, program, vector);
    for (std::size_t o = 0; o < rows.size(); ++o) rows[o].offset = bias[o];
    results.push_back(std::move(rows));
  }
  return results;
}

}  // namespace

Form scaled(Graph& graph, const Form& form, std::int64_t factor, int extra_depth) {
  if (factor == 0) return Form::constant(0);
  const std::uint64_t size =
      factor < 0 ? 0 - static_cast<std::uint64_t>(factor) : static_cast<std::uint64_t>(factor);
  if (std::has_single_bit(size)) {
    const Form result = form.shifted(std::countr_zero(size));
    return factor < 0 ? -result : result;
  }
  Form result = Form::constant(product(form.offset, factor));
  if (form.parts.empty()) return result;
  const WordId word = materialise(graph, {form.parts, 0});
  const AdderProgram program = share({factor}, {graph.word(word).range}, extra_depth);
  return instantiate(graph, program, {word}).front().plus(result.offset);
}

Forms lower_dense(const Lowering& at, const Dense& dense) {
  const std::vector<WordId> words = at.words(0);
  const auto inputs = static_cast<std::ptrdiff_t>(dense.inputs);
  std::vector<std::vector<WordId>> vectors;
  for (auto begin = words.begin(); begin != words.end(); begin += inputs)
    vectors.emplace_back(begin, begin + inputs);
  Forms result;
  for (Forms& row : products(at, dense.weights, dense.bias, vectors)) {
    for (Form& form : row) result.push_back(std::move(form));
  }
  return result;
}

Forms lower_conv(const Lowering& at, const Conv& conv) {
  const Shape& shape = at.input(0).shape;
  const std::vector<WordId> words = at.words(0);
  const WordId padding = at.graph.constant(conv.pad_value);
  const WindowSize size(conv.window, shape, at.node.shape);
  const int group_channels = shape[0] / conv.groups;
  const int group_filters = conv.filters / conv.groups;
  const std::size_t positions = static_cast<std::size_t>(size.rows) * static_cast<std::size_t>(size.columns);
  const std::size_t taps = conv.weights.size() / static_cast<std::size_t>(conv.filters);
  Forms result(static_cast<std::size_t>(conv.filters) * positions);
  for (int group = 0; group < conv.groups; ++group) {
    const auto first = static_cast<std::ptrdiff_t>(group) * group_filters;
    const std::vector<std::int64_t> bias(conv.bias.begin() + first,
                                         conv.bias.begin() + first + group_filters);
    const auto tap_count = static_cast<std::ptrdiff_t>(taps);
    const std::vector<std::int64_t> weights(conv.weights.begin() + first * tap_count,
                                            conv.weights.begin() + (first + group_filters) * tap_count);
    std::vector<std::vector<WordId>> vectors;
    for (std::size_t position = 0; position < positions; ++position) {
      std::vector<WordId> vector;
      for (int channel = 0; channel < group_channels; ++channel) {
        for (const int place : size.places(position)) {
          const int base = (group * group_channels + channel) * size.input_positions();
          vector.push_back(place < 0 ? padding : words[static_cast<std::size_t>(base + place)]);
        }
      }
      vectors.push_back(std::move(vector));
    }
    const std::vector<Forms> sums = products(at, weights, bias, vectors);
    for (std::size_t position = 0; position < positions; ++position) {
      for (std::size_t filter = 0; filter < static_cast<std::size_t>(group_filters); ++filter)
        result[(static_cast<std::size_t>(first) + filter) * positions + position] = sums[position][filter];
    }
  }
  return result;
}

}  // namespace crible::hls
