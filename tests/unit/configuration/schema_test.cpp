// docs/config.schema.json and the loaders know the same keys, and the demo's configuration follows the
// schema.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/yaml.hpp"
#include "engine/detector/bindings.hpp"
#include "engine/menu/menu.hpp"
#include "engine/network/build.hpp"
#include "engine/pipeline/run_config.hpp"
#include "engine/pipeline/trigger.hpp"

namespace crible {
namespace {

using Json = nlohmann::json;

Json schema() {
  return Json::parse(read_file("docs/config.schema.json"));
}

/// Keys that the loader lists when it meets one that it does not know.
std::set<std::string> known_keys(const std::function<void()>& load) {
  std::string sentence;
  try {
    load();
  } catch (const Error& error) {
    sentence = error.what();
  }
  const std::string mark = "(known here: ";
  const std::size_t begin = sentence.find(mark);
  std::set<std::string> keys;
  if (begin == std::string::npos) {
    ADD_FAILURE() << "no unknown key in: " << sentence;
    return keys;
  }
  std::string list = sentence.substr(begin + mark.size());
  list.pop_back();
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(", ", at), list.size());
    keys.insert(list.substr(at, end - at));
    at = end + 2;
  }
  return keys;
}

std::set<std::string> schema_keys(const std::string& definition) {
  const Json all = schema();
  const Json& object = definition.empty() ? all : all.at("$defs").at(definition);
  std::set<std::string> keys;
  for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
  return keys;
}

/// A definition of the schema, and a section with the unknown key `zzz` in such an object.
struct Case {
  const char* definition;
  const char* text;
};

class SameKeys : public testing::TestWithParam<Case> {};
class SameKeysOfDetector : public SameKeys {};
class SameKeysOfNetworks : public SameKeys {};
class SameKeysOfMenu : public SameKeys {};
class SameKeysOfRun : public SameKeys {};

TEST_P(SameKeysOfDetector, InSchemaAndLoader) {
  EXPECT_EQ(known_keys([] { detector::load_description(yaml::parse(GetParam().text, "d")); }),
            schema_keys(GetParam().definition));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, SameKeysOfDetector,
    testing::Values(Case{"detector", "zzz: 1"}, Case{"source", "sources: [{zzz: 1}]"},
                    Case{"field", "sources: [{name: a, payload: [{zzz: 1}]}]"},
                    Case{"unit", "sources: [{name: a, payload: [{name: x, type: u8, unit: {zzz: 1}}]}]"},
                    Case{"records", "sources: [{name: a, payload: [{fields: [], zzz: 1}]}]"},
                    Case{"member", "sources: [{name: a, payload: [{name: r, fields: [{zzz: 1}]}]}]"},
                    Case{"collection", "sources: [{name: a, payload: []}]\ncollections: [{zzz: 1}]"}));

TEST_P(SameKeysOfNetworks, InSchemaAndLoader) {
  const auto description =
      detector::load_description(yaml::parse("sources: [{name: a, payload: [{name: x, type: i8}, {name: r, "
                                             "count: 1, fields: [{name: y, type: i8}]}]}]\n"
                                             "collections: [{name: c, from: [a.r]}]",
                                             "d"));
  network::Builder builder("n");
  builder.output("out", builder.input("in", {1}, {true, 8, 0}));
  const network::Network network = builder.finish();
  const auto load = [&] {
    for (const auto& config : detector::load_networks(yaml::parse(GetParam().text, "n"))) {
      detector::Binding(config, description, network);
    }
  };
  EXPECT_EQ(known_keys(load), schema_keys(GetParam().definition));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, SameKeysOfNetworks,
    testing::Values(
        Case{"network", "[{zzz: 1}]"}, Case{"input", "[{name: n, file: n, inputs: [{zzz: 1}]}]"},
        Case{"value_item", "[{name: n, file: n, inputs: [{from: [{value: a.x, zzz: 1}]}]}]"},
        Case{"columns_item", "[{name: n, file: n, inputs: [{from: [{columns: [], zzz: 1}]}]}]"},
        Case{"objects_item", "[{name: n, file: n, inputs: [{from: [{objects: c, zzz: 1}]}]}]"},
        Case{"objects_field",
             "[{name: n, file: n, inputs: [{from: [{objects: c, fields: [{name: y, zzz: 1}]}]}]}]"},
        Case{"object_item", "[{name: n, file: n, per: c, inputs: [{from: [{object: y, zzz: 1}]}]}]"},
        Case{"constant_item", "[{name: n, file: n, inputs: [{from: [{constant: 1, zzz: 1}]}]}]"}));

TEST_P(SameKeysOfMenu, InSchemaAndLoader) {
  const auto description =
      detector::load_description(yaml::parse("sources: [{name: a, payload: [{name: x, type: i8}]}]", "d"));
  EXPECT_EQ(known_keys([&] { menu::Menu(yaml::parse(GetParam().text, "m"), description, {}); }),
            schema_keys(GetParam().definition));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, SameKeysOfMenu,
    testing::Values(Case{"menu", "zzz: 1"}, Case{"stream", "{name: m, streams: [{zzz: 1}]}"},
                    Case{"chain", "{name: m, streams: [p], chains: [{zzz: 1}]}"},
                    Case{"random", "{name: m, streams: [p], chains: [{name: a, random: {zzz: 1}}]}"},
                    Case{"zero_bias", "{name: m, streams: [p], chains: [{name: a, zero_bias: {zzz: 1}}]}"},
                    Case{"schedule_entry",
                         "{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [p]}], "
                         "schedule: [{zzz: 1}]}"}));

TEST_P(SameKeysOfRun, InSchemaAndLoader) {
  EXPECT_EQ(known_keys([] { pipeline::load_run_config(yaml::parse(GetParam().text, "r"), 1); }),
            schema_keys(GetParam().definition));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, SameKeysOfRun,
    testing::Values(Case{"run", "zzz: 1"}, Case{"run_input", "input: {zzz: 1}"},
                    Case{"run_build", "build: {zzz: 1}"}, Case{"run_batch", "batch: {zzz: 1}"},
                    Case{"run_deadline", "deadline: {zzz: 1}"}, Case{"run_decisions", "decisions: {zzz: 1}"},
                    Case{"run_record", "record: {zzz: 1}"}, Case{"run_monitoring", "monitoring: {zzz: 1}"}));

TEST(Schema, KnowsTheSections) {
  const auto file = std::filesystem::path(testing::TempDir()) / "unknown_section.yaml";
  write_file(file, "zzz: 1\n");
  EXPECT_EQ(known_keys([&] { pipeline::load_trigger(file); }), schema_keys(""));
}

/// The part of JSON Schema that docs/config.schema.json uses, on YAML values.
class Validator {
 public:
  explicit Validator(Json root) : root_(std::move(root)) {}

  /// Empty, or what is wrong where.
  std::string check(const yaml::Value& value, const Json& rule) const {
    if (rule.contains("$ref")) return check(value, root_.at("$defs").at(definition_of(rule)));
    if (rule.contains("anyOf")) return check_any(value, rule.at("anyOf"));
    if (rule.contains("enum")) return check_enum(value, rule.at("enum"));
    const std::string type = rule.value("type", "");
    if (type == "object") return check_object(value, rule);
    if (type == "array") return check_array(value, rule);
    return check_scalar(value, rule, type);
  }

  const Json& root() const { return root_; }

 private:
  static std::string definition_of(const Json& rule) {
    return rule.at("$ref").get<std::string>().substr(std::string("#/$defs/").size());
  }

  static std::string wrong(const yaml::Value& value, const std::string& what) {
    return value.key() + ": " + what;
  }

  std::string check_any(const yaml::Value& value, const Json& rules) const {
    std::string problems;
    for (const Json& rule : rules) {
      const std::string problem = check(value, rule);
      if (problem.empty()) return "";
      problems += "[" + problem + "] ";
    }
    return problems;
  }

  static std::string check_enum(const yaml::Value& value, const Json& choices) {
    if (!value.is_scalar()) return wrong(value, "no single value");
    for (const Json& choice : choices) {
      if (choice == value.text()) return "";
    }
    return wrong(value, "none of " + choices.dump());
  }

  std::string check_object(const yaml::Value& value, const Json& rule) const {
    if (!value.is_map()) return wrong(value, "no map");
    const Json properties = rule.value("properties", Json::object());
    for (const std::string& key : value.keys()) {
      const Json& other = rule.at("additionalProperties");
      if (!properties.contains(key) && !other.is_object()) return wrong(value, "unknown key " + key);
      const std::string problem = check(value.at(key), properties.contains(key) ? properties.at(key) : other);
      if (!problem.empty()) return problem;
    }
    for (const Json& key : rule.value("required", Json::array())) {
      if (!value.has(key.get<std::string>())) return wrong(value, "needs " + key.dump());
    }
    return "";
  }

  std::string check_array(const yaml::Value& value, const Json& rule) const {
    if (!value.is_list()) return wrong(value, "no list");
    if (value.items().size() < rule.value("minItems", std::size_t{0})) return wrong(value, "too short");
    for (const yaml::Value& item : value.items()) {
      const std::string problem = check(item, rule.at("items"));
      if (!problem.empty()) return problem;
    }
    return "";
  }

  static std::string check_scalar(const yaml::Value& value, const Json& rule, const std::string& type) {
    if (!value.is_scalar()) return wrong(value, "no single value");
    try {
      if (type == "boolean") value.boolean();
      if (type == "number" && value.number(-1e300, 1e300) <= rule.value("exclusiveMinimum", -1e300)) {
        return wrong(value, "not above " + rule.at("exclusiveMinimum").dump());
      }
      if (type == "integer") {
        value.integer(rule.value("minimum", std::numeric_limits<std::int64_t>::min()),
                      rule.value("maximum", std::numeric_limits<std::int64_t>::max()));
      }
      if (rule.contains("pattern") &&
          !std::regex_search(value.text(), std::regex(rule.at("pattern").get<std::string>()))) {
        return wrong(value, "does not match " + rule.at("pattern").dump());
      }
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  Json root_;
};

TEST(Schema, HoldsForTheDemo) {
  const Validator validator(schema());
  const yaml::Value demo = yaml::load("tools/demo_data/run.yaml");
  EXPECT_EQ(validator.check(demo, validator.root()), "");
  for (const std::string& section : demo.keys()) {
    const Json rule = {{"$ref", "#/$defs/" + section}};
    EXPECT_EQ(validator.check(demo.at(section).included(), rule), "") << section;
  }
}

TEST(Schema, RefusesMistakes) {
  const Validator validator(schema());
  const auto problem = [&](const std::string& text, const std::string& definition) {
    return validator.check(yaml::parse(text, "t"), {{"$ref", "#/$defs/" + definition}});
  };
  EXPECT_NE(problem("{number: 1, shard: 2}", "run"), "");
  EXPECT_NE(problem("{number: many}", "run"), "");
  EXPECT_NE(problem("{sources: [{name: a}]}", "detector"), "");
  EXPECT_NE(problem("{name: a, type: u9}", "field"), "");
  EXPECT_EQ(problem("{name: a, type: u8}", "field"), "");
  EXPECT_NE(problem("{name: a b, type: u8}", "field"), "");
  EXPECT_NE(problem("{sources: []}", "detector"), "");
  EXPECT_NE(problem("{lsb: 0, unit: GeV}", "unit"), "");
  EXPECT_NE(problem("{number: 1, input: {bind: 'udp://127.0.0.1:5700'}}", "run"), "");
}

}  // namespace
}  // namespace crible
