#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/network/verify.hpp"
#include "hls/firmware.hpp"
#include "hls/stream_lines.hpp"

/// Convolutions in their streaming form: an image comes pixel after pixel, and a window looks at the last
/// lines.
namespace crible::hls {

/// A window over the image, and what is done with each element of its result. `step` makes the pixels of one
/// window position: slab [channels, kernel rows, columns] to [channels, 1, pixels], without the axis of rows
/// where the image has none.
struct StreamStage {
  std::string nodes;  // their names, for people
  Lines lines;
  network::Network step;
};

/// Nodes one after the other through which everything passes, the first reading an image and each one an
/// image of the one before.
struct StreamSection {
  network::NodeId first = 0;
  network::NodeId last = 0;
  std::vector<StreamStage> stages;
};

/// Sections with at least one convolution or pooling, for at most `pixels` pixels of a row in each cycle.
std::vector<StreamSection> plan_stream(const network::Network& network, const network::Ranges& ranges,
                                       int pixels);

/// The modules of a stage: the lines, and a step of the usual kind. Pixels of a cycle come and go one after
/// the other, all channels of each. latency_cycles is the step's.
Firmware stage_module(const StreamStage& stage, const Options& options);

/// The modules of a section: its stages, and one that hands an event's pixels to the first and collects those
/// of the last.
Firmware stream_module(const network::Network& network, const StreamSection& section, const Options& options);

}  // namespace crible::hls
