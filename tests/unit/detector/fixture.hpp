#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/detector/bindings.hpp"
#include "engine/detector/plan.hpp"
#include "engine/network/build.hpp"

namespace crible::detector {

/// The sentence of the Error that `action` throws.
inline std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// Payloads are written integer by integer.
class Bytes {
 public:
  template <class Integer>
  Bytes& add(std::initializer_list<Integer> values) {
    for (const Integer value : values) {
      const std::size_t at = bytes_.size();
      bytes_.resize(at + sizeof value);
      std::memcpy(bytes_.data() + at, &value, sizeof value);
    }
    return *this;
  }
  Bytes& i16(std::initializer_list<std::int16_t> values) { return add(values); }

  Payload payload() const { return bytes_; }
  void cut(std::size_t bytes) { bytes_.resize(bytes_.size() - bytes); }

 private:
  std::vector<std::byte> bytes_;
};

/// A network that hands its inputs on: for bindings, only names, types and shapes count.
inline network::Network passing_network(network::Type type, network::Shape shape, int inputs = 1) {
  network::Builder builder("passing");
  for (int i = 0; i < inputs; ++i) {
    const std::string number = std::to_string(i);
    const network::NodeId input = builder.input("x" + number, shape, type);
    builder.output("y" + number, input);
  }
  return builder.finish();
}

}  // namespace crible::detector
