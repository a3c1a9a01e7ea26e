#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/yaml.hpp"
#include "engine/detector/description.hpp"
#include "engine/detector/event.hpp"
#include "engine/detector/lanes.hpp"
#include "engine/network/network.hpp"

namespace crible::detector {

/// An output element that the menu may use, under the name that it uses.
struct OutputName {
  std::string name;
  std::string element;  // the network's own name; empty: the one at this place
};

/// One entry of the `networks` section: which network, and what feeds it.
struct NetworkConfig {
  std::string name;            // as the menu calls it
  std::filesystem::path file;  // .crn or any importable model
  /// Types of inputs that the model leaves open, as in `crible import --input-type`; the empty name means
  /// the only input.
  std::vector<std::pair<std::string, network::Type>> input_types;
  std::optional<std::string> per;   // collection: the network runs once for each of its objects
  std::vector<OutputName> outputs;  // empty: all elements, under the network's names
  std::vector<yaml::Value> inputs;  // entries of `inputs`, read by Binding
  yaml::Value place;
};

/// Reads the `networks` section (a list). Throws Error naming file, line and key.
std::vector<NetworkConfig> load_networks(const yaml::Value& section);

/// Fills the inputs of one network from events: a flat list of copies with integer transforms.
/// Immutable; shared by all shards.
class Binding {
 public:
  /// Checks the configuration against the network: every input is fed, with as many elements as it has, and
  /// no value can lie outside the input's type. Throws Error naming file, line and key.
  Binding(const NetworkConfig& config, const Description& description, const network::Network& network);

  const std::string& name() const { return name_; }
  /// The collection the network runs for, or empty: once for each event.
  std::optional<std::size_t> collection() const { return collection_; }
  /// Rows that an event can need at most.
  std::size_t max_objects() const { return max_objects_; }

  /// Rows that this event needs: 1, or the number of objects of the collection. `event` is valid.
  std::uint32_t objects(const Event& event) const noexcept {
    return collection_ ? event.count(*collection_) : 1;
  }

  /// Writes the row of one object: rows[i] is where input i of the network begins (inputs_of order), in the
  /// layout of backends::Slot. `event` is valid, object < objects(event).
  void gather(const Event& event, std::size_t object, std::span<std::byte* const> rows) const noexcept;

  /// One line for each step of the plan, the same for equal bindings: part of the menu's hash.
  const std::string& text() const { return text_; }

 private:
  friend class BindingCompiler;

  /// The runs of one input.
  struct InputPlan {
    std::uint32_t first_run = 0;
    std::uint32_t end_run = 0;
  };

  /// Gives the run the kernel for eight elements at once, if it is of that kind.
  void use_lanes(Run& run, std::size_t target_bytes);
  const void* transforms_of(const Run& run) const noexcept;
  void fill(const InputPlan& input, const Event& event, std::size_t object, std::byte* target) const noexcept;

  std::string name_;
  std::optional<std::size_t> collection_;
  std::size_t max_objects_ = 1;
  std::vector<InputPlan> inputs_;  // of the network, in order
  std::vector<Run> runs_;
  std::vector<Transform<std::int32_t>> narrow_;
  std::vector<Transform<std::int64_t>> wide_;
  std::vector<Lanes> lanes_;
  std::vector<std::int64_t> constants_;
  std::string text_;
};

}  // namespace crible::detector
