#include "engine/base/yaml.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace crible::yaml {
namespace {

/// The sentence of the Error that `action` throws.
std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Yaml, ReadsTypedValues) {
  const Value root = parse("a: 12\nb: 0xC1B1\nc: 0.5\nd: true\ne: [x, y]\nf: {g: text}\nh:\n", "t.yaml");
  EXPECT_EQ(root.at("a").integer(0, 100), 12);
  EXPECT_EQ(root.at("b").integer(0, 65535), 0xC1B1);
  EXPECT_EQ(root.at("c").number(0, 1), 0.5);
  EXPECT_TRUE(root.at("d").boolean());
  EXPECT_EQ(root.at("e").items()[1].text(), "y");
  EXPECT_EQ(root.at("f").at("g").name(), "text");
  EXPECT_FALSE(root.has("h"));
  EXPECT_FALSE(root.has("i"));
  EXPECT_EQ(root.keys().size(), 7u);
}

TEST(Yaml, NamesFileLineAndKey) {
  const Value root = parse("menu:\n  chains:\n    - name: a\n      prescale: many\n", "menu.yaml");
  const Value prescale = root.at("menu").at("chains").items()[0].at("prescale");
  EXPECT_EQ(prescale.line(), 4);
  EXPECT_EQ(prescale.column(), 17);
  EXPECT_EQ(sentence_of([&] { prescale.integer(0, 10); }),
            "menu.yaml:4: menu.chains[0].prescale: must be an integer from 0 to 10, not 'many'");
}

TEST(Yaml, ProposesTheNearestKey) {
  const Value root = parse("chains: []\nprescale: 1\nstreems: []\n", "menu.yaml");
  EXPECT_EQ(
      sentence_of([&] {
        root.expect_keys({"chains", "prescale", "streams"});
      }),
      "menu.yaml:3: streems: unknown key; did you mean 'streams'? (known here: chains, prescale, streams)");
  EXPECT_EQ(sentence_of([&] {
              root.expect_keys({"chains", "prescale", "run"});
            }),
            "menu.yaml:3: streems: unknown key (known here: chains, prescale, run)");
  EXPECT_NO_THROW(root.expect_keys({"chains", "prescale", "streems", "more"}));
}

TEST(Yaml, RefusesWrongTypes) {
  const Value root = parse("a: 1.5\nb: [1]\nc: {d: 1}\ne: x y\nf: 9223372036854775808\ng: nan\n", "t");
  const std::int64_t big = std::int64_t{1} << 62;
  EXPECT_EQ(sentence_of([&] { root.at("a").integer(0, 9); }),
            "t:1: a: must be an integer from 0 to 9, not '1.5'");
  EXPECT_EQ(sentence_of([&] { root.at("b").text(); }), "t:2: b: must be a single value, not a list");
  EXPECT_EQ(sentence_of([&] { root.at("c").items(); }), "t:3: c: must be a list, not a map");
  EXPECT_EQ(sentence_of([&] { root.at("a").keys(); }),
            "t:1: a: must be a map of keys and values, not a single value");
  EXPECT_EQ(sentence_of([&] { root.at("c").at("x"); }), "t:3: c: needs the key 'x'");
  EXPECT_EQ(sentence_of([&] { root.at("e").name(); }),
            "t:4: e: 'x y' is no name: a letter or _, then letters, digits and _");
  EXPECT_THROW(root.at("f").integer(-big, big), Error);
  EXPECT_EQ(sentence_of([&] { root.at("g").number(0, 2); }),
            "t:6: g: must be a number from 0 to 2, not 'nan'");
  EXPECT_EQ(sentence_of([&] { root.at("e").boolean(); }), "t:4: e: 'x y' is none of false, true");
}

TEST(Yaml, RefusesBrokenDocuments) {
  EXPECT_EQ(sentence_of([] { parse("a: 1\nb: 2\na: 3\n", "t.yaml"); }),
            "t.yaml:3: a is given twice; remove one");
  EXPECT_EQ(sentence_of([] { parse("a: 1\n---\nb: 1\n", "t.yaml"); }),
            "t.yaml: holds several YAML documents; keep one");
  EXPECT_NE(sentence_of([] { parse("a: [1, 2\nb: }", "t.yaml"); }).find("t.yaml:2: not well-formed YAML: "),
            std::string::npos);
  EXPECT_NE(sentence_of([] { parse("? [a]\n: b\n", "t.yaml"); }).find("t.yaml:1: a key must be a word"),
            std::string::npos);
  EXPECT_NE(sentence_of([] { parse(",\nc -:", "t.yaml"); }).find("t.yaml"), std::string::npos) << "and ends";
  EXPECT_EQ(parse("", "t.yaml").kind(), Kind::null);
}

TEST(Yaml, RefusesAliasesWithoutEnd) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_NE(sentence_of([&] { parse(bomb, "t.yaml"); }).find("nested too deeply or too large"),
            std::string::npos);
  EXPECT_NE(sentence_of([] { parse("a: &a [*a]\n", "t.yaml"); }).find("t.yaml"), std::string::npos);
}

TEST(Yaml, IncludesFilesBesideTheDocument) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "yaml_include";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "menu.yaml") << "# first line\nname: x\n";
  std::ofstream(folder / "run.yaml") << "menu: menu.yaml\nhere: {name: y}\nlost: none.yaml\n";
  const Value root = load(folder / "run.yaml");
  const Value name = root.at("menu").included().at("name");
  EXPECT_EQ(name.text(), "x");
  EXPECT_EQ(name.key(), "menu.name");
  EXPECT_EQ(name.line(), 2);
  EXPECT_EQ(name.file(), (folder / "menu.yaml").string());
  EXPECT_EQ(root.at("here").included().at("name").text(), "y");
  EXPECT_NE(sentence_of([&] { root.at("lost").included(); }).find("run.yaml:3: lost: cannot be included: "),
            std::string::npos);
}

TEST(Yaml, ProposalsAreNear) {
  EXPECT_EQ(nearest("prescal", {"prescale", "streams"}), "prescale");
  EXPECT_EQ(nearest("qqq", {"prescale", "streams"}), "");
  EXPECT_EQ(nearest("", {"prescale"}), "");
}

}  // namespace
}  // namespace crible::yaml
