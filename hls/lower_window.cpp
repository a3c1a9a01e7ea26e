#include "hls/lowering.hpp"

/// Windows over the trailing axes, and pooling.
namespace crible::hls {

using namespace network;

WindowSize::WindowSize(const Window& of, const Shape& input, const Shape& result)
    : rows(result.size() == 3 ? result[1] : 1),
      columns(result.back()),
      window_(of),
      input_rows_(input.size() == 3 ? input[1] : 1),
      input_columns_(input.back()) {}

std::vector<int> WindowSize::places(std::size_t position) const {
  const std::size_t x = window_.kernel.size() - 1;
  const int row = static_cast<int>(position) / columns;
  const int column = static_cast<int>(position) % columns;
  std::vector<int> list;
  for (int i = 0; i < (x == 0 ? 1 : window_.kernel[0]); ++i) {
    const int from_row =
        x == 0 ? 0 : row * window_.stride[0] - window_.pad_before[0] + i * window_.dilation[0];
    for (int j = 0; j < window_.kernel[x]; ++j) {
      const int from_column = column * window_.stride[x] - window_.pad_before[x] + j * window_.dilation[x];
      const bool inside =
          from_row >= 0 && from_row < input_rows_ && from_column >= 0 && from_column < input_columns_;
      list.push_back(inside ? from_row * input_columns_ + from_column : -1);
    }
  }
  return list;
}

Forms lower_pool(const Lowering& at, const Pool& pool) {
  const WindowSize size(pool.window, at.input(0).shape, at.node.shape);
  const std::vector<WordId> words = at.words(0);
  Forms result;
  for (int channel = 0; channel < at.node.shape[0]; ++channel) {
    for (std::size_t position = 0; position < static_cast<std::size_t>(size.rows * size.columns);
         ++position) {
      std::vector<WordId> inside;
      for (const int place : size.places(position)) {
        if (place >= 0)
          inside.push_back(words[static_cast<std::size_t>(channel * size.input_positions() + place)]);
      }
      switch (pool.kind) {
        case PoolKind::max:
          result.push_back(Form::of(largest(at.graph, inside, false)));
          break;
        case PoolKind::sum:
          result.push_back(sum_of(inside));
          break;
      }
    }
  }
  return result;
}

}  // namespace crible::hls
