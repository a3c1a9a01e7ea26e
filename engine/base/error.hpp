#pragma once

#include <stdexcept>
#include <string>

namespace crible {

/// Who has to act: the person who gave the input (exit status 2), or the one who runs the machine (1).
enum class Fault { user, failure };

/// The one exception of set-up code. `what()` is one sentence: what is wrong, where (file, line, key,
/// node), what to do. Code that runs per event does not throw; it returns a status.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, Fault fault = Fault::user, std::string log = {});

  Fault fault() const { return fault_; }

  /// A device compiler's log or a similar long text; empty when there is none.
  const std::string& log() const { return log_; }

 private:
  Fault fault_;
  std::string log_;
};

}  // namespace crible
