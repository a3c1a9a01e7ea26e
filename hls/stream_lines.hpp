#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/network/network.hpp"

namespace crible::hls {

/// First and last of a run of positions; empty when last < first.
struct Positions {
  int first = 0;
  int last = -1;
};

/// A window that runs over an image which comes in raster order, `pixels` pixels of a row in each shift, and
/// where everything lies at which shift. Index 0 of the arrays: rows, 1: columns. Images without rows have
/// one. The result comes in groups of `result_pixels` pixels of a row, each when its last pixel has come;
/// after the image there are as many shifts of fillers as the padding needs.
struct Lines {
  int channels = 1;
  std::array<int, 2> extent{1, 1};
  int pixels = 1;  // divides the columns
  std::array<int, 2> kernel{1, 1};
  std::array<int, 2> stride{1, 1};
  std::array<int, 2> dilation{1, 1};
  std::array<int, 2> pad{0, 0};  // before
  std::int64_t filler = 0;       // integer in the padding
  int result_channels = 1;
  std::array<int, 2> result_extent{1, 1};
  int result_pixels = 1;  // divides the result's columns

  /// Neighbouring columns that a group of results looks at.
  int slab_columns() const { return (result_pixels - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1; }
  int groups() const { return extent[0] * extent[1] / pixels; }
  int result_row_groups() const { return result_extent[1] / result_pixels; }
  int result_groups() const { return result_extent[0] * result_row_groups(); }

  /// The shift with which a group of results is complete, counted from 0.
  int complete_at(int row, int group) const;
  int last_complete() const { return complete_at(result_extent[0] - 1, result_row_groups() - 1); }
  /// Shifts of an event.
  int shifts() const;

  /// The pixel at (kernel row, column of the slab), counted back from the newest at the shift that completes.
  int age(int kernel_row, int column) const;
  /// Groups of pixels that the window can see, the newest included.
  int seen_groups() const { return age(0, 0) / pixels + 1; }

  /// Result rows for which a kernel row is inside the image; groups of a row for which a column is.
  Positions rows_inside(int kernel_row) const;
  Positions groups_inside(int column) const;
};

/// The lines for a node with this window (null: each pixel by itself) over a tensor [channels, rows, columns]
/// or [channels, columns]; nothing when its results do not come one group after the other.
std::optional<Lines> lines_of(const network::Window* window, const network::Shape& in,
                              const network::Shape& result, int pixels);

}  // namespace crible::hls
