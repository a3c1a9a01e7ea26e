#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/pipeline/sample.hpp"
#include "engine/pipeline/trigger.hpp"

namespace crible::bench {

/// Decides `events` events of the sample (in cycles, under fresh numbers) as a shard does, and records all of
/// them whatever the decision. `compression` is a zstd level, 0 for none.
void make_recording(const std::filesystem::path& file, const pipeline::Trigger& trigger,
                    const pipeline::Sample& sample, std::uint64_t events, int compression);

}  // namespace crible::bench
