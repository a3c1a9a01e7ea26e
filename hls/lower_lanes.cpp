#include <algorithm>
#include <bit>

#include "engine/network/strides.hpp"
#include "hls/lowering.hpp"

/// Operations along one axis.
namespace crible::hls {

using namespace network;

namespace {

struct Ranked {
  WordId value = no_word;
  WordId index = no_word;
};

/// The first largest of a run, by a tournament: the right one wins only when it is strictly larger.
Ranked first_largest(Graph& graph, const std::vector<Ranked>& run) {
  if (run.size() == 1) return run.front();
  const auto middle = run.begin() + static_cast<std::ptrdiff_t>(run.size() / 2);
  const Ranked left = first_largest(graph, {run.begin(), middle});
  const Ranked right = first_largest(graph, {middle, run.end()});
  const WordId wins = graph.less(left.value, right.value);
  return {graph.mux(wins, right.value, left.value), graph.mux(wins, right.index, left.index)};
}

Form squares(Graph& graph, const std::vector<WordId>& words) {
  Form sum;
  for (const WordId word : words) sum = sum + Form::of(graph.multiply(word, word));
  return sum;
}

Form reduce_run(Graph& graph, ReduceKind kind, const std::vector<WordId>& words) {
  switch (kind) {
    case ReduceKind::sum:
      return sum_of(words);
    case ReduceKind::max:
      return Form::of(largest(graph, words, false));
    case ReduceKind::min:
      return Form::of(largest(graph, words, true));
    case ReduceKind::argmax: {
      std::vector<Ranked> run;
      for (std::size_t i = 0; i < words.size(); ++i)
        run.push_back({words[i], graph.constant(static_cast<std::int64_t>(i))});
      return Form::of(first_largest(graph, run).index);
    }
    case ReduceKind::sum_of_squares:
      return squares(graph, words);
  }
  return {};
}

/// Places of the elements along `axis` that belong to the run of `place`; an axis of extent 1 is stretched.
std::vector<std::size_t> run_places(const Shape& shape, const Shape& of, std::size_t axis, std::size_t outer,
                                    std::size_t inner) {
  Shape cut = of;
  cut[axis] = 1;
  const std::size_t inner_extent = inner_count(of, axis);
  const std::vector<std::size_t> starts = offsets(cut, broadcast_strides(shape, cut));
  std::vector<std::size_t> places;
  for (std::size_t k = 0; k < static_cast<std::size_t>(of[axis]); ++k)
    places.push_back(starts[outer * inner_extent + inner] + k * inner_count(shape, axis));
  return places;
}

/// One element of a sort: the key with the place below it, so that no two are equal, and what is moved along
/// (nothing when the key is all that is wanted).
struct Entry {
  WordId key = no_word;
  WordId payload = no_word;
};

/// Puts the entry that comes first in front.
void order(Graph& graph, Entry& first, Entry& second) {
  const WordId swap = graph.less(second.key, first.key);
  const Entry a = first;
  const Entry b = second;
  first.key = graph.mux(swap, b.key, a.key);
  second.key = graph.mux(swap, a.key, b.key);
  if (a.payload == no_word) return;
  first.payload = graph.mux(swap, b.payload, a.payload);
  second.payload = graph.mux(swap, a.payload, b.payload);
}

/// Batcher's odd-even merge sort for any number of entries.
void sort_entries(Graph& graph, std::vector<Entry>& entries) {
  const std::size_t count = entries.size();
  for (std::size_t p = 1; p < count; p *= 2) {
    for (std::size_t k = p; k >= 1; k /= 2) {
      for (std::size_t j = k % p; j + k < count; j += 2 * k) {
        for (std::size_t i = 0; i < std::min(k, count - j - k); ++i) {
          if ((i + j) / (2 * p) == (i + j + k) / (2 * p)) order(graph, entries[i + j], entries[i + j + k]);
        }
      }
    }
  }
}

/// What a sort gives for an entry: what was moved along, or a part of the key.
WordId sorted_result(Graph& graph, const Sort& sort, const Entry& entry, int index_bits) {
  if (sort.result == SortResult::indices)
    return index_bits == 0 ? graph.constant(0) : graph.wrap(entry.key, {false, index_bits, 0});
  if (entry.payload != no_word) return entry.payload;
  const WordId key = graph.shift_right(entry.key, index_bits);
  return sort.descending ? graph.invert(key) : key;
}

}  // namespace

WordId largest(Graph& graph, std::vector<WordId> words, bool smallest) {
  while (words.size() > 1) {
    std::vector<WordId> winners;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
      const WordId less = graph.less(words[i], words[i + 1]);
      winners.push_back(smallest ? graph.mux(less, words[i], words[i + 1])
                                 : graph.mux(less, words[i + 1], words[i]));
    }
    if (words.size() % 2 == 1) winners.push_back(words.back());
    words = std::move(winners);
  }
  return words.front();
}

Form sum_of(const std::vector<WordId>& words) {
  Form sum;
  for (const WordId word : words) sum = sum + Form::of(word);
  return sum;
}

Forms lower_reduce(const Lowering& at, const Reduce& reduce) {
  const auto axis = static_cast<std::size_t>(reduce.axis);
  const Shape& shape = at.input(0).shape;
  Forms result;
  for (std::size_t outer = 0; outer < outer_count(shape, axis); ++outer) {
    for (std::size_t inner = 0; inner < inner_count(shape, axis); ++inner) {
      if (reduce.kind == ReduceKind::sum) {
        Form sum;
        for (const std::size_t place : run_places(shape, shape, axis, outer, inner))
          sum = sum + at.input(0).elements[place];
        result.push_back(sum);
        continue;
      }
      std::vector<WordId> words;
      for (const std::size_t place : run_places(shape, shape, axis, outer, inner))
        words.push_back(at.word(0, place));
      result.push_back(reduce_run(at.graph, reduce.kind, words));
    }
  }
  return result;
}

Forms lower_sort(const Lowering& at, const Sort& sort) {
  const auto axis = static_cast<std::size_t>(sort.axis);
  const Shape& shape = at.node.shape;
  const std::size_t keys = at.inputs.size() == 2 ? 1 : 0;
  const auto extent = static_cast<std::size_t>(shape[axis]);
  const int index_bits = std::bit_width(extent - 1);
  Graph& graph = at.graph;
  Forms result(element_count(shape));
  for (std::size_t outer = 0; outer < outer_count(shape, axis); ++outer) {
    for (std::size_t inner = 0; inner < inner_count(shape, axis); ++inner) {
      const std::vector<std::size_t> places = run_places(shape, shape, axis, outer, inner);
      const std::vector<std::size_t> key_places = run_places(at.input(keys).shape, shape, axis, outer, inner);
      std::vector<Entry> entries;
      for (std::size_t i = 0; i < extent; ++i) {
        const WordId key = at.word(keys, key_places[i]);
        const WordId rank = graph.constant(static_cast<std::int64_t>(i));
        const WordId ordered = sort.descending ? graph.invert(key) : key;
        const WordId payload =
            keys == 1 && sort.result == SortResult::values ? at.word(0, places[i]) : no_word;
        entries.push_back({graph.add(ordered, rank, index_bits, 0), payload});
      }
      sort_entries(graph, entries);
      for (std::size_t i = 0; i < extent; ++i)
        result[places[i]] = Form::of(sorted_result(graph, sort, entries[i], index_bits));
    }
  }
  return result;
}

}  // namespace crible::hls
