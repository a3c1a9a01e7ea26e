#pragma once

#include <string>
#include <vector>

#include "engine/network/network.hpp"

namespace crible::network {

/// What takes the place of one input of a part: another value of the joint network, or a constant.
struct Feed {
  std::string input;  // name in the part
  /// An output of an earlier part, or an input that already exists: its name in the joint network. Empty:
  /// constant.
  std::string from;
  std::vector<std::int64_t> constant;
};

/// One whole network to be joined.
struct Part {
  std::string prefix;  // its nodes become "prefix/name"; empty: they keep their names
  Network network;
  std::vector<Feed> feeds;                  // all other inputs become inputs of the joint network
  std::vector<std::string> hidden_outputs;  // names in the part; they only feed later parts
};

/// Joins whole networks into one: several on the same inputs, one after another, one several times with
/// different constants. Types and shapes must be equal where one feeds another. Throws Error naming part and
/// node.
Network join(const std::string& name, const std::vector<Part>& parts);

}  // namespace crible::network
