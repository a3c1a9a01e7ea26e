#include "backends/path_choice.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"

namespace crible::backends {

namespace {

bool possible(const PathQuestion& question, std::size_t path, std::size_t events) {
  return !question.possible || question.possible(path, events);
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Empty when there is no home to keep it in.
std::filesystem::path file_of(const PathQuestion& question) {
  std::filesystem::path folder;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    folder = cache;
  } else if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    folder = std::filesystem::path(home) / ".cache";
  } else {
    return {};
  }
  const std::string key =
      question.key + "\n" + list(question.names) + "\n" + std::to_string(question.max_batch);
  return folder / "crible" / ("paths_" + sha256_hex(key) + ".txt");
}

/// A line for each point: its largest batch, and the path.
std::string to_text(const PathQuestion& question, const PathChoice& choice) {
  std::string text;
  for (std::size_t point = 0; point < question.points(); ++point) {
    text += std::to_string(question.events_at(point)) + " " + question.names[choice.of_point[point]] + "\n";
  }
  return text;
}

/// The first line that is not as to_text writes it; 0: all are.
std::size_t parse(const std::string& text, const PathQuestion& question, std::vector<std::size_t>& of_point) {
  std::istringstream lines(text);
  std::string line;
  for (std::size_t point = 0; point < question.points(); ++point) {
    std::getline(lines, line);
    const std::size_t events = question.events_at(point);
    const auto is_own = [&](const std::string& name) { return line == std::to_string(events) + " " + name; };
    const auto name = std::ranges::find_if(question.names, is_own);
    const auto path = static_cast<std::size_t>(name - question.names.begin());
    if (!lines || name == question.names.end() || !possible(question, path, events)) return point + 1;
    of_point.push_back(path);
  }
  return std::getline(lines, line) ? question.points() + 1 : 0;
}

PathChoice forced(const PathQuestion& question, const std::string& wanted) {
  const auto name = std::ranges::find(question.names, wanted);
  if (name == question.names.end()) {
    throw Error("CRIBLE_FORCE_PATH asks for \"" + wanted + "\", and the paths here are: " +
                list(question.names) + "; set it to one of them, or unset it.");
  }
  PathChoice choice;
  choice.how = "CRIBLE_FORCE_PATH asks for " + wanted;
  for (std::size_t point = 0; point < question.points(); ++point) {
    std::size_t path = static_cast<std::size_t>(name - question.names.begin());
    if (!possible(question, path, question.events_at(point))) path = 0;
    while (!possible(question, path, question.events_at(point))) ++path;
    choice.of_point.push_back(path);
  }
  return choice;
}

}  // namespace

bool PathChoice::takes(std::size_t path) const {
  return std::ranges::find(of_point, path) != of_point.end();
}

PathChoice known_paths(const PathQuestion& question) {
  const char* wanted = std::getenv("CRIBLE_FORCE_PATH");
  if (wanted != nullptr && *wanted != '\0') return forced(question, wanted);
  if (question.names.size() == 1) {
    return {std::vector<std::size_t>(question.points(), 0), question.names[0] + " is the only one"};
  }
  PathChoice choice;
  choice.how = "measured at this start";
  const std::filesystem::path file = file_of(question);
  std::error_code error;
  if (file.empty() || !std::filesystem::exists(file, error)) return choice;
  try {
    std::vector<std::size_t> of_point;
    const std::size_t damaged = parse(read_file(file), question, of_point);
    if (damaged == 0) return {std::move(of_point), "measured at an earlier start"};
    choice.how += ", as " + file.string() + ", which keeps it, is damaged in line " + std::to_string(damaged);
  } catch (const Error& unreadable) {
    choice.how += ", as what was kept is of no use: " + std::string(unreadable.what());
  }
  return choice;
}

PathChoice measured_paths(
    const PathQuestion& question, const PathChoice& known,
    const std::function<std::chrono::nanoseconds(std::size_t path, std::size_t events)>& time) {
  PathChoice choice;
  choice.how = known.how;
  for (std::size_t point = 0; point < question.points(); ++point) {
    const std::size_t events = question.events_at(point);
    std::size_t best = 0;
    std::chrono::nanoseconds best_time = std::chrono::nanoseconds::max();
    for (std::size_t path = 0; path < question.names.size(); ++path) {
      if (!possible(question, path, events)) continue;
      const std::chrono::nanoseconds taken = time(path, events);
      if (taken >= best_time) continue;
      best = path;
      best_time = taken;
    }
    choice.of_point.push_back(best);
  }
  if (const std::filesystem::path file = file_of(question); !file.empty()) {
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    try {
      write_file(file, to_text(question, choice));
    } catch (const Error&) {  // a cache is only a cache
    }
  }
  return choice;
}

std::chrono::nanoseconds least_time(const std::function<std::chrono::nanoseconds()>& once) {
  constexpr std::size_t most = 21;
  constexpr std::size_t fewest = 3;
  constexpr std::chrono::milliseconds enough{5};
  std::chrono::nanoseconds least = std::chrono::nanoseconds::max();
  std::chrono::nanoseconds sum{0};
  for (std::size_t calls = 0; calls < fewest || (calls < most && sum < enough); ++calls) {
    const std::chrono::nanoseconds time = once();
    least = std::min(least, time);
    sum += time;
  }
  return least;
}

}  // namespace crible::backends
