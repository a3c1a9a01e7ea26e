#pragma once

#include <cstdint>
#include <vector>

#include "sim/binding.hpp"
#include "sim/stimulus.hpp"

namespace crible::sim {

/// 32-bit words of a packed port, least significant first.
using Words = std::vector<std::uint32_t>;

std::size_t words_of_bits(int bits);

/// All input ports' words of an event, one port after the other.
Words pack_inputs(const network::Network& network, const Binding& binding, const Event& event);

/// All output ports' words; `values` holds the tensor of every node. Throws Error when a value does not fit
/// its place, which means that the binding is wrong.
Words pack_outputs(const network::Network& network, const Binding& binding,
                   const std::vector<std::vector<std::int64_t>>& values);

/// Bits of the output ports that carry elements.
Words output_mask(const Binding& binding);

/// The outputs of the network that the words of the output ports hold, in network order.
Event unpack_outputs(const network::Network& network, const Binding& binding, const Words& words);

/// Where two outputs differ first.
struct OutputDifference {
  const BoundPort* port = nullptr;
  int element = 0;
  int bit = 0;  // of the element in the port
  std::int64_t expected = 0;
  std::int64_t got = 0;
};
OutputDifference first_difference(const Binding& binding, const Words& expected, const Words& got);

}  // namespace crible::sim
