#pragma once

namespace crible::tools {

/// From its construction on, SIGINT and SIGTERM only set a flag, so that a command can end its work as it
/// should; a second one ends the program at once. One object at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
};

}  // namespace crible::tools
