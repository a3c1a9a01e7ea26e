// Every key of the `run` section: what it sets, its default as documented, and what is refused with which
// words.

#include "engine/pipeline/run_config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::pipeline {
namespace {

using testing::AllOf;
using testing::HasSubstr;

RunConfig load(const std::string& text, std::size_t sources = 2) {
  return load_run_config(yaml::parse(text, "trigger.yaml"), sources);
}

std::string error_of(const std::string& text, std::size_t sources = 2) {
  try {
    load(text, sources);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::user);
    return error.what();
  }
  return "no error";
}

/// A key: where it is, a value that is not the default and how the loaded configuration shows it.
struct Key {
  const char* map;  // empty: the section itself
  const char* name;
  const char* documented;  // the default, as docs/configuration.md has it
  const char* value;
  const char* shown;  // `value` as `show` writes it; `fallback` likewise for the default
  const char* fallback;
  std::function<std::string(const RunConfig&)> show;
  /// Values that are refused, each with a part of the sentence.
  std::vector<std::pair<const char*, const char*>> refused;
};

template <class Number>
std::function<std::string(const RunConfig&)> number(Number get) {
  return [get](const RunConfig& run) { return fmt::format("{}", get(run)); };
}

const char* const no_integer = "integer";
const char* const no_number = "number";

const std::vector<Key>& all_keys() {
  using Run = const RunConfig&;
  static const std::vector<Key> keys = {
      {"",
       "number",
       "1",
       "7",
       "7",
       "1",
       number([](Run run) { return run.number; }),
       {{"-1", no_integer}, {"4294967296", no_integer}, {"seven", no_integer}, {"[7]", "a list"}}},
      {"",
       "shards",
       "1",
       "3",
       "3",
       "1",
       number([](Run run) { return run.shards; }),
       {{"0", no_integer}, {"257", no_integer}, {"2.5", no_integer}, {"{a: 1}", "a map"}}},
      {"",
       "cores",
       "none",
       "[2, 3]",
       "[2, 3]",
       "[]",
       [](Run run) { return fmt::format("[{}]", fmt::join(run.cores, ", ")); },
       {{"2", "a list"}, {"[-1]", no_integer}, {"[1024]", no_integer}, {"[x]", no_integer}}},
      {"",
       "spin",
       "false",
       "true",
       "true",
       "false",
       number([](Run run) { return run.spin; }),
       {{"1", "none of false, true"}, {"maybe", "none of false, true"}}},
      {"",
       "io_threads",
       "1",
       "2",
       "2",
       "1",
       number([](Run run) { return run.io_threads; }),
       {{"0", no_integer}, {"65", no_integer}, {"many", no_integer}}},
      {"",
       "stop_at_end_of_run",
       "true",
       "false",
       "false",
       "true",
       number([](Run run) { return run.stop_at_end_of_run; }),
       {{"0", "none of false, true"}}},
      {"",
       "drain_ms",
       "5000",
       "0.5",
       "500000",
       "5000000000",
       number([](Run run) { return run.drain_ns; }),
       {{"-1", no_number}, {"3600001", no_number}, {"5 s", no_number}, {"nan", no_number}}},

      {"input",
       "bind",
       "`tcp://127.0.0.1:5700`",
       "tcp://*:9000",
       "tcp://*:9000",
       "tcp://127.0.0.1:5700",
       [](Run run) { return run.input.bind; },
       {{"5700", "no transport"},
        {"tcp://localhost", "no port"},
        {"tcp://localhost:port", "no port"},
        {"tcp://localhost:0", "no port"},
        {"tcp://localhost:65535", "raised by 1"},
        {"[a]", "a list"}}},
      {"input",
       "high_water_frames",
       "32",
       "5",
       "5",
       "32",
       number([](Run run) { return run.input.high_water_frames; }),
       {{"0", no_integer}, {"1000001", no_integer}, {"5.5", no_integer}}},
      {"input",
       "max_frame_bytes",
       "134217728",
       "1048576",
       "1048576",
       "134217728",
       number([](Run run) { return run.input.max_frame_bytes; }),
       {{"1023", no_integer}, {"1073741825", no_integer}, {"64 MiB", no_integer}}},

      {"build",
       "block_events",
       "4096",
       "64",
       "64",
       "4096",
       number([](Run run) { return run.build.block_events; }),
       {{"0", no_integer}, {"1048577", no_integer}, {"16384", "two blocks"}, {"some", no_integer}}},
      {"build",
       "ring_events",
       "16384",
       "32768",
       "32768",
       "16384",
       number([](Run run) { return run.build.ring_events; }),
       {{"1", no_integer},
        {"33554432", no_integer},
        {"20000", "a power of two, for instance 32768"},
        {"4096", "two blocks"}}},
      {"build",
       "timeout_ms",
       "500",
       "0.25",
       "250000",
       "500000000",
       number([](Run run) { return run.build.timeout_ns; }),
       {{"0", no_number}, {"-3", no_number}, {"3600001", no_number}, {"500 ms", no_number}}},

      {"batch",
       "backend",
       "`cpu`",
       "cpu:avx2",
       "cpu:avx2",
       "cpu",
       [](Run run) { return run.batch.backend; },
       {{"[cpu]", "a list"}}},
      {"batch",
       "max_events",
       "256",
       "8",
       "8",
       "256",
       number([](Run run) { return run.batch.max_events; }),
       {{"0", no_integer}, {"65537", no_integer}}},
      {"batch",
       "slots",
       "3",
       "2",
       "2",
       "3",
       number([](Run run) { return run.batch.slots; }),
       {{"0", no_integer}, {"65", no_integer}}},
      {"batch",
       "check_every",
       "1024",
       "8",
       "8",
       "1024",
       number([](Run run) { return run.batch.check_every; }),
       {{"-1", no_integer}, {"1073741825", no_integer}}},
      {"batch",
       "hang_ms",
       "2000",
       "0.5",
       "500000",
       "2000000000",
       number([](Run run) { return run.batch.hang_ns; }),
       {{"0", no_number}, {"-1", no_number}, {"3600001", no_number}}},

      {"deadline",
       "limit_us",
       "0",
       "0.5",
       "500",
       "0",
       number([](Run run) { return run.deadline.limit_ns; }),
       {{"-1", no_number}, {"1e10", no_number}, {"5us", no_number}}},
      {"deadline",
       "late",
       "`accept`",
       "prescale",
       "2",
       "0",
       number([](Run run) { return static_cast<int>(run.deadline.late); }),
       {{"drop", "accept"}}},
      {"deadline",
       "prescale",
       "100",
       "3",
       "3",
       "100",
       number([](Run run) { return run.deadline.prescale; }),
       {{"0", no_integer}, {"4294967296", no_integer}}},

      {"decisions",
       "connect",
       "none",
       "tcp://host:1",
       "tcp://host:1 false",
       " false",
       [](Run run) { return fmt::format("{} {}", run.decisions.address, run.decisions.bind); },
       {{"host:1", "no transport"}, {"[a]", "a list"}}},
      {"decisions",
       "bind",
       "none",
       "tcp://*:5",
       "tcp://*:5 true",
       " false",
       [](Run run) { return fmt::format("{} {}", run.decisions.address, run.decisions.bind); },
       {{"tcp://*", "no port"}, {"host:5", "no transport"}}},
      {"decisions",
       "kind",
       "`push`",
       "pub",
       "true",
       "false",
       number([](Run run) { return run.decisions.publish; }),
       {{"pull", "push"}}},
      {"decisions",
       "high_water_frames",
       "1000",
       "7",
       "7",
       "1000",
       number([](Run run) { return run.decisions.high_water_frames; }),
       {{"0", no_integer}}},
      {"decisions",
       "when_full",
       "`wait`",
       "drop",
       "1",
       "0",
       number([](Run run) { return static_cast<int>(run.decisions.when_full); }),
       {{"lose", "wait"}}},
      {"decisions",
       "flush_events",
       "512",
       "9",
       "9",
       "512",
       number([](Run run) { return run.decisions.flush_events; }),
       {{"0", no_integer}, {"65537", no_integer}}},
      {"decisions",
       "flush_us",
       "500",
       "2",
       "2000",
       "500000",
       number([](Run run) { return run.decisions.flush_ns; }),
       {{"-2", no_number}, {"soon", no_number}}},
      {"decisions",
       "linger_ms",
       "2000",
       "3",
       "3000000",
       "2000000000",
       number([](Run run) { return run.decisions.linger_ns; }),
       {{"-2", no_number}, {"3600001", no_number}}},

      {"record",
       "file",
       "none",
       "/data/run.crec",
       "/data/run.crec",
       "",
       [](Run run) { return run.record.file.string(); },
       {{"[a]", "a list"}}},
      {"record",
       "overwrite",
       "false",
       "true",
       "true",
       "false",
       number([](Run run) { return run.record.overwrite; }),
       {{"yes please", "none of false, true"}}},
      {"record",
       "block_bytes",
       "1048576",
       "4096",
       "4096",
       "1048576",
       number([](Run run) { return run.record.block_bytes; }),
       {{"4095", no_integer}, {"1 MB", no_integer}}},
      {"record",
       "buffers",
       "8",
       "2",
       "2",
       "8",
       number([](Run run) { return run.record.buffers; }),
       {{"1", no_integer}, {"1025", no_integer}}},
      {"record",
       "compression",
       "1",
       "0",
       "0",
       "1",
       number([](Run run) { return run.record.compression; }),
       {{"-1", no_integer}, {"20", no_integer}, {"zstd", no_integer}}},
      {"record",
       "flush_ms",
       "200",
       "1",
       "1000000",
       "200000000",
       number([](Run run) { return run.record.flush_ns; }),
       {{"-1", no_number}}},
      {"record",
       "max_wait_ms",
       "100",
       "1.5",
       "1500000",
       "100000000",
       number([](Run run) { return run.record.max_wait_ns; }),
       {{"-1", no_number}}},
      {"record",
       "on_failure",
       "`resume`",
       "stop",
       "1",
       "0",
       number([](Run run) { return static_cast<int>(run.record.on_failure); }),
       {{"panic", "resume"}}},

      {"monitoring",
       "prometheus",
       "none",
       "127.0.0.1:9400",
       "127.0.0.1:9400",
       "",
       [](Run run) { return run.monitoring.prometheus; },
       {{"{a: 1}", "a map"},
        {"here", "such as"},
        {"127.0.0.1:99999", "such as"},
        {"'127.0.0.1:'", "such as"}}},
      {"monitoring",
       "status_s",
       "5",
       "0",
       "0",
       "5000000000",
       number([](Run run) { return run.monitoring.status_ns; }),
       {{"-1", no_number}, {"3601", no_number}}},
  };
  return keys;
}

/// The section with one key, on line 1 or, inside a map, on line 2.
std::string section(const Key& key, const std::string& value) {
  const std::string pair = std::string(key.name) + ": " + value;
  return *key.map == '\0' ? pair : std::string(key.map) + ":\n  " + pair;
}

TEST(RunConfig, EachKeySetsWhatItSays) {
  for (const Key& key : all_keys()) {
    EXPECT_EQ(key.show(load("{}")), key.fallback) << key.map << "." << key.name;
    EXPECT_EQ(key.show(load(section(key, key.value))), key.shown) << key.map << "." << key.name;
  }
}

TEST(RunConfig, EachRefusalNamesFileLineAndKey) {
  for (const Key& key : all_keys()) {
    const std::string line = *key.map == '\0' ? "1" : "2";
    const std::string where =
        "trigger.yaml:" + line + ": " + (*key.map == '\0' ? "" : std::string(key.map) + ".") + key.name;
    for (const auto& [value, part] : key.refused) {
      EXPECT_THAT(error_of(section(key, value)), AllOf(HasSubstr(where), HasSubstr(part)))
          << section(key, value);
    }
  }
}

TEST(RunConfig, UnknownKeysAreRefusedInEachMap) {
  std::set<std::string> maps;
  for (const Key& key : all_keys()) maps.insert(key.map);
  for (const std::string& map : maps) {
    const std::string text = map.empty() ? "numbr: 1" : map + ":\n  zzz: 1";
    EXPECT_THAT(error_of(text), AllOf(HasSubstr(map.empty() ? "trigger.yaml:1: numbr: unknown key"
                                                            : "trigger.yaml:2: " + map + ".zzz: unknown key"),
                                      HasSubstr("known here")));
  }
  for (const std::string& map : maps) {
    if (map.empty()) continue;
    EXPECT_THAT(error_of(map + ": 5"),
                AllOf(HasSubstr("trigger.yaml:1: " + map), HasSubstr("must be a map")));
  }
  EXPECT_THAT(error_of("numbr: 1"), HasSubstr("did you mean 'number'"));
}

/// The table of a map in the page, and its rows in the schema, know each key and no other.
TEST(RunConfig, ThePageAndTheSchemaAgree) {
  const std::string page = read_file("docs/configuration.md");
  const std::string run_part = page.substr(page.find("\n## run\n"));
  const auto schema = nlohmann::json::parse(read_file("docs/config.schema.json"));
  for (const Key& key : all_keys()) {
    const std::string title = "`" + std::string(key.map) + "`";
    const std::size_t begin = *key.map == '\0' ? 0 : run_part.find("\n" + title);
    ASSERT_NE(begin, std::string::npos) << key.map;
    const std::size_t table = run_part.find("|---|", begin);
    const std::string rows = run_part.substr(table, run_part.find("\n\n", table) - table);
    EXPECT_THAT(rows, HasSubstr(fmt::format("| `{}` | {} |", key.name, key.documented)));
    const std::string definition = *key.map == '\0' ? "run" : "run_" + std::string(key.map);
    EXPECT_TRUE(schema.at("$defs").at(definition).at("properties").contains(key.name)) << definition;
  }
}

/// What the schema accepts as the smallest and largest integer, the loader accepts too, and no more.
TEST(RunConfig, TheSchemasLimitsAreTheLoaders) {
  const auto schema = nlohmann::json::parse(read_file("docs/config.schema.json"));
  for (const Key& key : all_keys()) {
    const std::string definition = *key.map == '\0' ? "run" : "run_" + std::string(key.map);
    const auto& property = schema.at("$defs").at(definition).at("properties").at(key.name);
    const std::string type = property.value("type", "");
    if (type != "integer" && type != "number") continue;
    const std::string problem = type == "integer" ? no_integer : no_number;
    const auto refused = [&](const std::string& value) {
      return error_of(section(key, value)).find(problem) != std::string::npos;
    };
    ASSERT_TRUE(property.contains("maximum")) << key.map << "." << key.name;
    const double high = property.at("maximum");
    EXPECT_FALSE(refused(fmt::format("{}", high))) << key.map << "." << key.name;
    EXPECT_TRUE(refused(fmt::format("{}", high + 1))) << key.map << "." << key.name;
    if (property.contains("exclusiveMinimum")) {
      EXPECT_TRUE(refused(fmt::format("{}", double{property.at("exclusiveMinimum")})));
      continue;
    }
    ASSERT_TRUE(property.contains("minimum")) << key.map << "." << key.name;
    const double low = property.at("minimum");
    EXPECT_FALSE(refused(fmt::format("{}", low))) << key.map << "." << key.name;
    EXPECT_TRUE(refused(fmt::format("{}", low - 1))) << key.map << "." << key.name;
  }
}

TEST(RunConfig, DecisionsEitherConnectOrBind) {
  EXPECT_THAT(error_of("decisions:\n  connect: tcp://a:1\n  bind: tcp://a:2"),
              AllOf(HasSubstr("trigger.yaml:3: decisions.bind"), HasSubstr("either connect or bind")));
}

TEST(RunConfig, AddressesCountUpSourceBySourceAndShardByShard) {
  RunConfig run = load("shards: 2\ninput: {bind: \"tcp://127.0.0.1:6000\"}", 3);
  EXPECT_EQ(input_addresses(run, 0),
            (std::vector<std::string>{"tcp://127.0.0.1:6000", "tcp://127.0.0.1:6001"}));
  EXPECT_EQ(input_addresses(run, 2),
            (std::vector<std::string>{"tcp://127.0.0.1:6004", "tcp://127.0.0.1:6005"}));
  run.input.bind = "ipc:///tmp/in";
  EXPECT_EQ(input_addresses(run, 1), (std::vector<std::string>{"ipc:///tmp/in.2", "ipc:///tmp/in.3"}));
  EXPECT_EQ(numbered_address("inproc://x", 0), "inproc://x");
}

TEST(RunConfig, AddressesHaveATransportThatIsHereAndAHost) {
  for (const char* key : {"input:\n  bind", "decisions:\n  bind", "decisions:\n  connect"}) {
    const std::string where = std::string("trigger.yaml:2: ") + (key[0] == 'i' ? "input." : "decisions.");
    const auto refused = [&](const std::string& address) {
      return error_of(std::string(key) + ": " + address);
    };
    EXPECT_THAT(refused("udp://127.0.0.1:5"), AllOf(HasSubstr(where), HasSubstr("another transport")));
    EXPECT_THAT(refused("tcp://:5700"), AllOf(HasSubstr(where), HasSubstr("no host")));
    EXPECT_THAT(refused("localhost:5700"), AllOf(HasSubstr(where), HasSubstr("no transport")));
    EXPECT_THAT(refused("tcp://localhost"), AllOf(HasSubstr(where), HasSubstr("no port")));
    EXPECT_EQ(refused("ipc:///tmp/here"), "no error");
  }
}

TEST(RunConfig, ThereIsAPortForEachSourceAndShard) {
  const std::string text = "shards: 4\ninput:\n  bind: tcp://127.0.0.1:65528";
  EXPECT_EQ(error_of(text, 2), "no error");
  EXPECT_THAT(error_of(text, 3), AllOf(HasSubstr("trigger.yaml:3: input"), HasSubstr("raised by 11")));
  EXPECT_THAT(error_of("shards: 4\ndecisions:\n  bind: tcp://*:65533"),
              AllOf(HasSubstr("trigger.yaml:3: decisions"), HasSubstr("raised by 3")));
}

}  // namespace
}  // namespace crible::pipeline
