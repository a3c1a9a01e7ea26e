#include "bench/instrument/cores.hpp"

#include <pthread.h>

#include <cstddef>

namespace crible::bench {

namespace {

void move_to(const cpu_set_t& cores) {
  pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
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
  if (divided_) move_to(own_);
}

void SenderCore::sender_ends() {
  if (divided_) move_to(others_);
}

}  // namespace crible::bench
