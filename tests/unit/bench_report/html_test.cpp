#include "bench/report/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>

#include "bench/report/plots.hpp"
#include "bench/report/svg.hpp"
#include "engine/base/error.hpp"
#include "tests/unit/bench_report/sample_result.hpp"

namespace crible::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What is open when the markup ends or closes something else; "" when every element is closed in order. The
/// five elements of HTML that are never closed are left out.
std::string unbalanced(const std::string& markup) {
  static const std::regex tag(R"(<(/?)([a-zA-Z0-9]+)((?:[^<>"]|"[^"<]*")*?)(/?)>)");
  std::vector<std::string> open;
  for (std::sregex_iterator at(markup.begin(), markup.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || (*at)[4] == "/") continue;
    if ((*at)[1] != "/") {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return "</" + name + "> after " + at->prefix().str().substr(0, 60);
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

/// The text of the page without its style and its JSON, which hold no markup.
std::string markup_of(std::string page) {
  for (const std::string name : {"style", "script"}) {
    const std::size_t from = page.find("<" + name);
    page.erase(from, page.find("</" + name + ">", from) + name.size() + 3 - from);
  }
  return page;
}

std::string embedded(const std::string& page) {
  const std::string begin = "id=\"crible-bench-result\">\n";
  const std::size_t from = page.find(begin) + begin.size();
  return page.substr(from, page.find("</script>", from) - from);
}

std::size_t occurrences(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(Html, IsOneFileThatNeedsNothingElse) {
  const std::string page = html_report(sample_result());
  EXPECT_THAT(page, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  std::string markup = markup_of(page);
  const std::string name_of_svg = "http://www.w3.org/2000/svg";  // a name, not a place
  for (std::size_t at; (at = markup.find(name_of_svg)) != std::string::npos;)
    markup.erase(at, name_of_svg.size());
  for (const char* external :
       {"http:", "https:", "src=", "url(", "@import", "<link", "<img", "<iframe", "<object", "javascript:"})
    EXPECT_THAT(markup, Not(HasSubstr(external)));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_EQ(occurrences(page, "<script"), 1u) << "the JSON, which no browser runs";
  EXPECT_THAT(page, HasSubstr("<script type=\"application/json\""));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

TEST(Html, EveryElementIsClosed) {
  EXPECT_EQ(unbalanced(markup_of(html_report(sample_result()))), "");
  EXPECT_EQ(unbalanced(markup_of(html_report(Result{}))), "");
  EXPECT_NE(unbalanced("<p><b></p></b>"), "");
  EXPECT_NE(unbalanced("<p>"), "");
}

TEST(Html, EveryPlotOfTheResultIsThere) {
  const std::string page = html_report(sample_result());
  for (const char* title :
       {"Latency by percentile: pipeline at 50 %", "Histogram of latencies: pipeline at 50 %",
        "Latency by offered rate: pipeline load-latency", "Mean time in each stage: pipeline at 50 %",
        "The slowest events, stage by stage: pipeline at 50 %"})
    EXPECT_EQ(occurrences(page, std::string("aria-label=\"") + title), 1u) << title;
  EXPECT_EQ(occurrences(page, "aria-label=\"5 repeats"), 3u) << "one strip for each figure";
  EXPECT_EQ(occurrences(markup_of(page), "queue: waited while the processor ran something else"), 10u);
}

TEST(Html, HoldsTheNumbersOfTheResult) {
  const Result result = sample_result();
  const std::string page = html_report(result);
  EXPECT_EQ(to_json(parse_result(embedded(page), "page")).dump(), to_json(result).dump());
  EXPECT_THAT(page, AllOf(HasSubstr("<b>110 ns</b>"), HasSubstr("2.75 &times;"), HasSubstr("41.7 %"),
                          HasSubstr("100.0 %"), HasSubstr("p99.9&lt;1ms"), HasSubstr("144 µs"),
                          HasSubstr("1,100,000")));
}

TEST(Html, WhatIsInvalidOrWrongIsMarkedWithItsReason) {
  Result result = sample_result();
  const std::string page = html_report(result);
  EXPECT_THAT(page, HasSubstr("invalid: the processor changed its clock"));
  EXPECT_EQ(occurrences(page, "<tr class=\"invalid\">"), 2u) << "a figure and a rate";
  EXPECT_EQ(occurrences(page, "class=\"crossed\""), 4u) << "p50, p99, p99.9 and the maximum of that rate";
  EXPECT_THAT(page, Not(HasSubstr("Invalid, do not use")));

  result.suites[1].latencies[0].invalid = "the sender was late";
  result.suites[0].figures[0].wrong = 7;
  result.suites[1].latencies[0].stages[0].mean *= 1.1;
  const std::string worse = html_report(result);
  EXPECT_THAT(
      worse, AllOf(HasSubstr("<b>Invalid, do not use:</b> the sender was late"), HasSubstr("7 wrong answers"),
                   HasSubstr("The stages do not add up: their sum is +4.2 %")));
  EXPECT_EQ(occurrences(worse, "<tr class=\"invalid\">"), 4u);
}

TEST(Html, AModelIsKeptApartFromWhatWasMeasured) {
  const std::string page = html_report(sample_result());
  EXPECT_EQ(occurrences(page, "<div class=\"model\">"), 1u);
  EXPECT_THAT(page, HasSubstr("<div class=\"model\"><h3>shards, continued by the model<span "
                              "class=\"badge\">a model, not measured"));
  EXPECT_THAT(page, HasSubstr("<h3>shards<span class=\"badge\">measured"));
}

/// Every text of a result replaced by something that would break out of wherever it stands.
Result hostile() {
  const std::string attack =
      "</script></style></svg><script>alert(1)</script>\"'><img src=x onerror=y> {{json}} ]]> & \x01 \xff";
  nlohmann::ordered_json json = to_json(sample_result());
  int number = 0;
  const std::function<void(nlohmann::ordered_json&)> attacked = [&](nlohmann::ordered_json& value) {
    if (value.is_string() && value != "lower" && value != "higher" && value != "measured" && value != "model")
      value = attack + std::to_string(++number);
    if (value.is_structured())
      for (auto& inner : value) attacked(inner);
  };
  attacked(json);
  Result result =
      parse_result(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), "made");
  result.machine.libraries = {{attack, attack}};
  for (SlowEvent& slow : result.suites[1].latencies[0].slowest) slow.stages = {{attack, 1000}};
  return result;
}

TEST(Html, HostileTextsAreEscapedEverywhere) {
  const Result result = hostile();
  const std::string page = html_report(result);
  EXPECT_EQ(occurrences(page, "<script"), 1u);
  EXPECT_EQ(occurrences(page, "</script>"), 1u);
  EXPECT_EQ(occurrences(page, "</style>"), 1u);
  EXPECT_EQ(occurrences(page, "<img"), 0u);
  EXPECT_EQ(occurrences(page, "id=\"crible-bench-result\""), 1u)
      << "a name of a part in a text is not replaced";
  EXPECT_EQ(unbalanced(markup_of(page)), "");
  EXPECT_THAT(page, AllOf(Not(HasSubstr("\x01")), Not(HasSubstr("\xff"))));
  EXPECT_EQ(parse_result(embedded(page), "page").suites.size(), 3u);
}

TEST(Html, EmptyAndOddResultsHaveAPageToo) {
  EXPECT_THAT(html_report(Result{}), HasSubstr("<h2>Summary</h2>"));
  Result result = sample_result();
  Latency& latency = result.suites[1].latencies[0];
  latency.percentiles = {{50, 0, 0}, {100, 0, 0}};
  latency.histogram = {{0, latency.count}};
  latency.max = latency.mean = 0;
  latency.floor.reset();
  for (Stage& stage : latency.stages) stage.mean = 0;
  for (SlowEvent& slow : latency.slowest) slow.total = 0;
  result.suites[1].curves[0].points.resize(1);
  result.suites[0].figures[0].repeats.clear();
  result.suites[0].figures[1].median = 0;
  EXPECT_EQ(unbalanced(markup_of(html_report(result))), "");
  EXPECT_THAT(html_report(result), AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf\""))));
}

TEST(Svg, EscapesMarkupAndWhatXmlForbids) {
  EXPECT_EQ(escaped("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  EXPECT_EQ(escaped("größer µ 漢 😀"), "größer µ 漢 😀");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("\x01"), bad);
  EXPECT_EQ(escaped("\xff"), bad);
  EXPECT_EQ(escaped("\xC3"), bad) << "cut";
  EXPECT_EQ(escaped("\xC0\xBC"), bad + bad) << "an overlong <";
  EXPECT_EQ(escaped("\xED\xA0\x80"), bad + bad + bad) << "half of a surrogate pair";
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), bad + bad + bad + bad) << "beyond the last code point";
}

TEST(Svg, AxesMapTheirEndsToTheEdges) {
  const Axis linear = Axis::linear(870, "ns", 100, 200);
  EXPECT_EQ(linear.px(0), 100);
  EXPECT_EQ(linear.px(1000), 200);
  EXPECT_EQ(linear.px(-5), 100) << "held at the end";
  const Axis logarithmic = Axis::logarithmic(30, 7'000, "ns", 0, 100);
  EXPECT_EQ(logarithmic.px(20), 0);
  EXPECT_EQ(logarithmic.px(10'000), 100);
  EXPECT_NEAR(logarithmic.px(20 * std::sqrt(500)), 50, 1e-9);
  EXPECT_EQ(logarithmic.px(0), 0);
  const Axis by_nines = Axis::by_nines(4, 0, 400);
  EXPECT_NEAR(by_nines.px(nines(99)), 200, 1e-9);
  EXPECT_NEAR(by_nines.px(nines(99.9)), 300, 1e-9);
  EXPECT_EQ(by_nines.ticks().back().label, "99.99 %");
}

TEST(Svg, TicksAreRoundAndRise) {
  for (const double highest : {1e-3, 0.7, 1.0, 3.0, 99.0, 1e9})
    for (const Axis& axis :
         {Axis::linear(highest, "ns", 0, 1), Axis::logarithmic(highest / 300, highest, "ns", 0, 1)}) {
      ASSERT_GE(axis.ticks().size(), 3u) << highest;
      ASSERT_LE(axis.ticks().size(), 12u) << highest;
      for (std::size_t i = 1; i < axis.ticks().size(); ++i)
        EXPECT_GT(axis.ticks()[i].value, axis.ticks()[i - 1].value);
      EXPECT_GE(axis.ticks().back().value, highest * 0.999);
    }
  EXPECT_EQ(axis_quantity(20'000, "ns"), "20 µs");
  EXPECT_EQ(axis_quantity(2'500, "ns"), "2.5 µs");
  EXPECT_EQ(axis_quantity(100'000, "Hz"), "100 kHz");
  EXPECT_EQ(axis_quantity(1'000'000, ""), "1,000,000");
}

TEST(Plots, TheBudgetsSegmentsEndWhereTheMeanIs) {
  const std::string svg = budget_plot(sample_latency());
  static const std::regex segment("class=\"stage s[0-9]\" x=\"([0-9.]+)\" y=\"[0-9.]+\" width=\"([0-9.]+)\"");
  static const std::regex total("class=\"total\" x1=\"([0-9.]+)\"");
  double end = 0;
  int segments = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), segment), last; at != last; ++at, ++segments) {
    if (segments > 0) {
      EXPECT_NEAR(std::stod((*at)[1]), end, 0.02) << "no gap between segments";
    }
    end = std::stod((*at)[1]) + std::stod((*at)[2]);
  }
  EXPECT_EQ(segments, 4);
  std::smatch mark;
  ASSERT_TRUE(std::regex_search(svg, mark, total));
  EXPECT_NEAR(std::stod(mark[1]), end, 0.1);
}

TEST(Plots, AStageHasOneColourEverywhere) {
  const Latency latency = sample_latency();
  EXPECT_EQ(stage_class(latency, "receive"), "s0");
  EXPECT_EQ(stage_class(latency, "decide"), "s3");
  EXPECT_EQ(stage_class(latency, "unheard of"), "other");
  EXPECT_EQ(occurrences(waterfall_plot(latency), "class=\"stage s1\""), 10u) << "the queue of ten events";
}

TEST(Plots, ValuesThatRestOnFewSamplesAreHollow) {
  EXPECT_EQ(occurrences(percentile_plot(sample_latency()), "dot main"), 5u);
  EXPECT_EQ(occurrences(percentile_plot(sample_latency()), "dot hollow"), 2u)
      << "99.999 % of 100,000, and the maximum";
}

TEST(Plots, TheHistogramsBarsHoldEveryEvent) {
  const std::string svg = histogram_plot(sample_latency());
  static const std::regex events(": ([0-9,]+) events</title>");
  std::uint64_t sum = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), events), last; at != last; ++at) {
    std::string digits = (*at)[1];
    std::erase(digits, ',');
    sum += std::stoull(digits);
  }
  EXPECT_EQ(sum, sample_latency().count);
}

}  // namespace
}  // namespace crible::bench
