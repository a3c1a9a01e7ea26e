#include "tests/unit/menu/fixture.hpp"

namespace crible::menu {
namespace {

constexpr const char* small_menu = R"(
name: small
streams: [physics, {name: express, prescale: 2}, {name: monitor, record: false}]
chains:
  - {name: met, when: met > 40 GeV, streams: [physics, express]}
  - {name: score, when: anomaly.score > 5, prescale: 3, streams: [physics]}
  - {name: off, when: bx == 1, prescale: 0, streams: [physics]}
  - {name: train, zero_bias: {quantity: bx, in: [[10, 12], 20]}, streams: [monitor]}
  - {name: everything, zero_bias: all, prescale: 0, streams: [physics]}
  - {name: dice, random: {one_in: 4}, streams: [monitor]}
prescale_sets:
  tight: {met: 10, dice: 0}
schedule:
  - {from: 5, set: tight}
  - {from: 9, set: default}
)";

class MenuTest : public SmallTrigger {
 protected:
  Decision decide(const Menu& menu, std::uint64_t event, std::uint16_t set = 0) {
    DecisionInput input;
    input.event = event;
    input.run = 7;
    input.luminosity_block = 3;
    input.prescale_set = set;
    input.quantities = &event_;
    input.outputs = outputs_.data();
    Decision decision;
    menu.decide(input, decision);
    return decision;
  }
};

TEST_F(MenuTest, DecidesByChainsPrescalesAndStreams) {
  const Menu menu = load(small_menu);
  EXPECT_EQ(menu.debug_stream(), 3u);
  EXPECT_EQ(menu.recorded_streams(), 0b1011u);
  set_event(81, 0, {}, {});
  const PrescaleKey express = prescale_key("stream", "express");
  const PrescaleKey dice = prescale_key("random", "dice");
  int express_events = 0;
  for (std::uint64_t event = 0; event < 1000; ++event) {
    const Decision decision = decide(menu, event);
    const bool in_express = keeps(express, 2, 7, event);
    const bool rolled = keeps(dice, 4, 7, event);
    express_events += in_express ? 1 : 0;
    ASSERT_EQ(decision.outcome, Outcome::accepted);
    ASSERT_EQ(decision.before[0], rolled ? 0b110001u : 0b010001u) << event;
    ASSERT_EQ(decision.after[0], rolled ? 0b100001u : 0b000001u) << "'everything' is switched off";
    ASSERT_EQ(decision.streams, 1u | (in_express ? 2u : 0u) | (rolled ? 4u : 0u));
    ASSERT_EQ(decision.chains, 6);
    ASSERT_EQ(decision.luminosity_block, 3u);
  }
  EXPECT_NEAR(express_events, 500, 60);
}

TEST_F(MenuTest, TellsPrescaledFromRejected) {
  const Menu menu = load(small_menu);
  outputs_[0] = 6;
  std::vector<Outcome> seen(1000);
  int kept = 0;
  for (std::uint64_t event = 0; event < 1000; ++event) {
    const Decision decision = decide(menu, event, 1);
    const bool keep = keeps(prescale_key("prescale", "score"), 3, 7, event);
    kept += keep ? 1 : 0;
    ASSERT_EQ(decision.outcome, keep ? Outcome::accepted : Outcome::prescaled_out);
    ASSERT_EQ(decision.prescale_set, 1);
  }
  EXPECT_NEAR(kept, 333, 60);
  outputs_[0] = 5;
  const Menu one = load("{name: one, streams: [p], chains: [{name: a, when: bx == 1, streams: [p]}]}");
  EXPECT_EQ(decide(one, 1).outcome, Outcome::rejected);
}

TEST_F(MenuTest, RestrictsZeroBiasToCrossings) {
  const Menu menu = load(small_menu);
  for (std::uint16_t bx = 5; bx < 25; ++bx) {
    set_event(0, bx, {}, {});
    const bool fired = (decide(menu, 1).before[0] & 0b1000) != 0;
    EXPECT_EQ(fired, (bx >= 10 && bx <= 12) || bx == 20) << bx;
  }
}

TEST_F(MenuTest, ADecisionThatIsUsedAgainKeepsNothing) {
  const Menu menu = load(small_menu);
  DecisionInput input;
  input.quantities = &event_;
  input.outputs = outputs_.data();
  Decision decision;
  decision.before.fill(~std::uint64_t{0});
  decision.after.fill(~std::uint64_t{0});
  decision.streams = ~0u;
  input.flags = flag(Cause::bad_payload);
  menu.decide(input, decision);
  EXPECT_EQ(decision.before, ChainBits{});
  EXPECT_EQ(decision.after, ChainBits{});
  EXPECT_EQ(decision.streams, 8u);
}

TEST_F(MenuTest, SetsFollowTheSchedule) {
  const Menu menu = load(small_menu);
  EXPECT_EQ(menu.prescale_sets(), (std::vector<std::string>{"default", "tight"}));
  EXPECT_EQ(menu.prescale(0, 0), 1u);
  EXPECT_EQ(menu.prescale(1, 0), 10u);
  EXPECT_EQ(menu.prescale(1, 1), 3u) << "as in the chain";
  Schedule schedule = menu.schedule();
  EXPECT_EQ(schedule.set_at(0), 0);
  EXPECT_EQ(schedule.set_at(4), 0);
  EXPECT_EQ(schedule.set_at(5), 1);
  EXPECT_EQ(schedule.set_at(8), 1);
  EXPECT_EQ(schedule.set_at(9), 0);
  schedule.request(7, 0);
  EXPECT_EQ(schedule.set_at(6), 1);
  EXPECT_EQ(schedule.set_at(7), 0);
  EXPECT_EQ(schedule.set_at(100), 0);
  schedule.request(0, 1);
  EXPECT_EQ(schedule.set_at(0), 1);
  EXPECT_EQ(menu.find_prescale_set("tight"), 1);
  EXPECT_FALSE(menu.find_prescale_set("loose"));
}

TEST_F(MenuTest, FaultsGoToDebugAsDeclared) {
  const Menu menu = load(small_menu);
  DecisionInput input;
  input.event = 5;
  input.flags = flag(Cause::late_queue) | flag(Cause::bad_payload);
  Decision decision;
  menu.decide(input, decision);
  EXPECT_EQ(decision.outcome, Outcome::forced);
  EXPECT_EQ(decision.streams, 8u);
  EXPECT_EQ(decision.flags, input.flags);
  EXPECT_EQ(decision.before[0], 0u);
  input.action = FaultAction::reject;
  menu.decide(input, decision);
  EXPECT_EQ(decision.outcome, Outcome::rejected);
  EXPECT_EQ(decision.streams, 0u);
  input.action = FaultAction::prescale;
  input.fault_prescale = 10;
  int kept = 0;
  for (input.event = 0; input.event < 1000; ++input.event) {
    menu.decide(input, decision);
    const bool keep = keeps(prescale_key("late", "debug"), 10, 0, input.event);
    kept += keep ? 1 : 0;
    ASSERT_EQ(decision.outcome, keep ? Outcome::forced : Outcome::prescaled_out);
  }
  EXPECT_NEAR(kept, 100, 40);
}

TEST_F(MenuTest, HashNamesEveryChange) {
  const std::string text = small_menu;
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return load(other).hash();
  };
  const std::string hash = load(text).hash();
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(hash, load(text + "# a remark\n").hash());
  EXPECT_EQ(hash, changed("met > 40 GeV", "met > 40.25 GeV")) << "the same integers";
  EXPECT_NE(hash, changed("met > 40 GeV", "met > 40.5 GeV"));
  EXPECT_NE(hash, changed("prescale: 3", "prescale: 4"));
  EXPECT_NE(hash, changed("one_in: 4", "one_in: 5"));
  EXPECT_NE(hash, changed("[10, 12]", "[10, 13]"));
  EXPECT_NE(hash, changed("{name: off,", "{name: of,"));
  EXPECT_NE(hash, changed("{met: 10", "{met: 11"));
  EXPECT_NE(hash, changed("from: 9", "from: 10"));
  EXPECT_NE(hash, changed("express, prescale: 2", "express, prescale: 1"));
  EXPECT_NE(hash, changed("record: false", "record: true"));
  EXPECT_NE(hash, changed("streams: [physics, express]}", "streams: [physics]}"));
}

TEST_F(MenuTest, CaretShowsThePlace) {
  EXPECT_EQ(refusal("name: m\nstreams: [p]\nchains:\n  - name: a\n    when: bx > 1 and any(jets, ptt > 4 "
                    "GeV)\n    streams: [p]\n")
                .substr(0, 72),
            "menu.yaml:5:32: chains[0].when: there is no 'ptt'; did you mean 'pt'? (k");
  const std::string folded = refusal(
      "name: m\nstreams: [p]\nchains:\n  - name: a\n    when: >\n      bx > 1\n      and bx = 2\n    "
      "streams: [p]\n");
  EXPECT_EQ(folded,
            "menu.yaml:7:14: chains[0].when: '=' is no comparison; write '=='\n  bx > 1 and bx = 2\n         "
            "       ^");
  EXPECT_EQ(refusal("name: m\nstreams: [p]\nchains: [{name: a, when: \"bx >\", streams: [p]}]"),
            "menu.yaml:3:31: chains[0].when: expected a number, a name or '(' here\n  bx >\n      ^");
}

/// What a wrong menu says. Each has one mistake.
struct Mistake {
  const char* text;
  const char* sentence;
};

class WrongMenu : public MenuTest, public testing::WithParamInterface<Mistake> {};

TEST_P(WrongMenu, IsRefusedWithItsSentence) {
  EXPECT_EQ(refusal(GetParam().text), GetParam().sentence);
}

INSTANTIATE_TEST_SUITE_P(
    Menu, WrongMenu,
    testing::Values(
        Mistake{"{name: m, streams: [p], chains: []}", "menu.yaml:1: chains: needs at least one chain"},
        Mistake{"{name: m, streams: [p], chain: []}",
                "menu.yaml:1: chain: unknown key; did you mean 'chains'? (known here: name, streams, chains, "
                "prescale_sets, "
                "schedule)"},
        Mistake{"{name: m, streams: [p, p], chains: []}",
                "menu.yaml:1: streams[1]: there is a stream 'p' already"},
        Mistake{"{name: m, streams: [{name: debug, prescale: 2}], chains: []}",
                "menu.yaml:1: streams[0]: the debug stream keeps what could not be decided; it cannot be "
                "prescaled"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, streams: [p]}]}",
                "menu.yaml:1: chains[0]: needs exactly one of the keys when, random, zero_bias"},
        Mistake{
            "{name: m, streams: [p], chains: [{name: a, zero_bias: all, random: {one_in: 2}, streams: [p]}]}",
            "menu.yaml:1: chains[0]: needs exactly one of the keys when, random, zero_bias"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [fysics]}]}",
                "menu.yaml:1: chains[0].streams[0]: there is no stream 'fysics' (known: p, debug)"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: []}]}",
                "menu.yaml:1: chains[0].streams: needs at least one stream"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, prescale: -1, streams: [p]}]}",
                "menu.yaml:1: chains[0].prescale: must be an integer from 0 to 4294967295, not '-1'"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, random: {one_in: 0}, streams: [p]}]}",
                "menu.yaml:1: chains[0].random.one_in: must be an integer from 1 to 4294967295, not '0'"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: some, streams: [p]}]}",
                "menu.yaml:1: chains[0].zero_bias: must be 'all', or a map with the keys quantity and in"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: {quantity: bx, in: [[5, 4]]}, "
                "streams: [p]}]}",
                "menu.yaml:1: chains[0].zero_bias.in[0][1]: must be an integer from 5 to 65535, not '4'"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [p]}, {name: a, "
                "zero_bias: all, streams: "
                "[p]}]}",
                "menu.yaml:1: chains[1]: there is a chain 'a' already; rename one"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [p]}], prescale_sets: "
                "{s: {b: 1}}}",
                "menu.yaml:1: prescale_sets.s: there is no chain 'b'; did you mean 'a'? (known: a)"},
        Mistake{
            "{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [p]}], prescale_sets: "
            "{default: {}}}",
            "menu.yaml:1: prescale_sets: 'default' is what the chains say themselves; choose another name"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [p]}], schedule: "
                "[{from: 1, set: x}]}",
                "menu.yaml:1: schedule[0].set: there is no prescale set 'x' (known: default)"},
        Mistake{"{name: m, streams: [p], chains: [{name: a, zero_bias: all, streams: [p]}], schedule: "
                "[{from: 4, set: "
                "default}, {from: 4, set: default}]}",
                "menu.yaml:1: schedule[1].from: must be a later luminosity block than the entry before"}));

}  // namespace
}  // namespace crible::menu
