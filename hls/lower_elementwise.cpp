#include "engine/network/strides.hpp"
#include "hls/lowering.hpp"

/// Operations on elements at equal places of one, two or three tensors.
namespace crible::hls {

using namespace network;

namespace {

/// For each element of the result, the element of an input that broadcasting puts there.
std::vector<std::size_t> broadcast_places(const Lowering& at, std::size_t input) {
  return offsets(at.node.shape, broadcast_strides(at.input(input).shape, at.node.shape));
}

WordId compare_words(Graph& graph, Comparison comparison, WordId a, WordId b) {
  switch (comparison) {
    case Comparison::less:
      return graph.less(a, b);
    case Comparison::less_equal:
      return graph.logic_not(graph.less(b, a));
    case Comparison::greater:
      return graph.less(b, a);
    case Comparison::greater_equal:
      return graph.logic_not(graph.less(a, b));
    case Comparison::equal:
      return graph.equal(a, b);
    case Comparison::not_equal:
      return graph.logic_not(graph.equal(a, b));
  }
  return no_word;
}

}  // namespace

OffsetWord offset_word(Graph& graph, const Form& form) {
  const bool plain = form.parts.size() == 1 && form.parts[0].shift == 0 && !form.parts[0].negative;
  if (plain) return {form.parts[0].word, form.offset};
  return {materialise(graph, form), 0};
}

Forms lower_add(const Lowering& at, bool subtract) {
  const std::vector<std::size_t> left = broadcast_places(at, 0);
  const std::vector<std::size_t> right = broadcast_places(at, 1);
  Forms result;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Form& b = at.input(1).elements[right[i]];
    result.push_back(at.input(0).elements[left[i]] + (subtract ? -b : b));
  }
  return result;
}

Forms lower_multiply(const Lowering& at) {
  const std::vector<std::size_t> left = broadcast_places(at, 0);
  const std::vector<std::size_t> right = broadcast_places(at, 1);
  Forms result;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const WordId a = at.word(0, left[i]);
    const WordId b = at.word(1, right[i]);
    if (at.graph.is_constant(a)) {
      result.push_back(scaled(at.graph, Form::of(b), at.graph.word(a).low, at.extra_depth));
    } else if (at.graph.is_constant(b)) {
      result.push_back(scaled(at.graph, Form::of(a), at.graph.word(b).low, at.extra_depth));
    } else {
      result.push_back(Form::of(at.graph.multiply(a, b)));
    }
  }
  return result;
}

Forms lower_compare(const Lowering& at, const Compare& compare) {
  const std::vector<std::size_t> left = broadcast_places(at, 0);
  const std::vector<std::size_t> right = broadcast_places(at, 1);
  Forms result;
  for (std::size_t i = 0; i < left.size(); ++i) {
    result.push_back(
        Form::of(compare_words(at.graph, compare.comparison, at.word(0, left[i]), at.word(1, right[i]))));
  }
  return result;
}

Forms lower_select(const Lowering& at) {
  const std::vector<std::size_t> condition = broadcast_places(at, 0);
  const std::vector<std::size_t> left = broadcast_places(at, 1);
  const std::vector<std::size_t> right = broadcast_places(at, 2);
  Forms result;
  for (std::size_t i = 0; i < left.size(); ++i) {
    result.push_back(
        Form::of(at.graph.mux(at.word(0, condition[i]), at.word(1, left[i]), at.word(2, right[i]))));
  }
  return result;
}

Forms lower_clamp(const Lowering& at, const Clamp& clamp) {
  Forms result;
  for (const Form& form : at.input(0).elements) {
    const OffsetWord x = offset_word(at.graph, form);
    const WordId word = at.graph.clamp(x.word, clamp.low - x.offset, clamp.high - x.offset);
    result.push_back(Form::of(word).plus(x.offset));
  }
  return result;
}

Forms lower_leaky_relu(const Lowering& at, const LeakyRelu& leaky) {
  Forms result;
  for (const WordId x : at.words(0)) {
    const WordId negative = at.graph.less(x, at.graph.constant(0));
    result.push_back(Form::of(at.graph.mux(negative, x, at.graph.shift_left(x, leaky.shift))));
  }
  return result;
}

}  // namespace crible::hls
