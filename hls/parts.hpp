#pragma once

#include <set>
#include <string>
#include <vector>

#include "hls/firmware.hpp"

/// Networks cut into parts, and modules put together from those of the parts.
namespace crible::hls {

/// Copies nodes of a network into a part of it, renumbering what they read. A name that the part has already
/// gets a number.
class PartCopy {
 public:
  PartCopy(const network::Network& from, const std::string& name)
      : from_(from), numbers_(from.nodes.size(), -1) {
    part_.name = name;
  }

  bool has(network::NodeId id) const { return numbers_[static_cast<std::size_t>(id)] >= 0; }

  void add(network::NodeId id);

  /// A node in place of `id`; what it reads is numbered as in the part.
  void put(network::NodeId id, network::Node node);

  void add_output(network::NodeId of, const std::string& name);

  network::Network finish();

 private:
  void append(network::Node node);

  const network::Network& from_;
  network::Network part_;
  std::set<std::string> names_;
  std::vector<network::NodeId> numbers_;
};

/// Whether all that comes after `id` depends on what was before through `id` alone.
bool everything_passes(const network::Network& network, network::NodeId id);

/// Bits that count the steps 0 to steps - 1.
int count_bits_of(int steps);

/// "bus[high:low]", as a bus of so many bits allows it to be written.
std::string part_of(const std::string& bus, int bus_bits, int high, int low);

/// Elements [first, first + to.elements.size()) of a port as another port packs them: each extended by its
/// sign.
std::string repacked(const std::string& bus, const DataPort& from, std::size_t first, const DataPort& to);

/// Comment and ports of a module that is put together; `what` says of what.
std::string module_header(const Firmware& firmware, const std::string& what);

/// Takes over the modules, sizes and dumps (under the part's name) of a part.
void take_part(Firmware& whole, const Firmware& part);

}  // namespace crible::hls
