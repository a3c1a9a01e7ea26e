#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/network/build.hpp"

namespace crible::quantize {

/// Integers of a node that stand for reals: real = clamp(scale * q, low, high). `scale` has one entry, one
/// for each step of `axis`, or one for each element.
struct Quantity {
  network::NodeId node = -1;
  std::vector<double> scale{1.0};
  int axis = 0;
  double low = -std::numeric_limits<double>::infinity();  // a clip that has not been applied yet
  double high = std::numeric_limits<double>::infinity();

  bool is_uniform() const { return scale.size() == 1; }
  bool has_clip() const;
};

/// Weights as integers: real = value * 2^-fraction of its row.
struct FixedRows {
  std::vector<std::int64_t> values;
  std::vector<int> fraction;
};

/// Rounds weights [rows][...] to `bits` bits, symmetric around zero, with the power-of-two step of least
/// squared error: one for each row, or one for all. A step is not so fine that the row's bias, in units of
/// step * input_scale, would outgrow 30 bits.
FixedRows fix_weights(const std::vector<double>& weights, const std::vector<double>& bias, double input_scale,
                      int bits, bool per_channel);

/// The type of `width` bits whose fraction says `scale` where that is a power of two, else has fraction 0.
network::Type type_of(bool is_signed, int width, double scale);

/// round(value / step), half up.
std::int64_t to_step(double value, double step);

/// The integers of `quantity`, without its clip, in steps of `scale`, saturated to the type. Ratios that are
/// no power of two become a multiplier of 24 bits and a shift.
network::NodeId requantize(network::Builder& builder, const std::string& name, const Quantity& quantity,
                           network::Type type, double scale);

/// One scale for all elements: the finest of them, where 32 bits hold that.
Quantity uniform(network::Builder& builder, const std::string& name, const Quantity& quantity);

}  // namespace crible::quantize
