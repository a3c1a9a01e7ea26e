#include "engine/network/join.hpp"

#include <algorithm>
#include <unordered_map>

#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"

namespace crible::network {

namespace {

class Joiner {
 public:
  explicit Joiner(const std::string& name) { joint_.name = name; }

  void add(const Part& part) {
    part_ = &part;
    check_names();
    std::vector<NodeId> moved;  // old id -> new id
    for (const Node& node : part.network.nodes) moved.push_back(place(node, moved));
  }

  Network finish() {
    verify(joint_);
    return std::move(joint_);
  }

 private:
  [[noreturn]] void fail(const std::string& sentence) const {
    throw Error("part '" + part_->prefix + "' (network '" + part_->network.name + "') " + sentence);
  }

  const Node* find(const std::string& name, bool is_input) const {
    for (const Node& node : part_->network.nodes) {
      const bool kind = is_input ? std::holds_alternative<Input>(node.operation)
                                 : std::holds_alternative<Output>(node.operation);
      if (kind && node.name == name) return &node;
    }
    return nullptr;
  }

  void check_names() const {
    for (const Feed& feed : part_->feeds) {
      if (find(feed.input, true) == nullptr) fail("has no input '" + feed.input + "' to feed");
    }
    for (const std::string& output : part_->hidden_outputs) {
      if (find(output, false) == nullptr) fail("has no output '" + output + "' to hide");
    }
  }

  std::string joint_name(const std::string& name) const {
    return part_->prefix.empty() ? name : part_->prefix + "/" + name;
  }

  /// Puts a node into the joint network; returns the node that has its value there.
  NodeId place(const Node& node, const std::vector<NodeId>& moved) {
    Node copy = node;
    copy.name = joint_name(node.name);
    for (NodeId& input : copy.inputs) input = moved.at(static_cast<std::size_t>(input));
    if (std::holds_alternative<Input>(node.operation)) {
      const auto feed = std::find_if(part_->feeds.begin(), part_->feeds.end(),
                                     [&](const Feed& f) { return f.input == node.name; });
      if (feed != part_->feeds.end()) {
        if (!feed->from.empty()) return fed(node, *feed);
        copy.operation = Constant{feed->constant};
      }
    }
    if (std::holds_alternative<Output>(node.operation)) {
      const auto& hidden = part_->hidden_outputs;
      publish(copy.name, copy.inputs[0]);
      if (std::find(hidden.begin(), hidden.end(), node.name) != hidden.end()) return copy.inputs[0];
    }
    const auto id = static_cast<NodeId>(joint_.nodes.size());
    if (std::holds_alternative<Input>(copy.operation)) publish(copy.name, id);
    joint_.nodes.push_back(std::move(copy));
    return id;
  }

  void publish(const std::string& name, NodeId value) {
    if (!values_.emplace(name, value).second)
      fail("has a second node '" + name + "'; give it another prefix");
  }

  NodeId fed(const Node& input, const Feed& feed) const {
    const auto value = values_.find(feed.from);
    if (value == values_.end()) {
      fail("is fed from '" + feed.from + "', which no earlier part has as an input or output");
    }
    const Node& source = joint_.nodes[static_cast<std::size_t>(value->second)];
    if (source.type != input.type || source.shape != input.shape) {
      fail("has input '" + input.name + "' of " + to_string(input.type) + " " + to_string(input.shape) +
           " fed from '" + feed.from + "' of " + to_string(source.type) + " " + to_string(source.shape) +
           "; both must be equal, so requantize or reshape in between");
    }
    return value->second;
  }

  Network joint_;
  const Part* part_ = nullptr;
  std::unordered_map<std::string, NodeId> values_;  // inputs and outputs by joint name
};

}  // namespace

Network join(const std::string& name, const std::vector<Part>& parts) {
  Joiner joiner(name);
  for (const Part& part : parts) {
    verify(part.network);
    joiner.add(part);
  }
  return joiner.finish();
}

}  // namespace crible::network
