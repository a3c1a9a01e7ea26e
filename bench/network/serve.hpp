#pragma once

#include <functional>
#include <iostream>
#include <map>
#include <string>

namespace crible::bench {

/// How events reach a subject: one a call; one a call, each waiting for the one before; 1024 a call.
enum class Mode { single, chained, batch };

/// What can be measured by request: the nanoseconds for an event.
using Served = std::map<std::string, std::function<double(Mode)>>;

/// Names what there is, one a line, then "ready"; answers each line "NAME MODE" with nanoseconds, until the
/// input ends. So one script can measure several programs in turn.
inline void serve(const Served& served) {
  for (const auto& [name, measure] : served) std::cout << name << "\n";
  std::cout << "ready" << std::endl;
  std::string name, mode;
  while (std::cin >> name >> mode) {
    const Mode wanted = mode == "single" ? Mode::single : mode == "chained" ? Mode::chained : Mode::batch;
    std::cout << served.at(name)(wanted) << std::endl;
  }
}

}  // namespace crible::bench
