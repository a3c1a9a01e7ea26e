#include <algorithm>

#include "engine/detector/bindings.hpp"

namespace crible::detector {

const void* Binding::transforms_of(const Run& run) const noexcept {
  switch (run.arithmetic) {
    case Arithmetic::narrow:
      return narrow_.data() + run.transform;
    case Arithmetic::wide:
      return wide_.data() + run.transform;
    case Arithmetic::lanes:
      return lanes_.data() + run.transform;
  }
  return nullptr;
}

void Binding::use_lanes(Run& run, std::size_t target_bytes) {
  Run fast = run;
  std::vector<Transform<std::int64_t>> transforms;
  for (std::uint32_t i = 0; i < (run.uniform ? 1 : run.count); ++i) {
    if (run.arithmetic == Arithmetic::narrow) {
      const Transform<std::int32_t>& t = narrow_[run.transform + i];
      transforms.push_back({t.offset, t.low, t.high, t.right, t.left});
    } else {
      transforms.push_back(wide_[run.transform + i]);
    }
    if (!fits_lanes(range_of(run.type), transforms.back())) return;
  }
  fast.uniform = std::ranges::all_of(transforms, [&](const auto& t) { return t == transforms.front(); });
  if (fast.uniform) transforms.resize(1);
  fast.arithmetic = Arithmetic::lanes;
  fast.kernel = lanes_kernel(fast, target_bytes);
  if (fast.kernel == nullptr) return;
  fast.transform = static_cast<std::uint32_t>(lanes_.size());
  const std::vector<Lanes> lanes = make_lanes(run.count, transforms);
  lanes_.insert(lanes_.end(), lanes.begin(), lanes.end());
  run = fast;
}

void Binding::fill(const InputPlan& input, const Event& event, std::size_t object,
                   std::byte* target) const noexcept {
  for (std::uint32_t n = input.first_run; n < input.end_run; ++n) {
    const Run& run = runs_[n];
    Rows source;
    switch (run.from) {
      case From::payload:
        source.first = event.payload(run.index) + run.offset_bytes;
        break;
      case From::objects:
        source.objects = event.objects(run.index);
        break;
      case From::current:
        source.first = event.object(run.index, object) + run.offset_bytes;
        break;
      case From::constants:
        source.first = reinterpret_cast<const std::byte*>(constants_.data()) + run.offset_bytes;
        break;
    }
    run.kernel(run, transforms_of(run), source, target + run.place_bytes);
  }
}

void Binding::gather(const Event& event, std::size_t object,
                     std::span<std::byte* const> rows) const noexcept {
  for (std::size_t i = 0; i < inputs_.size(); ++i) fill(inputs_[i], event, object, rows[i]);
}

}  // namespace crible::detector
