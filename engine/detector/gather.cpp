#include <algorithm>
#include <cstring>

#include "engine/detector/bindings.hpp"

namespace crible::detector {

template <class Element, class Arithmetic, class Target>
void Binding::copy(const Run& run, const void* transforms, const std::byte* source,
                   std::byte* target) noexcept {
  const auto* transform = static_cast<const Transform<Arithmetic>*>(transforms);
  const auto one = [source, target](const Transform<Arithmetic>& t, std::size_t i) {
    Element element;
    std::memcpy(&element, source + i * sizeof element, sizeof element);
    const Arithmetic moved = ((static_cast<Arithmetic>(element) - t.offset) >> t.right) << t.left;
    const auto value = static_cast<Target>(std::clamp(moved, t.low, t.high));
    std::memcpy(target + i * sizeof value, &value, sizeof value);
  };
  if (run.uniform) {
    const Transform<Arithmetic> t = *transform;
    for (std::size_t i = 0; i < run.count; ++i) one(t, i);
  } else {
    for (std::size_t i = 0; i < run.count; ++i) one(transform[i], i);
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

void Binding::gather(const Event& event, std::size_t object,
                     std::span<std::byte* const> rows) const noexcept {
  for (const Run& run : runs_) {
    const void* transforms = transforms_of(run);
    std::byte* target = rows[run.input] + run.place_bytes;
    switch (run.from) {
      case From::payload: {
        const std::byte* source = event.payload(run.index) + run.offset_bytes;
        for (std::uint32_t r = 0; r < run.repeat; ++r) {
          run.kernel(run, transforms, source, target);
          source += run.step_bytes;
          target += run.place_step_bytes;
        }
        break;
      }
      case From::objects:
        for (std::uint32_t r = 0; r < run.repeat; ++r, target += run.place_step_bytes) {
          run.kernel(run, transforms, event.object(run.index, r) + run.offset_bytes, target);
        }
        break;
      case From::current:
        run.kernel(run, transforms, event.object(run.index, object) + run.offset_bytes, target);
        break;
      case From::constants:
        const auto* values = reinterpret_cast<const std::byte*>(constants_.data());
        run.kernel(run, transforms, values + run.offset_bytes, target);
        break;
    }
  }
}

}  // namespace crible::detector
