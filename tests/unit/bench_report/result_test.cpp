#include "bench/report/result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"
#include "tests/unit/bench_report/sample_result.hpp"

namespace crible::bench {
namespace {

using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

/// The sentence that `act` throws; "" when it throws nothing.
std::string sentence(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string reading(const std::string& text) {
  return sentence([&] { parse_result(text, "a.json"); });
}

/// The sentence for the sample with one change.
std::string reading_changed(const std::function<void(Json&)>& change) {
  Json json = to_json(sample_result());
  change(json);
  return reading(json.dump());
}

TEST(Result, ComesBackFromItsFileAsItWas) {
  const TemporaryFolder folder("crible_result");
  const auto path = folder.path() / "r.json";
  const Result written = sample_result();
  write_result(path, written);
  EXPECT_EQ(to_json(read_result(path)).dump(), to_json(written).dump());
}

/// The format is what others' tools read: a change of it is seen here. CRIBLE_UPDATE_GOLDEN=1 keeps the new
/// one.
TEST(Result, TheFormatIsThatOfTheGoldenFile) {
  const std::string golden = "tests/data/bench/result.json";
  if (std::getenv("CRIBLE_UPDATE_GOLDEN")) write_result(golden, sample_result());
  EXPECT_EQ(to_json(read_result(golden)).dump(1), to_json(sample_result()).dump(1));
  const TemporaryFolder folder("crible-result");
  write_result(folder.path() / "again.json", sample_result());
  EXPECT_EQ(read_file(golden), read_file(folder.path() / "again.json"));
}

TEST(Result, EveryFieldOfTheFormatIsWritten) {
  const Json json = to_json(sample_result());
  EXPECT_EQ(json["crible_bench"], 1);
  EXPECT_EQ(json["machine"]["networks"]["jet_mlp"], "a1b2c3d4");
  const Json& figure = json["suites"][0]["figures"][0];
  EXPECT_EQ(figure["better"], "lower");
  EXPECT_EQ(figure["floor"]["value"], 40.0);
  EXPECT_EQ(json["suites"][1]["figures"][0]["floor"], nullptr);
  const Json& latency = json["suites"][1]["latencies"][0];
  EXPECT_EQ(latency["histogram"][0].size(), 2u);
  EXPECT_EQ(latency["slowest"][0]["stages"].begin().key(), "receive");
  EXPECT_EQ(latency["slowest"].size(), 10u);
  EXPECT_EQ(json["suites"][2]["tables"][1]["kind"], "model");
}

TEST(Result, ATruncatedFileIsRefusedAtEveryLength) {
  const std::string whole = to_json(sample_result()).dump(1);
  for (std::size_t length = 0; length < whole.size(); length += 97)
    ASSERT_THAT(reading(whole.substr(0, length)), AllOf(HasSubstr("a.json:"), HasSubstr("ends too early")))
        << length;
}

TEST(Result, WhatIsNoResultIsNamedWithItsLine) {
  EXPECT_THAT(reading("{\n\"a\": tru,\n}"), HasSubstr("a.json:2: this is not JSON; give a file that"));
  EXPECT_THAT(reading("[]"), HasSubstr("a.json: is JSON, but no result of `crible bench`"));
  EXPECT_THAT(reading("{}"), HasSubstr("no result of `crible bench`"));
  EXPECT_THAT(reading(R"({"crible_bench": 1, "created": "", "command": "", "duration_s": 1e999})"),
              HasSubstr("a.json: holds a number that is too large"));
  EXPECT_THAT(reading(std::string(100'000, '[')), HasSubstr("ends too early"));
  EXPECT_THAT(sentence([] { read_result("/nonexistent/a.json"); }), HasSubstr("/nonexistent/a.json"));
}

TEST(Result, AnotherFormatIsNamed) {
  EXPECT_THAT(reading_changed([](Json& json) { json["crible_bench"] = 2; }),
              AllOf(HasSubstr("format 2"), HasSubstr("reads format 1"), HasSubstr("measure again")));
  EXPECT_THAT(reading_changed([](Json& json) { json["crible_bench"] = "1"; }), HasSubstr("format \"1\""));
}

TEST(Result, AWrongTypeIsNamedWithItsPlace) {
  EXPECT_THAT(
      reading_changed([](Json& json) { json["suites"][1]["latencies"][0]["percentiles"][2]["ns"] = "fast"; }),
      HasSubstr("a.json: suites[1].latencies[0].percentiles[2].ns: must be a number, not \"fast\""));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][0]["figures"][0]["checked"] = -1; }),
              HasSubstr("checked: must be a whole number that is not negative, not -1"));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][0]["figures"][0]["better"] = "faster"; }),
              HasSubstr("better: must be 'lower' or 'higher', not \"faster\""));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][0]["figures"][0].erase("median"); }),
              HasSubstr("suites[0].figures[0]: has no field 'median'"));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"] = Json::object(); }),
              HasSubstr("suites: must be an array, not an object"));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][1]["latencies"][0]["histogram"][0] = {1}; }),
              HasSubstr("must be a pair of upper edge and count, not an array of 1"));
}

/// Every value of the sample, put to another type one after the other: refused or read, never a crash.
TEST(Result, NoWrongTypeAnywhereDoesHarm) {
  const Json flat = to_json(sample_result()).flatten();
  int refused = 0;
  for (const auto& [pointer, value] : flat.items()) {
    Json changed = flat;
    changed[pointer] = value.is_string() ? Json(1.5) : Json("text");
    refused += reading(changed.unflatten().dump()).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, static_cast<int>(flat.size()) * 9 / 10);  // a table's cells may be either
}

TEST(Result, BrokenRulesAreNamedInAFileAndInASuite) {
  Result twice = sample_result();
  twice.suites[0].figures[1].name = twice.suites[0].figures[0].name;
  EXPECT_THAT(sentence([&] { to_json(twice); }),
              AllOf(HasSubstr("'jet_mlp cpu:avx2 batch 1': two figures have this name"),
                    HasSubstr("mistake in the suite")));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][1]["latencies"][0]["count"] = 3; }),
              HasSubstr("its histogram holds 100000 samples, its count is 3"));
  EXPECT_THAT(reading_changed([](Json& json) {
                auto& edges = json["suites"][1]["latencies"][0]["histogram"];
                edges[1][0] = edges[0][0];
              }),
              HasSubstr("the edges of its histogram do not rise"));
  EXPECT_THAT(
      reading_changed([](Json& json) { json["suites"][1]["latencies"][0]["percentiles"][1]["p"] = 50; }),
      HasSubstr("the percentiles do not rise"));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][2]["tables"][0]["rows"][0].push_back("x"); }),
              HasSubstr("a row has 3 cells, not 2"));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][1]["name"] = "network"; }),
              HasSubstr("stands twice"));
  EXPECT_THAT(reading_changed([](Json& json) { json["suites"][0]["figures"][0]["wrong"] = 1'001; }),
              HasSubstr("more wrong answers than checked ones"));
}

TEST(Result, ANumberThatIsNotFiniteIsAFailureOfItsSuite) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Result result = sample_result();
    result.suites[0].figures[0].repeats[2] = bad;
    EXPECT_THAT(sentence([&] { to_json(result); }), HasSubstr("suites[0].figures[0].repeats[2]"));
  }
}

TEST(Result, BytesThatAreNoTextAreReplaced) {
  const TemporaryFolder folder("crible_result");
  Result result = sample_result();
  result.machine.cpu = "odd \xff name";
  write_result(folder.path() / "r.json", result);
  EXPECT_THAT(read_result(folder.path() / "r.json").machine.cpu, HasSubstr("odd "));
}

TEST(Result, APlaceThatCannotBeWrittenIsNamedBeforeTheRun) {
  const TemporaryFolder folder("crible_result");
  const auto good = folder.path() / "good.json";
  EXPECT_EQ(sentence([&] { require_writable(good); }), "");
  EXPECT_FALSE(std::filesystem::exists(good)) << "asking leaves nothing behind";
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  write_file(good, "kept");
  EXPECT_EQ(sentence([&] { require_writable(good); }), "");
  EXPECT_EQ(read_file(good), "kept");
  EXPECT_THAT(sentence([&] { require_writable(folder.path()); }),
              HasSubstr("cannot be written: Is a directory"));
  EXPECT_THAT(
      sentence([&] { require_writable(folder.path() / "no" / "a.json"); }),
      AllOf(HasSubstr("No such file or directory"), HasSubstr("name a file in a folder that exists")));
}

TEST(Result, AFolderWithoutPermissionIsNamed) {
  const std::filesystem::path nobody_writes_here = "/sys/a.json";  // also root does not
  EXPECT_THAT(sentence([&] { require_writable(nobody_writes_here); }),
              HasSubstr("/sys/a.json: cannot be written: "));
  EXPECT_THAT(sentence([&] { write_result(nobody_writes_here, sample_result()); }),
              HasSubstr("/sys/a.json: cannot be written: "));
}

}  // namespace
}  // namespace crible::bench
