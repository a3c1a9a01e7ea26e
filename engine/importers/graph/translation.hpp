#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/importers/graph/operators.hpp"

namespace crible::importers::graph {

/// How an input of the model enters the network.
struct InputBinding {
  network::Type type;
  network::Encoding encoding;

  bool operator==(const InputBinding&) const = default;
};

/// Walks the model's operators in order and keeps the value of every tensor. Runs twice when an input has no
/// type of its own: first to find the quantizer that each such input meets, then to build the network with
/// that quantizer's integers as the input.
class Translation {
 public:
  Translation(const Model& model, const ImportOptions& options, std::string source);

  ImportResult run();

  Lowering& lowering() { return *lowering_; }
  const Model& model() const { return model_; }
  const Value& value(const std::string& name) const;
  void set(const std::string& name, Value value);
  bool resolving() const { return resolving_; }

  /// While resolving: the quantizer that an open input meets.
  void bind(const Value& argument, const Quantizer& quantizer);

 private:
  void walk();
  void translate(const Operator& op);
  void declare_inputs();
  std::optional<InputBinding> given_binding(const Declaration& input) const;
  std::optional<InputBinding> typed_binding(const Declaration& input) const;
  void check_input_names() const;
  Value input_value(std::size_t index);
  void make_outputs();
  [[noreturn]] void fail(const Operator& op, const std::string& why) const;

  const Model& model_;
  const ImportOptions& options_;
  std::string source_;
  std::optional<Lowering> lowering_;
  std::map<std::string, Value> values_;
  std::vector<std::optional<InputBinding>> bindings_;
  std::vector<std::string> obstacles_;  // by input: why it cannot be bound
  bool resolving_ = false;
};

}  // namespace crible::importers::graph
