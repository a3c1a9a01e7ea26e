// crible bench as a user runs it: what it writes, and what it refuses before it measures anything.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"
#include "tests/commands/run_command.hpp"

namespace crible {
namespace {

using testing::AllOf;
using testing::HasSubstr;

void expect_refused(const std::string& arguments, const std::string& sentence) {
  const Outcome outcome = run("bench " + arguments);
  EXPECT_EQ(outcome.status, 2) << outcome.text;
  EXPECT_THAT(outcome.text, HasSubstr(sentence));
  EXPECT_EQ(std::count(outcome.text.begin(), outcome.text.end(), '\n'), 1) << outcome.text;
}

TEST(BenchCommand, MistakesAreOneSentenceBeforeAnythingIsMeasured) {
  expect_refused("netwrok", "there is no suite 'netwrok'; known are network, wire, pipeline");
  expect_refused("--objective 'p99.9<200'", "--objective 'p99.9<200' is not a percentile below a time");
  expect_refused("--rate 0", "--rate must be above 0 events/s");
  expect_refused("--rate=-5", "--rate must be above 0 events/s");
  expect_refused("--rate 1e300", "--rate must be between 1 and 1e8 events/s");
  expect_refused("--rate 1e-3", "--rate must be between 1 and 1e8 events/s");
  expect_refused("--objective 'p99<" + std::string(400, '9') + "us'", "is not a percentile below a time");
  expect_refused("--soak-seconds 1e300", "--soak-seconds must be between 0.1 and 1e6");
  expect_refused("--soak-seconds=-1", "--soak-seconds must be between 0.1 and 1e6");
  expect_refused("--soak-seconds nan", "--soak-seconds must be between 0.1 and 1e6");
  expect_refused("scale --shards 100000", "--shards 100000: each shard takes a tcp port and five open files");
  expect_refused("--arrivals sometimes", "--arrivals sometimes is neither constant, poisson, lhc nor bursts");
  expect_refused("--json /nowhere/result.json", "/nowhere/result.json");
  expect_refused("--hgrm /proc/result", "/proc/result");
}

TEST(BenchCommand, AResultOfAnotherVersionIsNotCompared) {
  const TemporaryFolder folder("crible-bench");
  write_file(folder.path() / "old.json", R"({"crible_bench": 999})");
  const std::string file = folder.path() / "old.json";
  const Outcome outcome = run("bench compare " + file + " " + file);
  EXPECT_EQ(outcome.status, 2) << outcome.text;
  EXPECT_THAT(outcome.text, AllOf(HasSubstr(file), HasSubstr("999")));
}

TEST(BenchCommand, AShortSoakGivesAWholeResult) {
  const TemporaryFolder folder("crible-bench");
  const std::string json = folder.path() / "result.json", hgrm = folder.path() / "hgrm";
  const Outcome outcome = run("bench soak --quick --soak-seconds 1 --rate 1000 --json " + json + " --html " +
                              json + ".html" + " --hgrm " + hgrm);
  ASSERT_EQ(outcome.status, 0) << outcome.text;
  EXPECT_THAT(outcome.text, AllOf(HasSubstr("soak"), HasSubstr("answers checked")));
  EXPECT_THAT(read_file(json), AllOf(HasSubstr("\"crible_bench\": 1"), HasSubstr("\"commit\""),
                                     HasSubstr("\"second half\""), HasSubstr("\"publish\"")));
  EXPECT_THAT(read_file(json + ".html"), AllOf(HasSubstr("second half"), HasSubstr("<svg")));
}

}  // namespace
}  // namespace crible
