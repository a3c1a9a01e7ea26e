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
#include "engine/network/network.hpp"

namespace crible::detector {

/// One entry of the `networks` section: which network, and what feeds it.
struct NetworkConfig {
  std::string name;            // as the menu calls it
  std::filesystem::path file;  // .crn or any importable model
  /// Types of inputs that the model leaves open, as in `crible import --input-type`; the empty name means
  /// the only input.
  std::vector<std::pair<std::string, network::Type>> input_types;
  std::optional<std::string> per;    // collection: the network runs once for each of its objects
  std::vector<std::string> outputs;  // names of all output elements in order; empty: the network's names
  std::vector<yaml::Value> inputs;   // entries of `inputs`, read by Binding
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

  /// Where a run of elements comes from.
  enum class From : std::uint8_t { payload, object, current, constant };

  /// q = clamp((x - offset) >> right << left, low, high) of one element.
  struct Transform {
    std::int64_t offset = 0;
    std::int64_t low = 0;
    std::int64_t high = 0;
    std::uint8_t right = 0;
    std::uint8_t left = 0;

    bool operator==(const Transform&) const = default;
  };

  /// `count` neighbouring elements of one type, from one place to neighbouring elements of one input.
  struct Run {
    From from = From::payload;
    FieldType type = FieldType::i16;
    bool uniform = true;           // one transform for all, else one for each
    bool narrow = true;            // 32-bit arithmetic is enough
    std::uint8_t input_bytes = 1;  // of one element of the input
    std::uint32_t input = 0;
    std::uint32_t place_bytes = 0;   // in the input's row
    std::uint32_t index = 0;         // source or collection
    std::uint32_t object = 0;        // for From::object
    std::uint32_t offset_bytes = 0;  // in the payload or record
    std::uint32_t count = 0;
    std::uint32_t transform = 0;  // first in transforms_
  };

 private:
  std::string name_;
  std::optional<std::size_t> collection_;
  std::size_t max_objects_ = 1;
  std::vector<Run> runs_;
  std::vector<Transform> transforms_;
  std::string text_;
};

}  // namespace crible::detector
