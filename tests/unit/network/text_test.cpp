#include "engine/network/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "engine/network/build.hpp"
#include "tests/unit/network/refusals.hpp"

namespace crible::network {
namespace {

using testing::HasSubstr;

/// The example of TEXT.md.
std::string example() {
  std::ifstream file("engine/network/TEXT.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const std::size_t begin = text.find("crible network 1\n");
  return text.substr(begin, text.find("```", begin) - begin);
}

TEST(Text, TheExampleOfThePageIsCanonical) {
  ASSERT_FALSE(example().empty());
  EXPECT_EQ(to_text(parse_text(example(), "example")), example());
}

TEST(Text, LayoutCommentsAndDefaultsDoNotMatter) {
  const std::string loose =
      "# a comment\n\ncrible   network 1\r\n name tagger # more\n"
      "jet=input:s8.5[4]\nscale 0.03125\nzero_point 0\noffset 0\n"
      "\"hidden\" = dense ( jet ) : s32.10 [ 2 ]\n bias 0\n 16\n inputs 4\n outputs 2\n weights 1 -2\n3 4 5 "
      "6 -7\n 8\n weight_fraction 5\n"
      "relu = requantize(hidden) : u6.4 [2]\n overflow saturate\n rounding half_even\n shift 6\n multiplier "
      "1\n"
      "score = output(relu) : u6.4 [2]\n scale 0x1p-4";
  EXPECT_EQ(to_text(parse_text(loose, "loose")), example());
}

/// A network with every kind of attribute, awkward names and numbers, and a body.
Network awkward() {
  Builder inner("a body");
  const NodeId step = inner.input("x", {2}, {true, 8, 0});
  const NodeId old = inner.input("name", {2}, {true, 8, 0});
  Requantize half;
  half.shift = {1};
  inner.output("body", inner.add("half", half, {inner.add("sum", Add{}, {step, old})}, Type{true, 8, 0}));
  Recurrent scan;
  scan.body = std::make_shared<const Network>(inner.finish());
  scan.sequence = true;

  Builder b("quote\" backslash\\ newline\n bell\a \xc3\xa9 #:[]");
  Encoding encoding;
  encoding.scale = 0.1;
  encoding.offset = -1e-310;
  encoding.zero_point = -3;
  encoding.rounding = Rounding::half_away;
  NodeId x = b.input("/model/layer.0:0", {3, 2}, {true, 8, 0}, encoding);
  Encoding ranks;
  ranks.edges = {{-1.5, 0.1, 3e300}, {}};
  const NodeId r = b.input("=", {2}, {false, 8, 0}, ranks);
  const NodeId h = b.constant("12", {2}, {true, 8, 0}, {-128, 127});
  x = b.add("}", scan, {x, h});
  TreeEnsemble trees;
  trees.bias = {std::int64_t{1} << 40};
  trees.missing = 0;
  trees.trees = {{0, {}, {5}},
                 {0,
                  {
                      {1, 0, ~0, ~1, true, {1, 9}},
                  },
                  {-1, 1}}};
  b.output("in", b.add("body", trees, {r}));
  b.output(" ", x);
  return b.finish();
}

TEST(Text, AwkwardThingsComeBack) {
  const Network network = awkward();
  const std::string text = to_text(network);
  const Network again = parse_text(text, "awkward");
  EXPECT_EQ(to_text(again), text);
  EXPECT_EQ(again.name, network.name);
  ASSERT_EQ(again.nodes.size(), network.nodes.size());
  for (std::size_t i = 0; i < network.nodes.size(); ++i)
    EXPECT_EQ(again.nodes[i].name, network.nodes[i].name);
  EXPECT_EQ(std::get<Input>(again.nodes[0].operation).encoding,
            std::get<Input>(network.nodes[0].operation).encoding);
  EXPECT_EQ(std::get<Input>(again.nodes[1].operation).encoding,
            std::get<Input>(network.nodes[1].operation).encoding);
}

TEST(Text, LongListsStandBelowTheirKey) {
  Builder b("n");
  b.input("x", {1}, {true, 8, 0});
  const NodeId c = b.constant("c", {34}, {true, 8, 0}, std::vector<std::int64_t>(34, 7));
  const NodeId d = b.constant("d", {32}, {true, 8, 0}, std::vector<std::int64_t>(32, 7));
  b.output("y", c);
  b.output("z", d);
  std::string full;
  for (int i = 0; i < 32; ++i) full += " 7";
  const std::string text = to_text(b.finish());
  EXPECT_THAT(text, HasSubstr("c = constant : s8.0 [34]\n  values\n   " + full + "\n    7 7\n"));
  EXPECT_THAT(text, HasSubstr("d = constant : s8.0 [32]\n  values" + full + "\n"));
}

TEST(Text, ErrorsNameFileAndLine) {
  const auto parse = [](const std::string& text) { return refusal([&] { parse_text(text, "net.crn"); }); };
  const std::string head = "crible network 1\nname n\n";
  const std::string x = "x = input : s8.0 [2]\n";
  const std::string y = "y = output(x) : s8.0 [2]\n";
  EXPECT_EQ(parse(head + x + y), "nothing was refused");
  EXPECT_EQ(parse(""), "net.crn:0: this is no network: its first line must be 'crible network 1'");
  EXPECT_THAT(parse("\x08\x07\x12 onnx"), HasSubstr("this is no network"));
  EXPECT_THAT(parse("crible network 2\n"), HasSubstr("net.crn:1: version '2' is unknown"));
  EXPECT_THAT(parse("crible network 1\n" + x), HasSubstr("net.crn:2: a network begins with 'name'"));
  EXPECT_THAT(parse(head), HasSubstr("network 'n' has no input"));
  EXPECT_THAT(parse(head + x), HasSubstr("network 'n' has no output"));
  EXPECT_THAT(parse(head + y + x), HasSubstr("net.crn:3: node 'y' reads 'x', which no line above defines"));
  EXPECT_THAT(parse(head + x + x), HasSubstr("net.crn:4: node 'x' has the name of an earlier node"));
  EXPECT_THAT(parse(head + "x = inputs : s8.0 [2]\n"), HasSubstr("net.crn:3: 'inputs' is no operation"));
  EXPECT_THAT(parse(head + "x = input : s80.0 [2]\n"), HasSubstr("net.crn:3: 's80.0' is not a type"));
  EXPECT_THAT(parse(head + "x = input : s8.0\n"), HasSubstr("expected the shape"));
  EXPECT_THAT(parse(head + "x = input : s8.0 [2\n"), HasSubstr("the shape does not end"));
  EXPECT_THAT(parse(head + "x = input : s8.0 [a]\n"), HasSubstr("no integer"));
  EXPECT_THAT(parse(head + "x = input : s8.0 [99999999999]\n"), HasSubstr("no integer"));
  EXPECT_THAT(parse(head + "x = input : s8.0 [2] 3\n"), HasSubstr("something behind the shape"));
  EXPECT_THAT(parse(head + "x = input(\n"), HasSubstr("list of inputs does not end"));
  EXPECT_THAT(parse(head + "x y\n"), HasSubstr("net.crn:3: expected a node"));
  EXPECT_THAT(parse(head + "\"x = input : s8.0 [2]\n"), HasSubstr("quoted name does not end"));
  EXPECT_THAT(parse(head + "\"\\q\" = input : s8.0 [2]\n"), HasSubstr("backslash"));
  EXPECT_THAT(parse(head + x + "  scale\n" + y), HasSubstr("net.crn:4: 'scale' needs exactly one number"));
  EXPECT_THAT(parse(head + x + "  scale 1 2\n" + y), HasSubstr("exactly one number"));
  EXPECT_THAT(parse(head + x + "  scale inf\n" + y), HasSubstr("'inf' is none"));
  EXPECT_THAT(parse(head + x + "  scale 0\n" + y),
              HasSubstr("net.crn:3: node 'x' (input) has a scale that is not positive"));
  EXPECT_THAT(parse(head + x + "  zero_point 1.5\n" + y), HasSubstr("'1.5' is none"));
  EXPECT_THAT(parse(head + x + "  zero_point 9223372036854775808\n" + y), HasSubstr("integers of 64 bits"));
  EXPECT_THAT(parse(head + x + "  rounding up\n" + y), HasSubstr("'rounding' needs one of floor, ceil"));
  EXPECT_THAT(parse(head + x + "  colour 3\n" + y),
              HasSubstr("net.crn:4: 'colour' is no attribute of input"));
  EXPECT_THAT(parse(head + x + "  scale 1\n  scale 1\n" + y), HasSubstr("or is there twice"));
  EXPECT_THAT(parse(head + x + "5\n"), HasSubstr("these values belong to no attribute"));
  EXPECT_THAT(parse(head + x + "}\n" + y), HasSubstr("no body to close"));
  EXPECT_THAT(parse(head + x + "r = requantize(x) : s8.0 [2]\n  rounding floor\n"),
              HasSubstr("net.crn:4: the attribute 'overflow' is missing"));
  EXPECT_THAT(parse(head + x + "s = sort(x) : s8.0 [2]\n  axis 0\n  descending maybe\n  result values\n"),
              HasSubstr("needs 'yes' or 'no'"));
  EXPECT_THAT(
      parse(head + x + "t = tree_ensemble(x) : s32.0 [1]\n  outputs 1\n  bias 0\n  split 0 0 -1 -2\n"),
      HasSubstr("'split' comes before the first 'tree'"));
  EXPECT_THAT(
      parse(head + x +
            "t = tree_ensemble(x) : s32.0 [1]\n  outputs 1\n  bias 0\n  tree 0\n  split 0 0 -1 -2 out\n"),
      HasSubstr("nothing behind its children"));
}

TEST(Text, ErrorsInsideABodyNameItsLine) {
  const std::string text =
      "crible network 1\nname n\nx = input : s8.0 [3, 2]\nh = input : s8.0 [2]\n"
      "r = recurrent(x, h) : s8.0 [2]\n  body {\n    name b\n    x = input : s8.0 [2]\n"
      "    h = input : s8.0 [3]\n    y = output(x) : s8.1 [2]\n  }\ny = output(r) : s8.0 [2]\n";
  EXPECT_THAT(refusal([&] { parse_text(text, "net.crn"); }), HasSubstr("net.crn:10: node 'y' (output)"));
  EXPECT_THAT(refusal([&] { parse_text(text.substr(0, text.find("  }")), "net.crn"); }),
              HasSubstr("net.crn:6: this body does not end"));
}

TEST(Text, BodiesNestNotForever) {
  std::string text = "crible network 1\n";
  for (int depth = 0; depth < 5000; ++depth) {
    text += "name n\nx = input : s8.0 [1]\nr = recurrent(x) : s8.0 [1]\nbody {\n";
  }
  EXPECT_THAT(refusal([&] { parse_text(text, "net.crn"); }), HasSubstr("bodies lie deeper than 8"));
}

TEST(Text, HashIsThatOfTheCanonicalText) {
  const Network network = parse_text(example(), "example");
  EXPECT_EQ(content_hash(network).size(), 64u);
  EXPECT_EQ(content_hash(network), content_hash(parse_text(to_text(network), "again")));
  Network other = network;
  std::get<Dense>(other.nodes[1].operation).weights[0] = 2;
  EXPECT_NE(content_hash(other), content_hash(network));
  // Pinned: recordings and firmware carry these hashes, so the canonical form may never drift.
  EXPECT_EQ(content_hash(network), "395dd813a1d69ca626a8c7c41f7024b74ee35b4540d7e81a73b1a4fa7afaf04d");
}

TEST(Text, FilesComeBack) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("crible_text_test_" + std::to_string(::getpid()) + ".crn");
  const Network network = parse_text(example(), "example");
  save(network, path);
  EXPECT_EQ(to_text(load(path)), example());
  std::filesystem::remove(path);
  EXPECT_THAT(refusal([&] { load(path); }), HasSubstr(path.string()));
}

}  // namespace
}  // namespace crible::network
