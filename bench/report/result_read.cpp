#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "bench/report/fields.hpp"
#include "bench/report/rules.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::bench {

namespace {

// The ordered kind, so that the stages of an event stay in the order they were passed.
using Json = nlohmann::ordered_json;

constexpr const char* remedy = "; the file was changed or damaged: measure again with `crible bench`";

/// Reads the object of one struct. `place` is where it stands: "a.json: suites[0].figures[3]".
class Reader {
 public:
  Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    require(object.is_object(), object, place_, "an object");
  }

  template <class T>
  void operator()(const char* key, T& member) {
    const auto found = object_.find(key);
    if (found == object_.end()) throw Error(place_ + ": has no field '" + key + "'" + remedy);
    read(*found, place_ + (place_.ends_with(' ') ? "" : ".") + key, member);
  }

  template <class T>
  static void read(const Json& json, const std::string& place, T& whole) {
    Reader reader(json, place);
    fields(reader, whole);
  }

  static void read(const Json& json, const std::string& place, double& value) {
    require(json.is_number(), json, place, "a number");
    value = json.get<double>();
  }

  static void read(const Json& json, const std::string& place, std::uint64_t& value) {
    require(json.is_number_unsigned(), json, place, "a whole number that is not negative");
    value = json.get<std::uint64_t>();
  }

  static void read(const Json& json, const std::string& place, std::string& value) {
    require(json.is_string(), json, place, "a text");
    value = json.get<std::string>();
  }

  static void read(const Json& json, const std::string& place, std::map<std::string, std::string>& value) {
    require(json.is_object(), json, place, "an object");
    for (const auto& [key, text] : json.items()) read(text, place + "." + key, value[key]);
  }

  static void read(const Json& json, const std::string& place, Better& value) {
    value = static_cast<Better>(word(json, place, better_words));
  }

  static void read(const Json& json, const std::string& place, TableKind& value) {
    value = static_cast<TableKind>(word(json, place, table_kind_words));
  }

  static void read(const Json& json, const std::string& place, HistogramBucket& bucket) {
    require(json.is_array() && json.size() == 2, json, place, "a pair of upper edge and count");
    read(json[0], place + "[0]", bucket.upper_edge_ns);
    read(json[1], place + "[1]", bucket.count);
  }

  static void read(const Json& json, const std::string& place, Cell& cell) {
    require(json.is_number() || json.is_string(), json, place, "a number or a text");
    if (json.is_number()) {
      cell = json.get<double>();
    } else {
      cell = json.get<std::string>();
    }
  }

  static void read(const Json& json, const std::string& place,
                   std::vector<std::pair<std::string, double>>& stages) {
    require(json.is_object(), json, place, "an object");
    for (const auto& [key, ns] : json.items()) {
      stages.emplace_back(key, 0);
      read(ns, place + "." + key, stages.back().second);
    }
  }

  template <class T>
  static void read(const Json& json, const std::string& place, std::optional<T>& value) {
    if (json.is_null()) return;
    read(json, place, value.emplace());
  }

  template <class T>
  static void read(const Json& json, const std::string& place, std::vector<T>& values) {
    require(json.is_array(), json, place, "an array");
    for (std::size_t i = 0; i < json.size(); ++i)
      read(json[i], place + "[" + std::to_string(i) + "]", values.emplace_back());
  }

 private:
  static void require(bool holds, const Json& json, const std::string& place, const char* wanted) {
    if (!holds) throw Error(place + ": must be " + wanted + ", not " + found(json) + remedy);
  }

  /// What stands there, in few words.
  static std::string found(const Json& json) {
    if (json.is_object()) return "an object";
    if (json.is_array()) return "an array of " + std::to_string(json.size());
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 40) text = text.substr(0, 40) + "...";
    return text;
  }

  /// The position of a text in `words`.
  static std::size_t word(const Json& json, const std::string& place, std::span<const char* const> words) {
    const auto position =
        std::find(words.begin(), words.end(), json.is_string() ? json.get<std::string>() : "");
    require(position != words.end(), json, place,
            (std::string("'") + words[0] + "' or '" + words[1] + "'").c_str());
    return static_cast<std::size_t>(position - words.begin());
  }

  const Json& object_;
  const std::string place_;
};

Json parse(const std::string& text, const std::string& path) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t end = std::min<std::size_t>(error.byte, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    const bool truncated = error.byte > text.size();
    throw Error(path + ":" + std::to_string(line) +
                (truncated ? ": the file ends too early" : ": this is not JSON") +
                "; give a file that `crible bench --json` wrote, whole and unchanged");
  } catch (const Json::exception&) {  // a number beyond any double
    throw Error(path + ": holds a number that is too large" + remedy);
  }
}

}  // namespace

Result parse_result(const std::string& text, const std::filesystem::path& path) {
  const Json json = parse(text, path.string());
  const auto format = json.is_object() ? json.find("crible_bench") : json.end();
  if (format == json.end())
    throw Error(path.string() +
                ": is JSON, but no result of `crible bench`; give a file that `crible bench --json` wrote");
  if (*format != result_format)
    throw Error(path.string() + ": is a result of format " + format->dump().substr(0, 20) +
                ", and this crible reads format " + std::to_string(result_format) +
                "; measure again, or use the crible that wrote it");
  Result result;
  Reader::read(json, path.string() + ": ", result);
  if (const std::string broken = broken_rule(result); !broken.empty())
    throw Error(path.string() + ": " + broken + remedy);
  return result;
}

Result read_result(const std::filesystem::path& path) {
  return parse_result(read_file(path), path);
}

}  // namespace crible::bench
