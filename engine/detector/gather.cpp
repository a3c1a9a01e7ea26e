#include <algorithm>
#include <cstring>

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
    const auto value = static_cast<Target>(std::clamp(moved, t.low, t.high));
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

void Binding::gather(const Event& event, std::size_t object,
                     std::span<std::byte* const> rows) const noexcept {
  for (const Run& run : runs_) {
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
    run.kernel(run, transforms_of(run), source, rows[run.input] + run.place_bytes);
  }
}

}  // namespace crible::detector
