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

  /// Where a run of elements comes from.
  enum class From : std::uint8_t { payload, objects, current, constants };

  /// q = clamp((x - offset) >> right << left, low, high) of one element.
  template <class Arithmetic>
  struct Transform {
    Arithmetic offset = 0;
    Arithmetic low = 0;
    Arithmetic high = 0;
    std::uint8_t right = 0;
    std::uint8_t left = 0;

    bool operator==(const Transform&) const = default;
  };

  struct Run;

  /// Where the rows of a run begin: one behind the other in a payload, or anywhere.
  struct Rows {
    const std::byte* first = nullptr;
    const std::byte* const* objects = nullptr;  // null: rows are step_bytes apart
  };
  using Kernel = void (*)(const Run& run, const void* transforms, Rows rows, std::byte* target) noexcept;

  /// `repeat` rows of `count` neighbouring elements of one type, to neighbouring elements of one input.
  struct Run {
    Kernel kernel = nullptr;  // for the type, the arithmetic and the input's element size
    From from = From::payload;
    bool narrow = true;   // 32-bit arithmetic is enough, and nothing is shifted left
    bool uniform = true;  // one transform for all elements of a row, else one for each
    FieldType type = FieldType::i16;
    std::uint32_t place_bytes = 0;       // in the input's row
    std::uint32_t place_step_bytes = 0;  // from one repetition to the next
    std::uint32_t index = 0;             // source or collection
    std::uint32_t offset_bytes = 0;      // in the payload, the record or the constants
    std::uint32_t step_bytes = 0;        // from one repetition to the next, in a payload
    std::uint32_t repeat = 1;            // for From::objects, objects 0 to repeat - 1
    std::uint32_t count = 0;
    std::uint32_t transform = 0;  // first one
  };

  /// The runs of one input. With `lanes`, they only collect raw 16-bit integers, which these then transform.
  struct InputPlan {
    std::uint32_t first_run = 0;
    std::uint32_t end_run = 0;
    std::optional<Lanes> lanes;
  };

  void use_lanes(InputPlan& input, network::Type type, std::size_t elements);
  std::optional<Lanes> lanes_of(const InputPlan& input, network::Type type, std::size_t elements) const;
  void fill(const InputPlan& input, const Event& event, std::size_t object, std::byte* target) const noexcept;
  template <class Element>
  static void collect(const Run& run, const void* transforms, Rows rows, std::byte* target) noexcept;
  static Kernel collector_of(FieldType type);

  template <class Element, class Arithmetic, class Target>
  static void copy(const Run& run, const void* transforms, Rows rows, std::byte* target) noexcept;
  template <class Element>
  static Kernel kernel_of(bool narrow, std::size_t target_bytes);
  static Kernel kernel_of(FieldType type, bool narrow, std::size_t target_bytes);

  const void* transforms_of(const Run& run) const noexcept {
    if (run.narrow) return narrow_.data() + run.transform;
    return wide_.data() + run.transform;
  }

  std::string name_;
  std::optional<std::size_t> collection_;
  std::size_t max_objects_ = 1;
  std::vector<InputPlan> inputs_;  // of the network, in order
  std::vector<Run> runs_;
  std::vector<Transform<std::int32_t>> narrow_;
  std::vector<Transform<std::int64_t>> wide_;
  std::vector<std::int64_t> constants_;
  std::string text_;
};

}  // namespace crible::detector
