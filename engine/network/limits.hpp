#pragma once

#include <cstddef>
#include <cstdint>

/// What a network may not exceed: far above any trigger network, low enough that no file can exhaust the
/// machine that reads it. SEMANTICS.md lists them.
namespace crible::network {

inline constexpr int max_rank = 8;
inline constexpr int max_fraction = 4096;                    // either sign
inline constexpr std::size_t max_nodes = 65536;              // a body counts by itself
inline constexpr std::size_t max_elements = 1u << 22;        // of one tensor
inline constexpr std::size_t max_total_elements = 1u << 24;  // of all tensors; a body counts by itself
inline constexpr std::uint64_t max_operations = 1ull << 33;  // per event, see cost.hpp
inline constexpr int max_body_depth = 8;                     // bodies within bodies
inline constexpr int max_window = 1 << 20;                   // any number of a Window
inline constexpr std::uint64_t max_taps = 1u << 24;          // kernel x outputs along one axis of a Window
inline constexpr std::size_t max_name_bytes = 1024;
inline constexpr int max_shift = 62;                                // of requantize
inline constexpr std::int64_t max_product = std::int64_t{1} << 62;  // |x * multiplier + offset|

}  // namespace crible::network
