#pragma once

#include <vector>

#include "engine/network/network.hpp"

namespace crible::conformance {

/// Small networks that together hold every operation in its varieties; each is named for what it shows.
std::vector<network::Network> operation_samples();

/// Networks as triggers use them: a layered perceptron, a convolutional one, trees, a recurrent one.
network::Network sample_mlp();
network::Network sample_cnn();
network::Network sample_trees();
network::Network sample_recurrent();

}  // namespace crible::conformance
