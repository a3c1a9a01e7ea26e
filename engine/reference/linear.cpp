#include "engine/reference/operations.hpp"

/// Dense, conv and pool.
namespace crible::reference {

using namespace network;

Tensor dense(const Step& step, const Dense& dense) {
  const Tensor& x = step.input(0).data;
  const auto inputs = static_cast<std::size_t>(dense.inputs);
  Tensor y;
  for (std::size_t row = 0; row < x.size() / inputs; ++row) {
    for (std::size_t o = 0; o < static_cast<std::size_t>(dense.outputs); ++o) {
      std::int64_t sum = dense.bias[o];
      for (std::size_t k = 0; k < inputs; ++k) sum += dense.weights[o * inputs + k] * x[row * inputs + k];
      y.push_back(sum);
    }
  }
  return y;
}

namespace {

/// Rows and columns of a [channels, columns] or [channels, rows, columns] tensor.
struct Image {
  int rows = 1;
  int columns = 1;
  const Tensor& data;

  Image(const Shape& shape, const Tensor& tensor)
      : rows(shape.size() == 3 ? shape[1] : 1), columns(shape.back()), data(tensor) {}

  bool inside(int row, int column) const { return row >= 0 && row < rows && column >= 0 && column < columns; }
  std::int64_t at(int channel, int row, int column) const {
    return data[static_cast<std::size_t>((channel * rows + row) * columns + column)];
  }
};

/// Where the taps of one output position lie in the image.
struct Taps {
  Taps(const Window& window, int output_row, int output_column) {
    const std::size_t x = window.kernel.size() - 1;
    column_kernel = window.kernel[x];
    first_column = output_column * window.stride[x] - window.pad_before[x];
    column_step = window.dilation[x];
    if (x == 0) return;
    row_kernel = window.kernel[0];
    first_row = output_row * window.stride[0] - window.pad_before[0];
    row_step = window.dilation[0];
  }

  int row(int tap) const { return first_row + tap * row_step; }
  int column(int tap) const { return first_column + tap * column_step; }

  int row_kernel = 1;
  int column_kernel = 1;
  int first_row = 0;
  int first_column = 0;
  int row_step = 1;
  int column_step = 1;
};

std::int64_t conv_at(const Image& image, const Conv& conv, const Taps& taps, int channels, int filter) {
  const int group_channels = channels / conv.groups;
  const int first_channel = filter / (conv.filters / conv.groups) * group_channels;
  std::int64_t sum = conv.bias[static_cast<std::size_t>(filter)];
  for (int c = 0; c < group_channels; ++c) {
    for (int i = 0; i < taps.row_kernel; ++i) {
      for (int j = 0; j < taps.column_kernel; ++j) {
        const int row = taps.row(i);
        const int column = taps.column(j);
        const std::int64_t x =
            image.inside(row, column) ? image.at(first_channel + c, row, column) : conv.pad_value;
        const auto weight = static_cast<std::size_t>(
            ((filter * group_channels + c) * taps.row_kernel + i) * taps.column_kernel + j);
        sum += conv.weights[weight] * x;
      }
    }
  }
  return sum;
}

std::int64_t pool_at(const Image& image, PoolKind kind, const Taps& taps, int channel) {
  std::int64_t sum = 0;
  std::int64_t most = 0;
  bool first = true;
  for (int i = 0; i < taps.row_kernel; ++i) {
    for (int j = 0; j < taps.column_kernel; ++j) {
      if (!image.inside(taps.row(i), taps.column(j))) continue;
      const std::int64_t x = image.at(channel, taps.row(i), taps.column(j));
      sum += x;
      most = first || x > most ? x : most;
      first = false;
    }
  }
  switch (kind) {
    case PoolKind::max:
      return most;
    case PoolKind::sum:
      return sum;
  }
  return 0;
}

/// Calls at(channel, row, column) for each element of the result.
template <class At>
Tensor over_result(const Shape& shape, At at) {
  const int rows = shape.size() == 3 ? shape[1] : 1;
  Tensor y;
  for (int channel = 0; channel < shape[0]; ++channel) {
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < shape.back(); ++column) y.push_back(at(channel, row, column));
    }
  }
  return y;
}

}  // namespace

Tensor conv(const Step& step, const Conv& conv) {
  const Value& x = step.input(0);
  const Image image(x.shape, x.data);
  return over_result(step.node.shape, [&](int filter, int row, int column) {
    return conv_at(image, conv, Taps(conv.window, row, column), x.shape[0], filter);
  });
}

Tensor pool(const Step& step, const Pool& pool) {
  const Value& x = step.input(0);
  const Image image(x.shape, x.data);
  return over_result(step.node.shape, [&](int channel, int row, int column) {
    return pool_at(image, pool.kind, Taps(pool.window, row, column), channel);
  });
}

}  // namespace crible::reference
