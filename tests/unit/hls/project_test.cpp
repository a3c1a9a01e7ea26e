#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/reference/reference.hpp"
#include "hls/manifest.hpp"
#include "hls/vectors.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

using testing::HasSubstr;

/// The bench of a project, with the reference's answers.
std::string run_bench(const network::Network& network, const Options& options,
                      const char* break_from = nullptr, const char* break_to = nullptr) {
  Firmware firmware = generate(network, options);
  const std::vector<PortValues> inputs = vector_inputs(firmware);
  std::vector<PortValues> outputs;
  for (const PortValues& values : inputs) outputs.push_back(reference::evaluate(network, values));
  if (break_from != nullptr) {
    std::string& text = firmware.files.front().text;
    const std::size_t at = text.find(break_from);
    if (at == std::string::npos) return "nothing to break";
    text.replace(at, std::string(break_from).size(), break_to);
  }
  return bench_result(std::move(firmware), inputs, outputs);
}

TEST(Project, ItsBenchAgreesWithTheReference) {
  for (const network::Network& network :
       {conformance::sample_mlp(), conformance::sample_trees(), conformance::sample_recurrent()}) {
    EXPECT_EQ(run_bench(network, {}), "256 vectors, 0 wrong") << network.name;
  }
  Options options;
  options.top = "random";
  for (std::uint32_t seed = 20; seed < 28; ++seed) {
    options.adders_per_stage = 1 + static_cast<int>(seed % 3);
    options.tag_bits = 1 + static_cast<int>(seed);
    const network::Network network = conformance::random_network(conformance::Choices::seeded(seed, 300));
    EXPECT_EQ(run_bench(network, options), "256 vectors, 0 wrong") << "seed " << seed;
  }
}

/// The recurrent samples: forward, backward, last state, all states.
TEST(Project, ScansInTimeAgreeWithTheReference) {
  Options options;
  options.scan_in_time = true;
  int scans = 0;
  for (const network::Network& network : conformance::operation_samples()) {
    if (!network.name.starts_with("scan")) continue;
    ++scans;
    EXPECT_EQ(run_bench(network, options), "256 vectors, 0 wrong") << network.name;
    const Firmware firmware = generate(network, options);
    EXPECT_EQ(lint({firmware}), "") << network.name;
    EXPECT_LT(firmware.resources.adders, generate(network).resources.adders);
  }
  EXPECT_EQ(scans, 4);
}

TEST(Project, ItsBenchSeesAFault) {
  EXPECT_NE(run_bench(conformance::sample_mlp(), {}, " <<< 1)", " <<< 2)"), "256 vectors, 0 wrong");
  EXPECT_NE(run_bench(conformance::sample_mlp(), {}, " + ", " - "), "256 vectors, 0 wrong");
  EXPECT_NE(run_bench(conformance::sample_mlp(), {}, "_r1 <= ", "_r1 <= ~"), "256 vectors, 0 wrong");
}

TEST(Project, TextIsTheSameEachTime) {
  const Firmware first = generate(conformance::sample_mlp());
  const Firmware second = generate(conformance::sample_mlp());
  ASSERT_EQ(first.files.size(), second.files.size());
  for (std::size_t i = 0; i < first.files.size(); ++i) EXPECT_EQ(first.files[i].text, second.files[i].text);
}

TEST(Project, ManifestComesBack) {
  const Firmware firmware = generate(conformance::sample_trees());
  const TemporaryFolder scratch("crible_hls");
  write_project(firmware, scratch.path().string());
  const Firmware read = read_project(scratch.path().string());
  EXPECT_EQ(to_manifest(read), to_manifest(firmware));
  EXPECT_EQ(read.inputs, firmware.inputs);
  EXPECT_EQ(read.outputs, firmware.outputs);
  ASSERT_EQ(read.files.size(), 1u);
  EXPECT_EQ(read.files.front().text, firmware.files.front().text);
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::user);
    return error.what();
  }
  return "no refusal";
}

TEST(Project, RefusesInSentences) {
  const Firmware firmware = generate(conformance::sample_trees());
  const TemporaryFolder scratch("crible_hls");
  write_project(firmware, scratch.path().string());
  EXPECT_THAT(refusal([&] { write_project(firmware, scratch.path().string()); }),
              HasSubstr("not an empty directory"));
  Options options;
  options.tag_bits = 0;
  EXPECT_THAT(refusal([&] { generate(conformance::sample_trees(), options); }), HasSubstr("tag has 0 bits"));
  options = {};
  options.top = "two words";
  EXPECT_THAT(refusal([&] { generate(conformance::sample_trees(), options); }),
              HasSubstr("cannot name a module"));
  options = {};
  options.latency = -3;
  EXPECT_THAT(refusal([&] { generate(conformance::sample_trees(), options); }),
              HasSubstr("latency is -3 cycles"));
  options = {};
  options.clock_ns = 0;
  EXPECT_THAT(refusal([&] { generate(conformance::sample_trees(), options); }), HasSubstr("clock's period"));
  options = {};
  options.scan_in_time = true;
  EXPECT_THAT(refusal([&] { generate(conformance::sample_trees(), options); }),
              HasSubstr("has no recurrent node"));
  options.axi_stream = true;
  EXPECT_THAT(refusal([&] { generate(conformance::sample_recurrent(), options); }),
              HasSubstr("choose one of the two"));
  EXPECT_THAT(refusal([] { parse_manifest("{}", "x/firmware.json"); }), HasSubstr("not a firmware.json"));
  EXPECT_THAT(refusal([] { parse_manifest("{\"version\": 9}", "f"); }), HasSubstr("version 9"));
}

}  // namespace
}  // namespace crible::hls
