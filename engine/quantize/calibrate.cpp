#include "engine/quantize/calibrate.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"

namespace crible::quantize {

namespace {

using network::Type;

// Beyond these no trigger quantity lies; shifts between them stay within what a requantize takes.
constexpr int most_fraction = 30;
constexpr int least_fraction = -30;

bool holds(Type type, double value) {
  const double q = std::floor(std::ldexp(value, type.fraction) + 0.5);
  return q >= static_cast<double>(network::lowest(type)) && q <= static_cast<double>(network::highest(type));
}

}  // namespace

int fitting_fraction(double low, double high, int bits, bool is_signed) {
  for (int fraction = most_fraction; fraction > least_fraction; --fraction) {
    const Type type{is_signed, bits, fraction};
    if (holds(type, low) && holds(type, high)) return fraction;
  }
  return least_fraction;
}

std::vector<std::span<const double>> Rows::event(std::size_t index) const {
  std::vector<std::span<const double>> spans;
  for (const std::vector<double>& values : inputs) {
    const std::size_t elements = values.size() / events;
    spans.emplace_back(values.data() + index * elements, elements);
  }
  return spans;
}

void Distribution::widen(const std::vector<double>& values) {
  for (const double value : values) {
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
}

void Distribution::count(const std::vector<double>& values) {
  if (counts_.empty()) counts_.assign(bins, 0);
  const double per_bin = (high_ - low_) / static_cast<double>(bins);
  for (const double value : values) {
    const double bin = per_bin > 0 ? (value - low_) / per_bin : 0;
    ++counts_[std::min(static_cast<std::size_t>(bin), bins - 1)];
  }
}

double Distribution::centre(std::size_t bin) const {
  return low_ + (high_ - low_) * (static_cast<double>(bin) + 0.5) / static_cast<double>(bins);
}

double Distribution::squared_error(Type type) const {
  const double step = std::ldexp(1.0, -type.fraction);
  const double lowest = static_cast<double>(network::lowest(type)) * step;
  const double highest = static_cast<double>(network::highest(type)) * step;
  double sum = 0;
  for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
    if (counts_[bin] == 0) continue;
    const double outside = centre(bin) - std::clamp(centre(bin), lowest, highest);
    sum += static_cast<double>(counts_[bin]) * (outside * outside + step * step / 12);
  }
  return sum;
}

Type Distribution::type(int bits, const RangeRule& rule) const {
  Type type{low_ < 0, bits, 0};
  double low = low_;
  double high = high_;
  if (rule.kind == RangeRule::Kind::percentile && !counts_.empty()) {
    std::size_t all = 0;
    for (const std::size_t n : counts_) all += n;
    const double cut = static_cast<double>(all) * (1 - rule.percentile / 100);
    const auto inner = [&](bool from_above) {
      double passed = 0;
      std::size_t bin = 0;
      while (bin + 1 < bins &&
             passed + static_cast<double>(counts_[from_above ? bins - 1 - bin : bin]) <= cut)
        passed += static_cast<double>(counts_[from_above ? bins - 1 - bin++ : bin++]);
      return centre(from_above ? bins - 1 - bin : bin);
    };
    high = std::max(0.0, inner(true));
    low = std::min(0.0, low_ < 0 ? inner(false) : 0.0);
  }
  // A tensor that is always zero has no scale of its own.
  type.fraction = low == 0 && high == 0 ? bits - 1 : fitting_fraction(low, high, bits, type.is_signed);
  if (rule.kind != RangeRule::Kind::least_error || (low == 0 && high == 0)) return type;
  constexpr int finer_steps = 3;
  Type best = type;
  for (int i = 1; i <= finer_steps && type.fraction + i <= most_fraction; ++i) {
    const Type finer{type.is_signed, bits, type.fraction + i};
    if (squared_error(finer) < squared_error(best)) best = finer;
  }
  return best;
}

Calibration::Calibration(const Program& program, const Rows& rows,
                         const std::function<void(std::size_t)>& progress) {
  for (const Step& step : program.steps) distributions_.emplace_back(slots_of(step));
  Evaluator evaluator(program);
  for (const bool counting : {false, true}) {
    for (std::size_t event = 0; event < rows.events; ++event) {
      evaluator.run(rows.event(event));
      for (std::size_t id = 0; id < distributions_.size(); ++id) {
        for (std::size_t slot = 0; slot < distributions_[id].size(); ++slot) {
          const std::vector<double>& values = evaluator.slot(static_cast<StepId>(id), slot);
          if (counting) {
            distributions_[id][slot].count(values);
            continue;
          }
          if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }))
            throw Error(program.source + ": node '" + program.steps[id].name +
                        "' gives an infinity or NaN for event " + std::to_string(event) +
                        " of the calibration; check the model and the event");
          distributions_[id][slot].widen(values);
        }
      }
      if (progress) progress((counting ? rows.events : 0) + event + 1);
    }
  }
}

}  // namespace crible::quantize
