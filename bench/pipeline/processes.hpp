#pragma once

#include <functional>
#include <nlohmann/json.hpp>

namespace crible::bench {

/// A child process that computes a JSON value and ends. Forked before any ZeroMQ context exists in the
/// parent, as contexts do not survive a fork.
class Child {
 public:
  /// `body` runs in the child.
  explicit Child(const std::function<nlohmann::ordered_json()>& body);
  ~Child();  // kills it when result() was not asked for

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits for the end. Throws Error when the child failed.
  nlohmann::ordered_json result();

 private:
  int process_ = -1;
  int pipe_ = -1;
};

}  // namespace crible::bench
