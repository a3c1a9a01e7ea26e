#pragma once

#include <string>
#include <vector>

namespace crible::backends::cuda {

/// A shared library that is opened when the program runs and stays open until it ends.
class Library {
 public:
  /// Tries the names in order.
  explicit Library(const std::vector<std::string>& names);

  bool is_open() const { return handle_ != nullptr; }
  /// The loader's message for the last name.
  const std::string& reason() const { return reason_; }

  /// Throws Error when the library does not have the function.
  template <class Function>
  void load(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(address(name));
  }

 private:
  void* address(const char* name) const;

  void* handle_ = nullptr;
  std::string name_;
  std::string reason_;
};

}  // namespace crible::backends::cuda
