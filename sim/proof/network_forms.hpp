#pragma once

#include "engine/network/network.hpp"
#include "sim/proof/forms.hpp"

namespace crible::sim::proof {

/// What each element of each node is, as a form; -1 where the operation could not be treated.
struct NetworkForms {
  std::vector<std::vector<FormId>> elements;  // [node][element]
  std::vector<std::string> reasons;           // [node]: empty, or why it could not be treated
};

/// Elaborates a verified network from SEMANTICS.md, independent of the reference and of the generator. Input
/// elements become variables over their type.
NetworkForms elaborate(const network::Network& network, Forms& forms);

}  // namespace crible::sim::proof
