#pragma once

#include <vector>

#include "engine/detector/description.hpp"
#include "engine/menu/menu.hpp"
#include "engine/menu/outputs.hpp"
#include "engine/network/network.hpp"

/// A menu's conditions as an integer network, so that whatever runs networks (firmware above all) can decide.
/// Prescales, random chains, streams and faults stay with the menu.
namespace crible::menu {

/// Bit c of the output "decisions" (u1.0 [chains]) is bit c of Decision::before; 0 for a random chain.
///
/// Inputs, as far as a condition reads them: scalars under their names ("met", one element), fields of
/// collections ("jets.pt", one element for each object up to the capacity, "jets.count" how many of them are
/// there; those behind do not count), and the outputs of networks ("anomaly/NODE"; "tag_0/NODE",
/// "tag_1/NODE",
/// ... for a network that runs once for each object). `networks` are those of `outputs`, in order. Throws
/// Error naming the chain for what no network can hold: quantities and outputs of more than 32 bits.
network::Network conditions_network(const Menu& menu, const detector::Description& description,
                                    const OutputLayout& outputs,
                                    const std::vector<network::Network>& networks);

/// The same joined to the networks that it reads, a network that runs for objects once for each place of its
/// collection: the only output is "decisions". Inputs of networks are called "anomaly/INPUT".
network::Network decision_network(const Menu& menu, const detector::Description& description,
                                  const OutputLayout& outputs, const std::vector<network::Network>& networks);

}  // namespace crible::menu
