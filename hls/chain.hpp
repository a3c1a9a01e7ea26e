#pragma once

#include "engine/network/verify.hpp"
#include "hls/firmware.hpp"

namespace crible::hls {

/// The network as a chain of modules: sections that take several cycles for an event (streamed convolutions,
/// nodes whose arithmetic is shared) between pipelines of the usual kind. The initiation interval is the
/// slowest section's. Throws Error when the options ask for sections and there is none.
Firmware generate_chain(const network::Network& network, const network::Ranges& ranges,
                        const Options& options);

}  // namespace crible::hls
