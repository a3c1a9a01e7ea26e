#pragma once

#include <onnx.pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/importers/import.hpp"

namespace crible::importers {

/// Writes small ONNX models for tests. The input "x" and the output "y" are there from the start.
class OnnxBuilder {
 public:
  explicit OnnxBuilder(std::vector<std::int64_t> input_shape, int element = ::onnx::TensorProto::FLOAT);

  OnnxBuilder& constant(const std::string& name, std::vector<std::int64_t> shape,
                        const std::vector<float>& values);
  OnnxBuilder& scalar(const std::string& name, float value) { return constant(name, {}, {value}); }
  OnnxBuilder& integers(const std::string& name, int element, std::vector<std::int64_t> shape,
                        const std::vector<std::int64_t>& values);

  /// Attributes are set on the node that was added last.
  OnnxBuilder& node(const std::string& kind, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs, const std::string& domain = "");
  OnnxBuilder& attribute(const std::string& name, std::int64_t value);
  OnnxBuilder& attribute(const std::string& name, float value);
  OnnxBuilder& attribute(const std::string& name, const std::string& value);
  OnnxBuilder& attribute(const std::string& name, const std::vector<std::int64_t>& values);

  /// Quant with constants named after its output.
  OnnxBuilder& quant(const std::string& x, const std::string& y, float scale, float zero, float bits,
                     bool is_signed, bool narrow = false, const std::string& rounding = "ROUND",
                     const std::string& domain = "qonnx.custom_op.general");

  OnnxBuilder& output(const std::string& name);
  ::onnx::ModelProto& model() { return model_; }
  std::string bytes() const { return model_.SerializeAsString(); }

  /// Imports with this type for x ("" for none).
  ImportResult import(const std::string& input_type = "") const;

  /// The sentence of the refusal, or "accepted".
  std::string refusal(const std::string& input_type = "") const;

  /// Imports, evaluates on the reference and decodes the first output.
  std::vector<double> evaluate(const std::string& input_type, const std::vector<std::int64_t>& x) const;

 private:
  ::onnx::ModelProto model_;
};

}  // namespace crible::importers
