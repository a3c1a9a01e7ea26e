#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/detector/bindings.hpp"
#include "engine/network/network.hpp"

namespace crible::menu {

/// One integer of a network's outputs, as conditions name it: "anomaly.score".
struct OutputElement {
  std::string name;
  network::Type type;
  network::Interval range;  // proven
  network::Encoding encoding;
  std::size_t output = 0;         // of the network
  std::size_t offset_bytes = 0;   // in a row of that output
  std::size_t row_bytes = 0;      // of that output
  std::size_t element_bytes = 0;  // in a batch
};

/// The outputs of one network.
struct NetworkOutputs {
  std::string name;
  std::string hash;                       // content hash of the network
  std::string binding;                    // Binding::text
  std::optional<std::size_t> collection;  // runs once for each of its objects
  std::size_t max_objects = 1;
  std::vector<OutputElement> elements;  // those that the configuration names, in its order
  std::size_t first = 0;                // of object 0, element 0 in the event's flat array
};

/// Where the answers of all networks to one event lie in a flat array of 64-bit integers:
/// [network][object][element]. The caller owns the array, one for each open event.
class OutputLayout {
 public:
  OutputLayout() = default;

  /// Takes networks in the order of `configs`. Throws Error when names and elements do not fit.
  OutputLayout(const std::vector<detector::NetworkConfig>& configs,
               const std::vector<detector::Binding>& bindings, const std::vector<network::Network>& networks);

  std::size_t network_count() const { return networks_.size(); }
  const NetworkOutputs& network(std::size_t index) const { return networks_[index]; }

  /// Integers for one event.
  std::size_t size() const { return size_; }

  /// Copies one row of a batch to its place. `outputs` as in backends::Slot::outputs.
  void store(std::size_t network, std::size_t object, std::span<const std::span<std::byte>> outputs,
             std::size_t row, std::int64_t* event_outputs) const noexcept;

 private:
  std::vector<NetworkOutputs> networks_;
  std::size_t size_ = 0;
};

}  // namespace crible::menu
