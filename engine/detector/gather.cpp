#include <cstring>
#include <limits>
#include <utility>

#include "engine/detector/bindings.hpp"

namespace crible::detector {

template <class Element, class Arithmetic, class Target>
void Binding::copy(const Run& run, const void* transforms, Rows rows, std::byte* target) noexcept {
  const auto* const transform = static_cast<const Transform<Arithmetic>*>(transforms);
  const std::uint32_t count = run.count;
  const auto one = [](const Transform<Arithmetic>& t, const std::byte* from, std::byte* to) {
    Element element;
    std::memcpy(&element, from, sizeof element);
    Arithmetic moved = (static_cast<Arithmetic>(element) - t.offset) >> t.right;
    if constexpr (sizeof(Arithmetic) == 8) moved <<= t.left;
    moved = moved < t.low ? t.low : moved;  // std::clamp takes addresses, which costs a third more here
    moved = moved > t.high ? t.high : moved;
    const auto value = static_cast<Target>(moved);
    std::memcpy(to, &value, sizeof value);
  };
  for (std::uint32_t r = 0; r < run.repeat; ++r) {
    const std::byte* source = rows.objects != nullptr ? rows.objects[r] + run.offset_bytes : rows.first;
    if (run.uniform) {
      const Transform<Arithmetic> t = *transform;
      for (std::uint32_t i = 0; i < count; ++i)
        one(t, source + i * sizeof(Element), target + i * sizeof(Target));
    } else {
      for (std::uint32_t i = 0; i < count; ++i) {
        one(transform[i], source + i * sizeof(Element), target + i * sizeof(Target));
      }
    }
    rows.first += run.step_bytes;
    target += run.place_step_bytes;
  }
}

template <class Element>
Binding::Kernel Binding::kernel_of(bool narrow, std::size_t target_bytes) {
  switch (target_bytes) {
    case 1:
      return narrow ? &copy<Element, std::int32_t, std::uint8_t> : &copy<Element, std::int64_t, std::uint8_t>;
    case 2:
      return narrow ? &copy<Element, std::int32_t, std::uint16_t>
                    : &copy<Element, std::int64_t, std::uint16_t>;
    case 4:
      return narrow ? &copy<Element, std::int32_t, std::uint32_t>
                    : &copy<Element, std::int64_t, std::uint32_t>;
    default:
      return &copy<Element, std::int64_t, std::uint64_t>;
  }
}

Binding::Kernel Binding::kernel_of(FieldType type, bool narrow, std::size_t target_bytes) {
  switch (type) {
    case FieldType::u8:
      return kernel_of<std::uint8_t>(narrow, target_bytes);
    case FieldType::i8:
      return kernel_of<std::int8_t>(narrow, target_bytes);
    case FieldType::u16:
      return kernel_of<std::uint16_t>(narrow, target_bytes);
    case FieldType::i16:
      return kernel_of<std::int16_t>(narrow, target_bytes);
    case FieldType::u32:
      return kernel_of<std::uint32_t>(narrow, target_bytes);
    case FieldType::i32:
      return kernel_of<std::int32_t>(narrow, target_bytes);
    case FieldType::i64:
      return kernel_of<std::int64_t>(narrow, target_bytes);
  }
  return nullptr;
}

template <class Element>
void Binding::collect(const Run& run, const void*, Rows rows, std::byte* target) noexcept {
  constexpr auto lowest = std::numeric_limits<std::int16_t>::min();
  constexpr auto highest = std::numeric_limits<std::int16_t>::max();
  auto* lanes = reinterpret_cast<std::int16_t*>(target);
  for (std::uint32_t r = 0; r < run.repeat; ++r) {
    const std::byte* source = rows.objects != nullptr ? rows.objects[r] + run.offset_bytes : rows.first;
    for (std::uint32_t i = 0; i < run.count; ++i) {
      Element element;
      std::memcpy(&element, source + i * sizeof element, sizeof element);
      if (std::cmp_greater(element, highest)) element = static_cast<Element>(highest);
      if (std::cmp_less(element, lowest)) element = static_cast<Element>(lowest);
      lanes[i] = static_cast<std::int16_t>(element);
    }
    rows.first += run.step_bytes;
    lanes += run.place_step_bytes / sizeof *lanes;
  }
}

Binding::Kernel Binding::collector_of(FieldType type) {
  switch (type) {
    case FieldType::u8:
      return &collect<std::uint8_t>;
    case FieldType::i8:
      return &collect<std::int8_t>;
    case FieldType::u16:
      return &collect<std::uint16_t>;
    case FieldType::i16:
      return &collect<std::int16_t>;
    case FieldType::u32:
      return &collect<std::uint32_t>;
    case FieldType::i32:
      return &collect<std::int32_t>;
    case FieldType::i64:
      return &collect<std::int64_t>;
  }
  return nullptr;
}

std::optional<Lanes> Binding::lanes_of(const InputPlan& input, network::Type type,
                                       std::size_t elements) const {
  if (network::storage_bytes(type) != 1 || elements > Lanes::most_lanes) return std::nullopt;
  Lanes lanes(elements, type.is_signed);
  for (std::uint32_t n = input.first_run; n < input.end_run; ++n) {
    const Run& run = runs_[n];
    for (std::uint32_t i = 0; i < run.count; ++i) {
      const std::size_t index = run.transform + (run.uniform ? 0 : i);
      const Transform<std::int64_t> t =
          run.narrow ? Transform<std::int64_t>{narrow_[index].offset, narrow_[index].low, narrow_[index].high,
                                               narrow_[index].right, 0}
                     : wide_[index];
      if (t.left != 0 || !Lanes::exact(range_of(run.type), t.offset, t.right, t.low, t.high))
        return std::nullopt;
      for (std::uint32_t r = 0; r < run.repeat; ++r) {
        lanes.set(run.place_bytes + r * run.place_step_bytes + i, t.offset, t.right, t.low, t.high);
      }
    }
  }
  return lanes;
}

void Binding::use_lanes(InputPlan& input, network::Type type, std::size_t elements) {
  input.lanes = lanes_of(input, type, elements);
  if (!input.lanes) return;
  for (std::uint32_t n = input.first_run; n < input.end_run; ++n) {
    Run& run = runs_[n];
    run.kernel = collector_of(run.type);
    run.place_bytes *= sizeof(std::int16_t);
    run.place_step_bytes *= sizeof(std::int16_t);
  }
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
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].lanes) {
      fill(inputs_[i], event, object, rows[i]);
      continue;
    }
    alignas(16) std::int16_t raw[Lanes::most_lanes];
    fill(inputs_[i], event, object, reinterpret_cast<std::byte*>(raw));
    inputs_[i].lanes->apply(raw, rows[i]);
  }
}

}  // namespace crible::detector
