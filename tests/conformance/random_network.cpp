#include "tests/conformance/random_network.hpp"

#include <random>

#include "tests/conformance/random_generator.hpp"

namespace crible::conformance {

Choices Choices::seeded(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<std::uint32_t> list(count);
  for (std::uint32_t& value : list) value = random();
  return Choices(std::move(list));
}

network::Network random_network(Choices choices, const RandomNetworkOptions& options) {
  return Generator(choices, options, 0).run();
}

}  // namespace crible::conformance
