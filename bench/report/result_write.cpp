#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/report/fields.hpp"
#include "bench/report/rules.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::bench {

namespace {

using Json = nlohmann::ordered_json;

/// Makes the object of one struct.
class Writer {
 public:
  template <class T>
  void operator()(const char* key, const T& member) {
    object_[key] = json(member);
  }

  template <class T>
  static Json json(const T& whole) {
    Writer writer;
    fields(writer, whole);
    return std::move(writer.object_);
  }

  static Json json(double value) { return value; }
  static Json json(std::uint64_t value) { return value; }
  static Json json(const std::string& value) { return value; }
  static Json json(const std::map<std::string, std::string>& value) { return value; }
  static Json json(Better value) { return better_words[static_cast<int>(value)]; }
  static Json json(TableKind value) { return table_kind_words[static_cast<int>(value)]; }
  static Json json(const HistogramBucket& bucket) { return {bucket.upper_edge_ns, bucket.count}; }
  static Json json(const Cell& cell) {
    return std::visit([](const auto& value) { return Json(value); }, cell);
  }

  static Json json(const std::vector<std::pair<std::string, double>>& stages) {
    Json object = Json::object();
    for (const auto& [name, ns] : stages) object[name] = ns;
    return object;
  }

  template <class T>
  static Json json(const std::optional<T>& value) {
    return value ? json(*value) : Json(nullptr);
  }

  template <class T>
  static Json json(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(json(value));
    return array;
  }

 private:
  Json object_ = Json::object();
};

/// Throws when a number has no finite value: JSON has no word for it.
void require_finite(const Json& json, const std::string& place) {
  if (json.is_number_float() && !std::isfinite(json.get<double>()))
    throw Error(place + " of the benchmark's result is not a finite number; this is a mistake in its suite",
                Fault::failure);
  for (const auto& [key, value] : json.items())
    if (json.is_structured())
      require_finite(value, json.is_array() ? place + "[" + key + "]" : place + "." + key);
}

/// Bytes that are no UTF-8 (a machine may call itself anything) are replaced, not refused.
std::string compact(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool has_objects(const Json& json) {
  return json.is_object() || (json.is_array() && std::ranges::any_of(json, has_objects));
}

/// A line for each key and each object; lists of numbers, and histograms with their thousands of pairs, on
/// one.
std::string in_lines(const Json& json, const std::string& indent) {
  if (!has_objects(json) || json.empty()) return compact(json);
  std::string text = json.is_object() ? "{" : "[", between = "\n" + indent + " ";
  for (const auto& [key, value] : json.items()) {
    text += between + (json.is_object() ? compact(Json(key)) + ": " : "") + in_lines(value, indent + " ");
    between = ",\n" + indent + " ";
  }
  return text + "\n" + indent + (json.is_object() ? "}" : "]");
}

}  // namespace

Json to_json(const Result& result) {
  if (const std::string broken = broken_rule(result); !broken.empty())
    throw Error(broken + "; this is a mistake in the suite that measured it", Fault::failure);
  Json json = {{"crible_bench", result_format}};
  json.update(Writer::json(result));
  for (const auto& [key, value] : json.items()) require_finite(value, key);
  return json;
}

void write_result(const std::filesystem::path& path, const Result& result) {
  write_file(path, in_lines(to_json(result), "") + "\n");
}

void require_writable(const std::filesystem::path& path) {
  const bool was_there = std::filesystem::exists(std::filesystem::symlink_status(path));
  std::filesystem::path probe = path;
  if (!was_there) probe += ".part" + std::to_string(::getpid());
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0)
    throw Error(path.string() + ": cannot be written: " + std::strerror(errno) +
                "; name a file in a folder that exists and that you may write to");
  ::close(file);
  if (!was_there) ::unlink(probe.c_str());
}

}  // namespace crible::bench
