#include <limits>
#include <random>

#include "tests/unit/menu/fixture.hpp"

namespace crible::menu {
namespace {

class Condition : public SmallTrigger {
 protected:
  /// "COLUMN: problem" of the ExpressionError, columns from 0.
  std::string problem(const std::string& text) const {
    try {
      compile(text);
    } catch (const ExpressionError& error) {
      return std::to_string(error.at) + ": " + error.problem;
    }
    return "nothing was thrown";
  }
};

TEST_F(Condition, ComparesAndJoins) {
  set_event(100, 7, {}, {});
  EXPECT_TRUE(holds("bx == 7"));
  EXPECT_FALSE(holds("bx != 7"));
  EXPECT_TRUE(holds("bx < 8 and bx > 6"));
  EXPECT_TRUE(holds("bx <= 7 and bx >= 7"));
  EXPECT_FALSE(holds("bx < 7 or bx > 7"));
  EXPECT_TRUE(holds("8 > bx and 6 < bx and 7 <= bx and 7 >= bx and 7 == bx"));
  EXPECT_TRUE(holds("not bx == 6"));
  EXPECT_TRUE(holds("not not bx == 7"));
  EXPECT_TRUE(holds("bx == 1 and bx == 2 or bx == 7")) << "'and' binds tighter than 'or'";
  EXPECT_FALSE(holds("bx == 1 and (bx == 2 or bx == 7)"));
  EXPECT_FALSE(holds("not (bx == 7 or bx == 1)"));
  EXPECT_TRUE(holds("not bx == 1 and bx == 7")) << "'not' binds tighter than 'and'";
  EXPECT_TRUE(holds("sums.grid[1, 0] == 3"));
}

TEST_F(Condition, Calculates) {
  set_event(100, 7, {}, {});
  EXPECT_TRUE(holds("bx * 2 + 1 == 15"));
  EXPECT_TRUE(holds("1 + 2 * bx == 15"));
  EXPECT_TRUE(holds("(1 + 2) * bx == 21"));
  EXPECT_TRUE(holds("10 - bx - 1 == 2"));
  EXPECT_TRUE(holds("-bx == -7"));
  EXPECT_TRUE(holds("- -bx == 7"));
  EXPECT_TRUE(holds("abs(3 - bx) == 4"));
  EXPECT_TRUE(holds("2 * met - 25 GeV == 75 GeV"));
  EXPECT_TRUE(holds("25 GeV + met == 75 GeV"));
  EXPECT_TRUE(holds("25 GeV - met == -50 lsb"));
}

TEST_F(Condition, FoldsOverObjects) {
  set_event(0, 0, {{100, -3}, {60, 20}, {50, 4}}, {{8, 1}});
  EXPECT_TRUE(holds("any(jets, pt == 30 GeV and eta == 20)"));
  EXPECT_FALSE(holds("any(jets, pt == 30 GeV and eta == 4)"));
  EXPECT_TRUE(holds("all(jets, pt >= 25 GeV)"));
  EXPECT_FALSE(holds("all(jets, pt > 25 GeV)"));
  EXPECT_TRUE(holds("count(jets) == 3"));
  EXPECT_TRUE(holds("count(jets, pt > 25 GeV) == 2"));
  EXPECT_TRUE(holds("sum(jets, pt) == 105 GeV"));
  EXPECT_TRUE(holds("sum(jets, pt * 2) == 210 GeV"));
  EXPECT_TRUE(holds("max(jets, abs(eta)) == 20"));
  EXPECT_TRUE(holds("min(jets, eta) == -3"));
  EXPECT_TRUE(holds("any(jets, any(muons, abs(jets.eta - eta) == 4))"));
  EXPECT_FALSE(holds("any(jets, any(muons, abs(jets.eta - muons.eta) == 5))"));
  EXPECT_TRUE(holds("count(jets, any(muons, jets.eta > eta)) == 2"));
  EXPECT_TRUE(holds("any(jets, eta > bx)")) << "quantities of the event are known inside";
}

TEST_F(Condition, SaysTheSameShortened) {
  std::mt19937 random(4);
  std::vector<std::string> texts = {"max(jets, eta) + min(muons, eta) > 2",
                                    "sum(jets, eta) == 2 and not count(muons) == 1",
                                    "any(jets, pt > 1 lsb and eta < 2 or any(muons, eta == 1))",
                                    "any(jets, count(muons, eta > 0) == 1)",
                                    "any(jets, count(muons, jets.eta > 0) == 1)",
                                    "all(jets, max(muons, eta) > eta)",
                                    "anomaly.score > 2 and any(jets, tag.y[0] > 1)",
                                    "big >= 461168601842738790",
                                    "big < -461168601842738790 or big == 0"};
  for (const std::string fold : {"any", "all", "count"})
    for (const std::string op : {"<", "<=", ">", ">=", "==", "!="})
      for (const std::string limit : {"-2", "0", "1"})
        texts.push_back(fold + "(jets, eta " + op + " " + limit + ")" + (fold == "count" ? " == 1" : ""));
  for (const std::string& text : texts) ASSERT_EQ(problem(text), "nothing was thrown") << text;
  std::size_t held = 0;
  for (int i = 0; i < 300; ++i) {
    const auto small = [&random] { return static_cast<std::int16_t>(random() % 7 - 3); };
    std::vector<Jet> jets(random() % 4), muons(random() % 3);
    for (auto* const objects : {&jets, &muons})
      for (Jet& object : *objects) object = {small(), small()};
    const std::int64_t big[] = {0, std::numeric_limits<std::int64_t>::min(),
                                std::numeric_limits<std::int64_t>::max()};
    set_event(small(), 7, jets, muons, big[random() % 3]);
    for (std::int64_t& output : outputs_) output = small();
    for (const std::string& text : texts) held += holds(text) ? 1 : 0;
  }
  EXPECT_GT(held, 1000u);
}

TEST_F(Condition, IsShortened) {
  EXPECT_EQ(shorten(compile("any(jets, pt > 30 GeV)")).size(), 1u);
  EXPECT_EQ(shorten(compile("count(jets, pt > 30 GeV) >= 2")).size(), 2u);
  EXPECT_EQ(shorten(compile("met > 30 GeV and anomaly.score > 2")).size(), 3u);
  EXPECT_EQ(shorten(compile("max(jets, pt) > 30 GeV")).size(), 2u);
  EXPECT_EQ(shorten(compile("any(jets, pt > 30 GeV and eta != 2)")).size(), 5u);
}

TEST_F(Condition, FoldsOverNothing) {
  EXPECT_FALSE(holds("any(jets, eta > 0)"));
  EXPECT_TRUE(holds("all(jets, eta > 0)"));
  EXPECT_TRUE(holds("count(jets) == 0"));
  EXPECT_TRUE(holds("sum(jets, pt) == 0"));
  EXPECT_FALSE(holds("max(jets, pt) > -16384 GeV")) << "the smallest value that it can have";
  EXPECT_FALSE(holds("min(jets, pt) < 16383.5 GeV"));
  EXPECT_TRUE(holds("all(jets, any(muons, eta > 0)) and bx == 0"));
}

TEST_F(Condition, ReadsNetworkOutputs) {
  set_event(0, 0, {{100, 0}, {60, 0}}, {});
  outputs_ = {5, 1, 2, 30, 4, 0, 0};
  ASSERT_EQ(layout_.size(), outputs_.size());
  EXPECT_TRUE(holds("anomaly.score == 5"));
  EXPECT_TRUE(holds("any(jets, tag.y[0] == 30)"));
  EXPECT_TRUE(holds("any(jets, tag.y[0] > tag.y[1] and pt == 30 GeV)"));
  EXPECT_FALSE(holds("any(jets, tag.y[0] > tag.y[1] and pt == 50 GeV)"));
  EXPECT_TRUE(holds("sum(jets, tag.y[1]) == 6"));
}

TEST_F(Condition, TurnsThresholdsIntoIntegersExactly) {
  const auto limit = [this](const std::string& text) {
    const Program program = compile(text);
    return std::string(to_string(program.back().comparison)) + " " + std::to_string(program.back().value);
  };
  EXPECT_EQ(limit("met > 40 GeV"), "> 80");
  EXPECT_EQ(limit("met > 40.25 GeV"), "> 80");
  EXPECT_EQ(limit("met >= 40.25 GeV"), "> 80");
  EXPECT_EQ(limit("met < 40.25 GeV"), "<= 80");
  EXPECT_EQ(limit("met <= 40.25 GeV"), "<= 80");
  EXPECT_EQ(limit("met > -40.25 GeV"), "> -81");
  EXPECT_EQ(limit("met < -40.25 GeV"), "<= -81");
  EXPECT_EQ(limit("-40 GeV <= met"), ">= -80");
  EXPECT_EQ(limit("met == 40.5 GeV"), "== 81");
  EXPECT_EQ(limit("met > 81 lsb"), "> 81");
  EXPECT_EQ(limit("met > 0"), "> 0");
  EXPECT_EQ(limit("sums.phi > 90 deg"), "> 36");
  EXPECT_EQ(limit("anomaly.score > 1.5 real"), "> -4") << "q = 1.5 / 0.25 - 10";
  EXPECT_EQ(limit("anomaly.score > 0 real"), "> -10");
  EXPECT_EQ(limit("anomaly.score >= 1.6 real"), "> -4");
  EXPECT_EQ(limit("met > 40.2500000000000001 GeV"), "> 80");
}

TEST_F(Condition, RefusesWithPlaceAndReason) {
  EXPECT_EQ(problem("met == 40.25 GeV"),
            "7: lies between two steps of what it is compared with, so that '==' can never tell; write a "
            "multiple of the LSB");
  EXPECT_EQ(
      problem("met > 40"),
      "6: is joined with something measured in steps of 1/2 GeV; give the number a unit: 'GeV' or 'lsb'");
  EXPECT_EQ(problem("met > 40 TeV"), "6: cannot be in TeV: what it is joined with is measured in GeV");
  EXPECT_EQ(problem("bx > 40 GeV"), "5: cannot be in GeV: what it is joined with has no unit");
  EXPECT_EQ(problem("bx > 1.5"), "5: is no integer, and has no unit to turn it into one");
  EXPECT_EQ(problem("met + 0.25 GeV > 1 GeV"), "6: is no whole number of steps of 1/2 GeV");
  EXPECT_EQ(problem("met > bx"),
            "4: '>' needs two numbers of one unit and one LSB; these have steps of 1/2 GeV and no unit");
  EXPECT_EQ(
      problem("any(jets, any(muons, jets.pt > pt))"),
      "29: '>' needs two numbers of one unit and one LSB; these have steps of 1/2 GeV and steps of 1/4 GeV");
  EXPECT_EQ(problem("met > 16383.5 GeV"),
            "4: this comparison is never true: the compared integer can only be -32768 to 32767");
  EXPECT_EQ(problem("bx >= 0"),
            "3: this comparison is always true: the compared integer can only be 0 to 65535");
  EXPECT_EQ(problem("bx != 65536"),
            "3: this comparison is always true: the compared integer can only be 0 to 65535");
  EXPECT_EQ(problem("bx == 65536"),
            "3: this comparison is never true: the compared integer can only be 0 to 65535");
  EXPECT_EQ(problem("bx <= 65535"),
            "3: this comparison is always true: the compared integer can only be 0 to 65535");
  EXPECT_EQ(problem("bx < 0"),
            "3: this comparison is never true: the compared integer can only be 0 to 65535");
  for (const char* undecided :
       {"bx <= 0", "bx > 0", "bx == 0", "bx != 0", "bx == 65535", "bx < 65535", "bx > 7"})
    EXPECT_EQ(problem(undecided), "nothing was thrown") << undecided;
  EXPECT_EQ(problem("anomaly.score > 127"),
            "14: this comparison is never true: the compared integer can only be -128 to 127");
  EXPECT_EQ(problem("big + 1 > 0"), "4: can overflow 64 bits");
  EXPECT_EQ(problem("big - 1 > 0"), "4: can overflow 64 bits");
  EXPECT_EQ(problem("abs(big) > 0"), "0: can overflow 64 bits");
  EXPECT_EQ(problem("-big > 0"), "0: can overflow 64 bits");
  EXPECT_EQ(problem("bx * big > 0"), "3: can overflow 64 bits");
  EXPECT_EQ(problem("sum(jets, big) > 0"), "0: can overflow 64 bits");
  EXPECT_EQ(problem("bx > 9999999999999999999"),
            "5: '9999999999999999999' is no number with at most 18 digits");
}

TEST_F(Condition, RefusesWhatIsNotThere) {
  EXPECT_EQ(problem("any(jest, pt > 1 GeV)"),
            "4: there is no collection 'jest'; did you mean 'jets'? (known: jets, muons)");
  EXPECT_EQ(problem("anomaly.scor > 1"),
            "0: network 'anomaly' has no output 'scor'; did you mean 'score'? (known: score)");
  EXPECT_EQ(problem("anomly.score > 1").substr(0, 62),
            "0: there is no 'anomly.score'; did you mean 'anomaly.score'? (");
  EXPECT_EQ(problem("jets.pt > 1 GeV"),
            "0: 'jets.pt' has a value for each object; write it inside any(jets, ...) or another function "
            "over jets");
  EXPECT_EQ(problem("tag.y[0] > 1"),
            "0: 'tag.y[0]' has a value for each object of jets; write it inside any(jets, ...)");
  EXPECT_EQ(problem("any(muons, tag.y[0] > 1)"),
            "11: 'tag.y[0]' has a value for each object of jets; write it inside any(jets, ...)");
  EXPECT_EQ(problem("any(jets, jets.px > 1)"),
            "10: there is no field 'px' of jets; did you mean 'pt'? (known: pt, eta)");
  EXPECT_EQ(problem("jets > 1"), "0: 'jets' is a collection; use it as in any(jets, ...)");
  EXPECT_EQ(
      problem("some(jets, eta > 1)"),
      "0: there is no function 'some'; did you mean 'sum'? (known: any, all, count, sum, max, min, abs)");
  EXPECT_EQ(problem("any(jets, any(jets, pt > 1 GeV))"),
            "14: the objects of jets are taken one by one already");
}

TEST_F(Condition, RefusesWrongKinds) {
  EXPECT_EQ(problem("bx"), "0: this is a number, not a condition; compare it");
  EXPECT_EQ(problem("bx and bx == 1"), "0: 'and' needs a condition here, not a number");
  EXPECT_EQ(problem("not bx"), "4: 'not' needs a condition here, not a number");
  EXPECT_EQ(problem("(bx == 1) + 1 == 2"), "4: '+' needs a number here, not a condition");
  EXPECT_EQ(problem("(bx == 1) == (bx == 2)"), "4: '==' needs a number here, not a condition");
  EXPECT_EQ(problem("any(jets, eta)"), "10: any needs a condition here, not a number");
  EXPECT_EQ(problem("sum(jets, eta > 1) > 2"), "14: a number is needed here, not a condition");
  EXPECT_EQ(problem("any(jets)"), "0: any takes a collection and a condition on its objects");
  EXPECT_EQ(problem("abs(bx, bx) > 1"), "0: abs takes one number");
  EXPECT_EQ(problem("1 < 2"), "2: both sides are constants; there is nothing to compare");
}

TEST_F(Condition, RefusesWrongSyntax) {
  EXPECT_EQ(problem(""), "0: a condition should begin here");
  EXPECT_EQ(problem("bx >"), "4: expected a number, a name or '(' here");
  EXPECT_EQ(problem("bx > and"), "5: expected a number, a name or '(' here");
  EXPECT_EQ(problem("bx == 1 or"), "10: expected a condition here");
  EXPECT_EQ(problem("(bx == 1"), "8: expected ')' here");
  EXPECT_EQ(problem("bx == 1)"), "7: expected an operator or the end here");
  EXPECT_EQ(problem("bx = 1"), "3: '=' is no comparison; write '=='");
  EXPECT_EQ(problem("1 < bx < 3"), "7: comparisons cannot be chained; join them with 'and'");
  EXPECT_EQ(problem("bx / 2 == 1"), "3: there is no division; multiply the other side instead");
  EXPECT_EQ(problem("bx == 1 && bx == 2"), "8: expected an operator or the end here");
  EXPECT_EQ(problem("bx > 1 \xc2\xb5s"), "7: only ASCII characters can stand here");
  EXPECT_EQ(problem(std::string(65, '(')), "64: more than 64 open parentheses");
  EXPECT_EQ(problem(std::string(3000, ' ')),
            "2000: is longer than 2000 characters; split it into several chains");
  std::string deep = "bx";
  for (int i = 0; i < 64; ++i) deep = "bx + (" + deep + ")";
  EXPECT_EQ(problem(deep + " > 1"), "0: is nested too deeply; split it into several chains");
}

}  // namespace
}  // namespace crible::menu
