#include "bench/instrument/cores.hpp"

#include <pthread.h>

#include <cstddef>

namespace crible::bench {

namespace {

void move_to(const cpu_set_t& cores) {
  pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
}

bool set_policy(int policy, int priority) {
  sched_param parameters{};
  parameters.sched_priority = priority;
  return pthread_setschedparam(pthread_self(), policy, &parameters) == 0;
}

}  // namespace

SenderCore::SenderCore() {
  CPU_ZERO(&all_);
  if (pthread_getaffinity_np(pthread_self(), sizeof all_, &all_) != 0 || CPU_COUNT(&all_) < 2) return;
  divided_ = true;
  std::size_t last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &all_)) --last;
  others_ = all_;
  CPU_CLR(last, &others_);
  CPU_ZERO(&own_);
  CPU_SET(last, &own_);
  move_to(others_);
}

SenderCore::~SenderCore() {
  if (divided_) move_to(all_);
}

void SenderCore::sender_begins() {
  if (!divided_) return;
  move_to(own_);
  realtime_ = set_policy(SCHED_FIFO, 1);
}

void SenderCore::sender_ends() {
  if (!divided_) return;
  if (realtime_) set_policy(SCHED_OTHER, 0);
  move_to(others_);
}

std::string SenderCore::describe() const {
  if (!divided_) return "There is one core: the sender takes it away from what it measures.";
  return std::string("The sender spins on a core of its own, ") +
         (realtime_
              ? "at real-time priority; "
              : "at ordinary priority, as this user may have no other: another program can take it away; ") +
         "shards, ZeroMQ's threads and the collector share the rest.";
}

}  // namespace crible::bench
