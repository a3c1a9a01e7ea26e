#include <cstring>

#include "engine/detector/runs.hpp"

namespace crible::detector {

namespace {

template <class Element, class Integer, class Target>
void copy(const Run& run, const void* transforms, Rows rows, std::byte* target) noexcept {
  const auto* const transform = static_cast<const Transform<Integer>*>(transforms);
  const std::uint32_t count = run.count;
  const auto one = [](const Transform<Integer>& t, const std::byte* from, std::byte* to) {
    Element element;
    std::memcpy(&element, from, sizeof element);
    Integer moved = (static_cast<Integer>(element) - t.offset) >> t.right;
    if constexpr (sizeof(Integer) == 8) moved <<= t.left;
    moved = moved < t.low ? t.low : moved;  // std::clamp takes addresses, which costs a third more here
    moved = moved > t.high ? t.high : moved;
    const auto value = static_cast<Target>(moved);
    std::memcpy(to, &value, sizeof value);
  };
  for (std::uint32_t r = 0; r < run.repeat; ++r, target += run.place_step_bytes) {
    const std::byte* const source = run.row(rows, r);
    if (run.uniform) {
      const Transform<Integer> t = *transform;
      for (std::uint32_t i = 0; i < count; ++i)
        one(t, source + i * sizeof(Element), target + i * sizeof(Target));
    } else {
      for (std::uint32_t i = 0; i < count; ++i)
        one(transform[i], source + i * sizeof(Element), target + i * sizeof(Target));
    }
  }
}

template <class Element, class Integer>
RunKernel kernel_of(std::size_t target_bytes) {
  switch (target_bytes) {
    case 1:
      return &copy<Element, Integer, std::uint8_t>;
    case 2:
      return &copy<Element, Integer, std::uint16_t>;
    case 4:
      return &copy<Element, Integer, std::uint32_t>;
    default:
      return &copy<Element, std::int64_t, std::uint64_t>;
  }
}

template <class Element>
RunKernel kernel_of(Arithmetic arithmetic, std::size_t target_bytes) {
  if (arithmetic == Arithmetic::narrow) return kernel_of<Element, std::int32_t>(target_bytes);
  return kernel_of<Element, std::int64_t>(target_bytes);
}

}  // namespace

RunKernel copy_kernel(FieldType type, Arithmetic arithmetic, std::size_t target_bytes) {
  switch (type) {
    case FieldType::u8:
      return kernel_of<std::uint8_t>(arithmetic, target_bytes);
    case FieldType::i8:
      return kernel_of<std::int8_t>(arithmetic, target_bytes);
    case FieldType::u16:
      return kernel_of<std::uint16_t>(arithmetic, target_bytes);
    case FieldType::i16:
      return kernel_of<std::int16_t>(arithmetic, target_bytes);
    case FieldType::u32:
      return kernel_of<std::uint32_t>(arithmetic, target_bytes);
    case FieldType::i32:
      return kernel_of<std::int32_t>(arithmetic, target_bytes);
    case FieldType::i64:
      return kernel_of<std::int64_t>(arithmetic, target_bytes);
  }
  return nullptr;
}

}  // namespace crible::detector
