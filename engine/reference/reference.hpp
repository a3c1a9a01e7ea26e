#pragma once

#include <cstdint>
#include <vector>

#include "engine/network/network.hpp"

namespace crible::reference {

using Tensor = std::vector<std::int64_t>;  // C order

/// Evaluates one event by plain int64 loops. `inputs` in the order of inputs_of(network), each of the
/// input's element count and inside its type. Returns the outputs in the order of outputs_of(network).
/// Shares no code with anything that generates code: it is the definition that all others are held to.
std::vector<Tensor> evaluate(const network::Network& network, const std::vector<Tensor>& inputs);

/// The tensors of all nodes, for bisecting a difference: result[node].
std::vector<Tensor> evaluate_all(const network::Network& network, const std::vector<Tensor>& inputs);

}  // namespace crible::reference
