#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/network/strides.hpp"
#include "engine/network/types.hpp"

/// Private to engine/codegen: pieces of text.
namespace crible::codegen {

/// Strings and integers, one after the other.
template <class... Parts>
std::string join(const Parts&... parts) {
  std::string text;
  const auto append = [&text](const auto& part) {
    if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(part)>>) {
      text += std::to_string(part);
    } else {
      text += part;
    }
  };
  (append(parts), ...);
  return text;
}

/// Lines with the indentation of the blocks that are open.
class Writer {
 public:
  explicit Writer(int depth = 0) : depth_(depth) {}

  template <class... Parts>
  void line(const Parts&... parts) {
    text_ += std::string(static_cast<std::size_t>(2 * depth_), ' ') + join(parts...) + "\n";
  }
  template <class... Parts>
  void open(const Parts&... parts) {
    line(parts..., sizeof...(parts) == 0 ? "{" : " {");
    ++depth_;
  }
  void close() {
    --depth_;
    line("}");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int depth_;
};

/// How an array stores its elements.
enum class Element { i8, u8, i16, u16, i32, u32, i64 };

const char* name(Element element);
std::size_t bytes(Element element);

/// The smallest that holds the interval; never u32, so that every element promotes to i32 or i64.
Element smallest_element(network::Interval range);
/// Of arrays that enter or leave the network.
Element storage_element(network::Type type);

bool fits_i32(network::Interval range);

/// A number as an i32 or, with `wide`, as an i64 constant.
std::string literal(std::int64_t value, bool wide);

/// Where in memory the element is that has C-order position `index` in `shape`: start + sum of index *
/// stride, as an expression without divisions where that is possible.
std::string position(const network::Shape& shape, const network::Strides& strides, std::string_view index,
                     std::ptrdiff_t start = 0);

/// The index along one axis of the element at C-order position `index`.
std::string axis_index(const network::Shape& shape, std::size_t axis, std::string_view index);

/// `text` as a C identifier: other characters become '_', at most 48 of them.
std::string identifier(std::string_view text);

}  // namespace crible::codegen
