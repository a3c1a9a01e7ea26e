#include "tools/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace crible::tools {

namespace {
constexpr int bar_cells = 40;
}

Progress::Progress(std::string unit, std::uint64_t total)
    : unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      started_(Clock::now()),
      next_draw_(started_ + std::chrono::seconds(2)) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::update(std::uint64_t done) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double rate = static_cast<double>(done) / seconds;
  if (total_ == 0) {
    std::fprintf(stderr, "\r\033[K%llu %s, %.0f /s", static_cast<unsigned long long>(done), unit_.c_str(),
                 rate);
    return;
  }
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const int full = static_cast<int>(part * bar_cells);
  std::fprintf(stderr, "\r\033[K[%s%s] %3.0f %% of %llu %s, %.0f /s", std::string(full, '#').c_str(),
               std::string(bar_cells - full, ' ').c_str(), part * 100,
               static_cast<unsigned long long>(total_), unit_.c_str(), rate);
}

}  // namespace crible::tools
