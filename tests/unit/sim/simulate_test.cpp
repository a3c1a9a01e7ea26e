#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "sim/verify.hpp"
#include "tests/unit/sim/designs.hpp"

namespace crible::sim {
namespace {

/// Models are kept in the build folder, so that a second run compiles nothing.
class Simulate : public testing::Test {
 protected:
  static void SetUpTestSuite() { setenv("CRIBLE_CACHE", CRIBLE_SIM_CACHE, 1); }
};

VerifyOptions few(std::size_t vectors) {
  VerifyOptions options;
  options.check.vectors = vectors;
  options.check.processes = 2;
  return options;
}

std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(Simulate, FirmwareGivesTheReferencesBitsInItsCycles) {
  const TemporaryFolder scratch("crible_sim");
  const network::Network network = tiny_network();
  const Binding binding = made_firmware(network, scratch.path());
  VerifyOptions options = few(3000);
  options.prove = true;
  options.mutants = 150;
  options.mutant_vectors = 600;
  const Verified verified = verify(network, binding, options);
  EXPECT_TRUE(verified.holds());
  ASSERT_TRUE(verified.checked);
  EXPECT_EQ(verified.checked->mismatches, 0U);
  EXPECT_GT(verified.checked->vectors, 2900U);
  EXPECT_GT(verified.checked->cycles, 3000U);
  ASSERT_TRUE(verified.four_state);
  EXPECT_EQ(verified.four_state->problem, "");
  EXPECT_TRUE(verified.proof->complete());
  ASSERT_TRUE(verified.mutants);
  EXPECT_EQ(verified.mutants->made, 150U);
  EXPECT_GE(verified.mutants->kinds, 8U);
  EXPECT_EQ(verified.mutants->caught + verified.mutants->equivalent, 150U);
  EXPECT_LT(verified.mutants->equivalent, 40U);
  for (const Survivor& survivor : verified.mutants->survivors)
    ADD_FAILURE() << survivor.mutant.what << ": " << survivor.reason;

  // The certificate holds for these files, and for no others.
  const std::string text = certificate(network, binding, verified);
  EXPECT_EQ(check_certificate(text, network, binding).problem, "");
  EXPECT_EQ(check_certificate(text, rounding_network(), binding).problem, "it is of another network");
  write_file(binding.sources[0], read_file(binding.sources[0]) + "// changed\n");
  EXPECT_EQ(check_certificate(text, network, binding).problem, "the Verilog has changed since");
}

TEST_F(Simulate, ADifferenceIsMadeSmallAndFollowedToItsNode) {
  const TemporaryFolder scratch("crible_sim");
  const network::Network network = tiny_network();
  const Binding binding = made_firmware(network, scratch.path(), " - ", " + ");
  VerifyOptions options = few(600);
  options.four_state = false;
  const Verified verified = verify(network, binding, options);
  EXPECT_FALSE(verified.holds());
  ASSERT_TRUE(verified.checked->first);
  const Mismatch& mismatch = *verified.checked->first;
  EXPECT_EQ(mismatch.kind, Finding::value);
  EXPECT_EQ(mismatch.node, "y");
  EXPECT_NE(mismatch.expected, mismatch.got);
  int zeros = 0;
  for (const std::int64_t value : mismatch.event[0]) zeros += value == 0 ? 1 : 0;
  EXPECT_GE(zeros, 2) << mismatch.sentence;
  ASSERT_TRUE(mismatch.first_node) << mismatch.sentence;
  EXPECT_NE(mismatch.first_node->got, mismatch.first_node->expected);
  EXPECT_NE(mismatch.first_node->node, "x");
}

TEST_F(Simulate, WrongTimingIsFound) {
  const TemporaryFolder scratch("crible_sim");
  const network::Network network = tiny_network();
  Binding binding = made_firmware(network, scratch.path());
  ++binding.latency_cycles;
  const Verified late = verify(network, binding, few(100));
  ASSERT_TRUE(late.checked->first);
  EXPECT_NE(late.checked->first->kind, Finding::value);

  binding = made_firmware(network, scratch.path(), "assign valid_out = ", "assign valid_out = 1'b0 & ");
  const std::string sentence = sentence_of([&] { verify(network, binding, few(100)); });
  EXPECT_NE(sentence.find("never raised 'valid_out'"), std::string::npos) << sentence;
}

TEST_F(Simulate, UnknownBitsThatReachAnOutputAreFoundByFourStates) {
  const TemporaryFolder scratch("crible_sim");
  const network::Network network = rounding_network();
  const std::string good =
      "wire signed [11:0] v = x; wire signed [12:0] s = v + 13'sd15 + $signed({1'b0, v[5]}); wire signed "
      "[7:0] r = s[12:5];\n";
  const std::string rest = "r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0]";
  const Binding fine = rounding_module(scratch.path(), good + "assign y = " + rest + ";");
  EXPECT_EQ(check_four_state(network, fine, 20, 1).problem, "");
  const Binding unknown =
      rounding_module(scratch.path(), good + "reg never; assign y = {4{never}} ^ (" + rest + ");");
  const std::string problem = check_four_state(network, unknown, 20, 1).problem;
  EXPECT_NE(problem.find("x"), std::string::npos) << problem;
}

TEST_F(Simulate, TextThatIsNoVerilogIsASentence) {
  const TemporaryFolder scratch("crible_sim");
  const Binding broken = rounding_module(scratch.path(), "assign y = ;");
  EXPECT_NE(sentence_of([&] { Model(broken, {}); }).find("Verilator cannot compile 'top'"),
            std::string::npos);
}

TEST_F(Simulate, AMissingToolIsASentence) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  const TemporaryFolder scratch("crible_sim");
  const std::string sentence =
      sentence_of([&] { Model(rounding_module(scratch.path(), "assign y = 0;"), {}); });
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(sentence, "'verilator' is not installed, which this check needs: apt install verilator.");
}

}  // namespace
}  // namespace crible::sim
