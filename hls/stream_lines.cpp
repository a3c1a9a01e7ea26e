#include "hls/stream_lines.hpp"

#include <algorithm>

namespace crible::hls {

namespace {

int floor_divided(int value, int by) {
  return value >= 0 ? value / by : -((by - 1 - value) / by);
}

/// Positions p of 0 .. count - 1 with 0 <= p * step + offset < extent.
Positions inside(int count, int step, int offset, int extent) {
  return {std::max(0, -floor_divided(offset, step)),
          std::min(count - 1, floor_divided(extent - 1 - offset, step))};
}

/// An entry for rows and one for columns; images without rows have the former at 0 or 1.
std::array<int, 2> both(const std::vector<int>& list, int without) {
  return list.size() == 1 ? std::array{without, list[0]} : std::array{list[0], list[1]};
}

std::array<int, 2> extent_of(const network::Shape& shape) {
  return {shape.size() == 2 ? 1 : shape[1], shape.back()};
}

/// The fewest pixels of a result's row that a group can have so that all groups see the lines alike.
int group_of_results(const Lines& lines) {
  const int columns = lines.result_extent[1];
  for (int count = 1; count < columns; ++count) {
    if (columns % count == 0 && count * lines.stride[1] % lines.pixels == 0) return count;
  }
  return columns;
}

bool in_order(const Lines& lines) {
  int before = -1;
  for (int row = 0; row < lines.result_extent[0]; ++row) {
    for (int group = 0; group < lines.result_row_groups(); ++group) {
      const int now = lines.complete_at(row, group);
      if (now <= before) return false;
      before = now;
    }
  }
  return true;
}

}  // namespace

int Lines::complete_at(int row, int group) const {
  const int last_row = row * stride[0] - pad[0] + (kernel[0] - 1) * dilation[0];
  int last_column = group * result_pixels * stride[1] - pad[1] + slab_columns() - 1;
  // A group that is a whole row need not wait for the padding beside the image; the others do, to be alike.
  if (result_row_groups() == 1) last_column = std::min(last_column, extent[1] - 1);
  return floor_divided(last_row * extent[1] + last_column, pixels);
}

int Lines::shifts() const {
  return std::max(groups(), last_complete() + 1);
}

int Lines::age(int kernel_row, int column) const {
  const int newest = (complete_at(0, 0) + 1) * pixels - 1;
  return newest - (kernel_row * dilation[0] - pad[0]) * extent[1] - (column - pad[1]);
}

Positions Lines::rows_inside(int kernel_row) const {
  return inside(result_extent[0], stride[0], kernel_row * dilation[0] - pad[0], extent[0]);
}

Positions Lines::groups_inside(int column) const {
  return inside(result_row_groups(), result_pixels * stride[1], column - pad[1], extent[1]);
}

std::optional<Lines> lines_of(const network::Window* window, const network::Shape& in,
                              const network::Shape& result, int pixels) {
  Lines lines;
  lines.channels = in[0];
  lines.extent = extent_of(in);
  lines.pixels = pixels;
  if (window != nullptr) {
    lines.kernel = both(window->kernel, 1);
    lines.stride = both(window->stride, 1);
    lines.dilation = both(window->dilation, 1);
    lines.pad = both(window->pad_before, 0);
  }
  lines.result_channels = result[0];
  lines.result_extent = extent_of(result);
  lines.result_pixels = group_of_results(lines);
  if (lines.groups() < 2 || !in_order(lines)) return std::nullopt;
  return lines;
}

}  // namespace crible::hls
