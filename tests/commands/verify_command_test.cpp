// `crible verify` on firmware that others made, as a user runs it: what is right, wrong, late, hung or
// missing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"
#include "tests/commands/run_command.hpp"

namespace crible {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* rounding = R"(crible network 1
name rounding
x = input : s12.0 [1]
rounded = requantize(x) : u4.0 [1]
  shift 5
  rounding half_even
  overflow saturate
y = output(rounded) : u4.0 [1]
)";

constexpr const char* binding = R"(inputs: [{port: x, input: x}]
outputs: [{port: y, output: y}]
)";

constexpr const char* sum = "wire signed [12:0] s = $signed(x) + 13'sd15 + $signed({1'b0, x[5]});\n";
constexpr const char* right =
    "wire signed [7:0] r = s[12:5]; assign y = r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0];\n";

/// A module of somebody else, its binding and the network in a folder of their own.
class VerifyCommand : public testing::Test {
 protected:
  void SetUp() override {
    setenv("CRIBLE_CACHE", CRIBLE_SIM_CACHE, 1);
    write_file(folder_.path() / "rounding.crn", rounding);
    write_file(folder_.path() / "ports.yaml", binding);
  }

  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }

  Outcome verify(const std::string& body, const std::string& options) const {
    return verify_text("module top(input [11:0] x, output [3:0] y);\n" + body + "endmodule\n", options);
  }
  Outcome verify_text(const std::string& text, const std::string& options) const {
    write_file(folder_.path() / "top.v", text);
    return run("verify " + file("rounding.crn") + " --rtl " + file("top.v") + " --top top --bind " +
               file("ports.yaml") + " --keep " + folder_.path().string() + " --vectors 3000 " + options);
  }

  TemporaryFolder folder_{"crible_verify"};
};

TEST_F(VerifyCommand, ARightModuleIsProvenAndItsCertificateIsFollowedByTheSecondChecker) {
  const std::string body = std::string(sum) + right;
  const Outcome good =
      verify(body, "--prove --write-certificate " + file("c.json") + " --json " + file("v.json"));
  EXPECT_EQ(good.status, 0) << good.text;
  EXPECT_THAT(good.text, AllOf(HasSubstr("4 of 4 output bits"), HasSubstr(" 0 mismatches")));
  const std::string certificate = read_file(file("c.json"));
  for (const char* field : {"network_hash", "rtl_sha256", "\"sha256\"", "\"ranges\"", "bits_proven",
                            "\"vectors\": 3000", "\"mismatches\": 0", "\"steps\": ["}) {
    EXPECT_THAT(certificate, HasSubstr(field));
  }
  const Outcome again = verify(body, "--certificate " + file("c.json"));
  EXPECT_EQ(again.status, 0) << again.text;
  EXPECT_THAT(again.text,
              AllOf(HasSubstr("holds"), HasSubstr("1 functions"), HasSubstr("4 output bits again")));
  const Outcome changed = verify(body + "// changed\n", "--certificate " + file("c.json"));
  EXPECT_EQ(changed.status, 1);
  EXPECT_THAT(changed.text, HasSubstr("does not hold: the Verilog has changed since"));
  const std::size_t place = certificate.rfind("\"most\":15");
  ASSERT_NE(place, std::string::npos);
  write_file(file("c.json"), std::string(certificate).replace(place, 9, "\"most\":14"));
  const Outcome tampered = verify(body, "--certificate " + file("c.json"));
  EXPECT_EQ(tampered.status, 1) << tampered.text;
  EXPECT_THAT(tampered.text, HasSubstr("does not hold: step 2: element 0 of 'rounded' is another function"));
}

TEST_F(VerifyCommand, AWrongFunctionGivesAnEventAWaveformAndTheCommandToSeeIt) {
  const std::string half_up = "wire signed [12:0] s = $signed(x) + 13'sd16;\n" + std::string(right);
  const Outcome simulated = verify(half_up, "");
  EXPECT_EQ(simulated.status, 1) << simulated.text;
  EXPECT_THAT(simulated.text, AllOf(HasSubstr("output 'y' element 0 is"), HasSubstr("for x[0] = "),
                                    HasSubstr("see it with: gtkwave " + file("top_mismatch.fst"))));
  EXPECT_GT(fs::file_size(file("top_mismatch.fst")), 100U);
  // Half up and half to even differ at every second tie: the smallest is 16.
  EXPECT_THAT(simulated.text, HasSubstr("is 1, the reference gives 0 (lowest differing bit 0"));

  const Outcome proven = verify(half_up, "--no-simulation --prove");
  EXPECT_EQ(proven.status, 1) << proven.text;
  EXPECT_THAT(proven.text, AllOf(HasSubstr("refuted"), HasSubstr("for x[0] = ")));
}

TEST_F(VerifyCommand, AnOutputThatIsNeverValidOrLateIsASentence) {
  const std::string head =
      "module top(input clk, input go, input [11:0] x, output reg [3:0] y, output reg done);\n";
  const std::string body = std::string(sum) +
                           "wire signed [7:0] r = s[12:5];\nalways @(posedge clk) begin\n"
                           "  y <= r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0];\n";
  write_file(folder_.path() / "ports.yaml",
             std::string(binding) + "clock: clk\nlatency: 1\nvalid_in: go\nvalid_out: done\n");
  const Outcome good = verify_text(head + body + "  done <= go;\nend\nendmodule\n", "");
  EXPECT_EQ(good.status, 0) << good.text;
  const Outcome never = verify_text(head + body + "  done <= 1'b0;\nend\nendmodule\n", "");
  EXPECT_EQ(never.status, 1);
  EXPECT_THAT(never.text, HasSubstr("never raised 'done'"));
  write_file(folder_.path() / "ports.yaml",
             std::string(binding) + "clock: clk\nlatency: 2\nvalid_in: go\nvalid_out: done\n");
  const Outcome early = verify_text(head + body + "  done <= go;\nend\nendmodule\n", "");
  EXPECT_EQ(early.status, 1);
  EXPECT_THAT(early.text, HasSubstr("'done' is high in cycle"));
}

TEST_F(VerifyCommand, ASimulationThatHangsIsStopped) {
  const Outcome hung =
      verify(std::string(sum) +
                 "reg [3:0] z; integer i;\n"
                 "always @* begin i = 0; z = s[8:5]; while (i < 2) begin i = i ^ 1; z = z + 1; end end\n"
                 "assign y = z;\n",
             "--limit 2");
  EXPECT_EQ(hung.status, 1);
  EXPECT_THAT(hung.text, HasSubstr("The simulation did not end within 2 s"));
}

TEST_F(VerifyCommand, AVerilatorThatIsTooOldOrMissingIsASentence) {
  const std::string path = std::getenv("PATH");
  write_file(folder_.path() / "verilator", "#!/bin/sh\necho 'Verilator 4.038 2020-07-11 rev v4.036'\n");
  fs::permissions(folder_.path() / "verilator", fs::perms::owner_all);
  setenv("PATH", (folder_.path().string() + ":" + path).c_str(), 1);
  const Outcome old = verify(std::string(sum) + right, "");
  setenv("PATH", "/nonexistent", 1);
  const Outcome missing = verify(std::string(sum) + right, "");
  setenv("PATH", path.c_str(), 1);
  EXPECT_NE(old.status, 0);
  EXPECT_THAT(old.text,
              HasSubstr("Verilator is too old (Verilator 4.038 2020-07-11 rev v4.036): version 5.000 or "
                        "later is needed."));
  EXPECT_NE(missing.status, 0);
  EXPECT_THAT(missing.text, AllOf(HasSubstr("verilator"), HasSubstr("not installed")));
}

TEST_F(VerifyCommand, BindingsThatDoNotFitAreSentences) {
  const std::string body = std::string(sum) + right;
  const auto refusal = [&](const std::string& text) {
    write_file(folder_.path() / "ports.yaml", text);
    const Outcome outcome = verify(body, "--no-simulation --prove");
    EXPECT_EQ(outcome.status, 2) << outcome.text;
    return outcome.text;
  };
  EXPECT_THAT(refusal("inputs: [{port: z, input: x}]\noutputs: [{port: y, output: y}]\n"),
              HasSubstr("module 'top' has no port 'z'"));
  EXPECT_THAT(
      refusal("inputs: [{port: x, input: x}]\noutputs: [{port: y, output: y, elements: {width: 9}}]\n"),
      HasSubstr("port 'y' has 4 bits, and the binding needs 9"));
  EXPECT_THAT(refusal("inputs: [{port: x, input: w}]\noutputs: [{port: y, output: y}]\n"),
              HasSubstr("the network has no input 'w'"));
}

}  // namespace
}  // namespace crible
