#pragma once

#include <cstddef>
#include <string>

namespace crible {

/// A tcp address of this machine; nobody listens at it and at the `count` - 1 ports above it now. For a demo
/// or a benchmark, which can live with somebody else being quicker. Throws Error when there is none.
std::string free_addresses(std::size_t count);

}  // namespace crible
