#pragma once

#include <cstdint>
#include <string>

#include "engine/codegen/render.hpp"

/// The kernel that never ends: one group of work-items for each slot waits at a mailbox in the host's memory,
/// reads the events from there and writes the answers back, without a launch or a copy in between.
namespace crible::backends::cuda {

inline constexpr const char* persistent_name = "network_persistent";

/// A slot's mailbox in mapped host memory. Host and device write different words.
struct alignas(64) Mail {
  volatile std::int32_t request = 0;  // host: counts up for each batch
  volatile std::int32_t events = 0;   // host: of the batch
  volatile std::int32_t stop = 0;     // host: the kernel is to end
  std::int32_t unused[13] = {};
  volatile std::int32_t answer = 0;  // device: the last request that is done
  volatile std::int32_t ended = 0;   // device: the kernel has ended, asked or because nothing came
  std::int32_t unused_too[14] = {};
};
static_assert(sizeof(Mail) == 128);

/// Appended to a text of the group form with one event for each group: the kernel persistent_name. Its
/// parameters are those of the batch kernel without the number of events, then the mailbox, the last request
/// that was answered before, and the clock ticks without a request after which it ends (the watchdog: a host
/// that has died leaves no kernel behind).
std::string persistent_kernel(const codegen::Source& source);

}  // namespace crible::backends::cuda
