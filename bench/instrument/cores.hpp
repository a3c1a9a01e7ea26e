#pragma once

#include <sched.h>

#include <string>

namespace crible::bench {

/// Gives the sender a core of its own while it lives: the thread that makes this object, and all threads that
/// it starts, stay off the last core that the process may use, until sender_begins(). A spinning sender and
/// the threads it waits for on one core would each lose whole slices of the scheduler. Where the system
/// allows it, the sender gets a real-time priority there, so that no other program takes its core away. With
/// one core nothing is done.
class SenderCore {
 public:
  SenderCore();
  ~SenderCore();
  SenderCore(const SenderCore&) = delete;
  SenderCore& operator=(const SenderCore&) = delete;

  /// The calling thread is the sender from now on and runs on its core; to be called by the thread that made
  /// this object.
  void sender_begins();

  /// It is no longer.
  void sender_ends();

  /// A sentence on what the sender had.
  std::string describe() const;

 private:
  cpu_set_t all_;
  cpu_set_t others_;
  cpu_set_t own_;
  bool divided_ = false;
  bool realtime_ = false;
};

}  // namespace crible::bench
