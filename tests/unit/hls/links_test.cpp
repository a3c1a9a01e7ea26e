#include "hls/links.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/network/build.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

using testing::HasSubstr;

constexpr const char* description = R"(links: 2
words: 3
tag: {link: 1, word: 0, bit: 40}
inputs:
- input: a
  elements:
  - {link: 0, word: 0, bit: 3, count: 2, step: 20}
  - {link: 0, word: 1, words: 2, bit: 56}
  - {link: 1, word: 2, bit: 10, width: 5}
- input: b
  elements: [{link: 1, word: 1, bit: 63, width: 1}]
)";

/// Shows its inputs, so that what arrives is what was unpacked.
network::Network passing() {
  network::Builder builder("passing");
  const network::NodeId a = builder.input("a", {5}, {true, 8, 0});
  const network::NodeId b = builder.input("b", {1}, {false, 6, 0});
  builder.output("out_a", a);
  builder.output("out_b", b);
  return builder.finish();
}

Firmware with_links(const std::string& text, const TemporaryFolder& scratch) {
  write_file(scratch.path() / "links.yaml", text);
  Options options;
  options.links_file = (scratch.path() / "links.yaml").string();
  return generate(passing(), options);
}

/// The links in one clock cycle.
struct Cycle {
  bool reset = false;
  bool valid = false;
  bool start = false;
  std::uint64_t link[2] = {0, 0};
};

std::string hex(std::uint64_t value, int digits) {
  char text[17];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

/// What the module must show for an event, from the words of both links: tag, b, a[4] ... a[0].
std::string expected_line(const std::uint64_t words[3][2]) {
  const auto bits = [&](int link, int word, int low, int width) {
    return (words[word][link] >> low) & ((std::uint64_t{1} << width) - 1);
  };
  const std::uint64_t narrow = bits(1, 2, 10, 5);
  const std::uint64_t extended = narrow >= 16 ? narrow | 0xe0 : narrow;
  const std::uint64_t a = bits(0, 0, 3, 8) | bits(0, 0, 23, 8) << 8 | bits(0, 1, 56, 8) << 16 |
                          bits(0, 2, 56, 8) << 24 | extended << 32;
  return hex(bits(1, 0, 40, 12), 3) + hex(bits(1, 1, 63, 1), 2) + hex(a, 10) + "\n";
}

constexpr const char* bench = R"(module bench;
  logic clk = 0, rst = 1, link_valid = 0, link_start = 0;
  logic [63:0] link_0 = 0, link_1 = 0;
  wire [39:0] out_out_a;
  wire [5:0] out_out_b;
  wire valid_out, link_error;
  wire [11:0] tag_out;
  logic [139:0] cycles [0:1999];
  logic [59:0] expected [0:999];
  integer at = 0, seen = 0, wrong = 0, errors = 0;
  passing_links dut (.*);
  always #1 clk = ~clk;
  initial begin
    $readmemh("cycles.hex", cycles);
    $readmemh("expected.hex", expected);
  end
  always @(negedge clk) begin
    {rst, link_valid, link_start, link_1, link_0} <= cycles[at][130:0];
    if (valid_out) begin
      if ({tag_out, 2'b00, out_out_b, out_out_a} !== expected[seen]) wrong <= wrong + 1;
      seen <= seen + 1;
    end
    if (link_error === 1'b1) errors <= errors + 1;
    at <= at + 1;
    if (at == 1999) begin
      $display("%0d seen, %0d wrong, %0d errors", seen, wrong, errors);
      $finish;
    end
  end
endmodule
)";

/// Events with gaps, words without a first one, events cut short and resets; a model of the framing says what
/// must come out.
TEST(Links, UnpackWhatTheDescriptionSays) {
  const TemporaryFolder scratch("crible_links");
  const Firmware firmware = with_links(description, scratch);
  const std::filesystem::path project = scratch.path() / "fw";
  write_project(firmware, project.string());
  std::mt19937_64 random(3);
  std::string cycles;
  std::string expected;
  std::uint64_t words[3][2] = {};
  int next = 0;
  int events = 0;
  int errors = 0;
  for (int i = 0; i < 2000; ++i) {
    Cycle cycle;
    cycle.reset = i < 3 || (i < 1900 && random() % 97 == 0);
    cycle.valid = random() % 4 != 0 && i < 1990;
    cycle.start = random() % 16 == 0 ? next != 0 : next == 0;
    for (std::uint64_t& link : cycle.link) link = random();
    const int flags = cycle.reset * 4 + cycle.valid * 2 + cycle.start;
    // 140 bits: the flags lie above the links' 128.
    cycles += "00" + hex(static_cast<std::uint64_t>(flags), 1) + hex(cycle.link[1], 16) +
              hex(cycle.link[0], 16) + "\n";
    if (cycle.reset) {
      next = 0;
      continue;
    }
    if (!cycle.valid) continue;
    if (cycle.start == (next != 0)) ++errors;
    if (!cycle.start && next == 0) continue;
    if (cycle.start) next = 0;
    std::copy_n(cycle.link, 2, words[next]);
    if (++next < 3) continue;
    next = 0;
    expected += expected_line(words);
    ++events;
  }
  write_file(project / "cycles.hex", cycles);
  write_file(project / "expected.hex", expected);
  write_file(project / "bench.sv", bench);
  const std::string enter = "cd " + project.string() + " && ";
  const std::string rtl = " rtl/passing.sv rtl/passing_links.sv";
  EXPECT_EQ(complaints(enter + "verilator --lint-only -Wall --top-module passing_links" + rtl), "");
  EXPECT_EQ(complaints(enter + "yosys -q -p 'read_verilog -sv" + rtl + "; proc; check -assert'"), "");
  const std::string said =
      complaints(enter + "iverilog -g2012 -o b -s bench bench.sv" + rtl + " && vvp -n b");
  EXPECT_THAT(said,
              HasSubstr(std::to_string(events) + " seen, 0 wrong, " + std::to_string(errors) + " errors"));
  EXPECT_GT(events, 100);
  EXPECT_GT(errors, 20);
}

std::string refusal(const std::string& from, const std::string& to) {
  std::string text = description;
  text.replace(text.find(from), from.size(), to);
  const TemporaryFolder scratch("crible_links");
  try {
    with_links(text, scratch);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::user);
    return error.what();
  }
  return "no refusal";
}

TEST(Links, RefuseInSentences) {
  EXPECT_THAT(refusal("input: b", "input: c"), HasSubstr("the network has no input 'c'"));
  EXPECT_THAT(refusal("word: 1, words: 2", "word: 2, words: 2"),
              HasSubstr("reads word 3, but an event has words 0 to 2"));
  EXPECT_THAT(refusal("count: 2, step: 20", "count: 4, step: 20"),
              HasSubstr("reads bit 70 of a word of 64 bits"));
  EXPECT_THAT(refusal("count: 2, step: 20", "count: 1"), HasSubstr("gives 4 elements, but input 'a' has 5"));
  EXPECT_THAT(refusal("width: 5", "width: 8, signed: false"),
              HasSubstr("8 unsigned bits do not fit an input of type s8.0"));
  EXPECT_THAT(refusal("link: 1, word: 1", "link: 2, word: 1"), HasSubstr("link"));
  EXPECT_THAT(refusal("- input: b\n  elements: [{link: 1, word: 1, bit: 63, width: 1}]\n", ""),
              HasSubstr("nothing feeds input 'b'"));
  EXPECT_THAT(refusal("bit: 40", "bit: 40, count: 2, step: 1"), HasSubstr("leave out 'count'"));
}

}  // namespace
}  // namespace crible::hls
