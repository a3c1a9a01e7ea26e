#pragma once

#include <vector>

#include "engine/network/rules.hpp"

/// Windows of conv and pool as the range rules see them: always two spatial axes, the first of extent 1 for
/// one-dimensional tensors.
namespace crible::network::rules {

/// One spatial axis of a window over an input of `extent` positions.
struct WindowAxis {
  int extent = 1;
  int kernel = 1;
  int stride = 1;
  int dilation = 1;
  int pad_before = 0;
  int pad_after = 0;
  int outputs = 1;

  /// Input position of a tap, or -1 in the padding.
  int position(int output, int tap) const {
    const long long at =
        static_cast<long long>(output) * stride - pad_before + static_cast<long long>(tap) * dilation;
    return at < 0 || at >= extent ? -1 : static_cast<int>(at);
  }
};

struct WindowPlan {
  int channels = 0;
  WindowAxis y;
  WindowAxis x;
  Shape result;  // [channels of the result, outputs...]

  std::size_t taps() const { return static_cast<std::size_t>(y.kernel) * static_cast<std::size_t>(x.kernel); }
};

/// Checks the window against the shape of input 0 ([channels, one or two spatial axes]).
WindowPlan plan_window(const Call& call, const Window& window, int result_channels);

/// Groups of output positions that see the same intervals. Outputs (oy, ox) and (oy', ox') see the same when
/// row_class[oy] == row_class[oy'] and column_class[ox] == column_class[ox'].
struct WindowClasses {
  std::vector<int> row_class;
  std::vector<int> column_class;
  std::vector<int> first_row;     // a row of each class
  std::vector<int> first_column;  // a column of each class
};

WindowClasses classify(const WindowPlan& plan, const std::vector<Interval>& range);

}  // namespace crible::network::rules
