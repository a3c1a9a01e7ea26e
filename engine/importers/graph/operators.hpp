#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/importers/graph/lowering.hpp"

namespace crible::importers::graph {

class Translation;

/// One operator while it is translated: its inputs as values, a place for its outputs.
class Scope {
 public:
  Scope(Translation& translation, const Operator& op) : translation_(translation), op_(op) {}

  const Operator& op() const { return op_; }
  Lowering& lowering() const;
  const Model& model() const;

  bool has(std::size_t index) const { return op_.has_input(index); }
  const Value& in(std::size_t index) const;
  /// An input that must be a constant; `what` names it in the message ("scale").
  const Constant& constant(std::size_t index, const char* what) const;
  void out(Value value, std::size_t index = 0) const;

  /// Lowering::quantize, or a note of the quantizer while input types are being resolved.
  Value quantize(const Value& value, const Quantizer& quantizer) const;

  /// Adds a sentence to the report.
  void note(const std::string& sentence) const;

 private:
  Translation& translation_;
  const Operator& op_;
};

using Handler = void (*)(const Scope&);

/// Where an operator may stand.
enum class Place {
  anywhere_inside,  // not before the first quantizer of an open input, not after a final function
  before_input,     // also between an input and its quantizer
  rearranging,      // also there, and after a final softmax or sigmoid
  after_final,      // not before the first quantizer, but after a final function
  quantizing,       // as before_input, and after a sigmoid or tanh
};

struct OperatorEntry {
  std::string_view domain;
  std::string_view kind;
  Handler handler;
  Place place = Place::anywhere_inside;
};

/// Nothing when crible does not know the operator.
const OperatorEntry* find_operator(const std::string& domain, const std::string& kind);

/// "qonnx" for the domains that QONNX's operators are found in, else the domain itself.
std::string_view domain_family(const std::string& domain);

// Each file of operators gives its table.
std::vector<OperatorEntry> quantizer_operators();
std::vector<OperatorEntry> linear_operators();
std::vector<OperatorEntry> qlinear_operators();
std::vector<OperatorEntry> elementwise_operators();
std::vector<OperatorEntry> layout_operators();
std::vector<OperatorEntry> shape_operators();
std::vector<OperatorEntry> pool_operators();
std::vector<OperatorEntry> reduce_operators();
std::vector<OperatorEntry> recurrent_operators();
std::vector<OperatorEntry> compare_operators();

}  // namespace crible::importers::graph
