#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/detector/description.hpp"

/// The steps of a gather plan. Internal to the folder: bindings compile to runs, and kernels carry them out.
namespace crible::detector {

/// q = clamp((x - offset) >> right << left, low, high) of one element.
template <class Arithmetic>
struct Transform {
  Arithmetic offset = 0;
  Arithmetic low = 0;
  Arithmetic high = 0;
  std::uint8_t right = 0;
  std::uint8_t left = 0;

  bool operator==(const Transform&) const = default;
};

/// Where a run of elements comes from.
enum class From : std::uint8_t { payload, objects, current, constants };

/// Which list a run's transforms are in.
enum class Arithmetic : std::uint8_t {
  narrow,  // Transform<int32>, and nothing is shifted left
  wide,    // Transform<int64>
  lanes,   // Lanes
};

/// Where the rows of a run begin: one behind the other in a payload, or anywhere.
struct Rows {
  const std::byte* first = nullptr;
  const std::byte* const* objects = nullptr;  // null: rows are step_bytes apart
};

struct Run;

/// Carries out one run. `transforms` are the run's first one and those behind it, as its arithmetic says.
/// Reads nothing but the run's elements, and writes nothing else.
using RunKernel = void (*)(const Run& run, const void* transforms, Rows rows, std::byte* target) noexcept;

/// `repeat` rows of `count` neighbouring elements of one type, to neighbouring elements of one input.
struct Run {
  RunKernel kernel = nullptr;
  From from = From::payload;
  Arithmetic arithmetic = Arithmetic::narrow;
  bool uniform = true;  // one transform for all elements of a row, else one for each
  FieldType type = FieldType::i16;
  std::uint32_t place_bytes = 0;       // in the input's row
  std::uint32_t place_step_bytes = 0;  // from one repetition to the next
  std::uint32_t index = 0;             // source or collection
  std::uint32_t offset_bytes = 0;      // in the payload, the record or the constants
  std::uint32_t step_bytes = 0;        // from one repetition to the next, in a payload
  std::uint32_t repeat = 1;            // for From::objects, objects 0 to repeat - 1
  std::uint32_t count = 0;
  std::uint32_t transform = 0;  // first one

  /// Where row `r` begins.
  const std::byte* row(const Rows& rows, std::uint32_t r) const noexcept {
    if (rows.objects != nullptr) return rows.objects[r] + offset_bytes;
    return rows.first + std::size_t{r} * step_bytes;
  }
};

/// The kernel for any element type, transforms of that arithmetic (not lanes) and the input's element size.
RunKernel copy_kernel(FieldType type, Arithmetic arithmetic, std::size_t target_bytes);

}  // namespace crible::detector
