#pragma once

#include <string>

#include "tests/conformance/executors.hpp"

namespace crible::conformance {

/// Compares one executor with the expected outputs. Empty when all agree; otherwise what differs first, with
/// the place where the network was saved ("... saved as FILE").
std::string compare(const Executor& executor, const network::Network& network, const Events& events,
                    const Events& wanted, std::size_t max_batch);

/// The same for all executors, or for those that are quick or slow to prepare; the events are
/// make_events(network, count, seed).
enum class Which { all, quick, slow };
std::string compare_all(const network::Network& network, std::size_t count, std::uint32_t seed,
                        Which which = Which::all);

}  // namespace crible::conformance
