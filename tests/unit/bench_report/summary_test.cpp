#include "bench/report/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "bench/report/format.hpp"
#include "tests/unit/bench_report/sample_result.hpp"

namespace crible::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

TEST(Format, QuantitiesHaveThreeDigitsAndAFittingUnit) {
  EXPECT_EQ(time_text(0), "0 ns");
  EXPECT_EQ(time_text(12.34), "12.3 ns");
  EXPECT_EQ(time_text(999.4), "999 ns");
  EXPECT_EQ(time_text(999.6), "1.00 us");
  EXPECT_EQ(time_text(1'234'567), "1.23 ms");
  EXPECT_EQ(time_text(60e9), "60.0 s");
  EXPECT_EQ(quantity(0.5, "s"), "500 ms");
  EXPECT_EQ(rate_text(1'230'000), "1.23 MHz");
  EXPECT_EQ(quantity(69'300'000, "bytes"), "69.3 MB");
  EXPECT_EQ(quantity(0.941, "of peak"), "0.941 of peak");
  EXPECT_EQ(quantity(-3, "bytes"), "-3.00 bytes");
  EXPECT_EQ(number_text(0.0123), "0.0123");
  EXPECT_EQ(number_text(9.999), "10.0");
  EXPECT_EQ(number_text(-12'345.6), "-12,346");
  EXPECT_EQ(number_text(1e18), "1.00e+18");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
  EXPECT_EQ(percentile_name(99.9999), "p99.9999");
  EXPECT_EQ(percentile_name(100), "max");
}

TEST(Format, CellsHaveTheirWidthWhateverTheText) {
  EXPECT_EQ(left("ab", 4), "ab  ");
  EXPECT_EQ(right("ab", 4), "  ab");
  EXPECT_EQ(left("abcdefgh", 6), "abc...");
  EXPECT_EQ(left("größer", 8), "größer  ") << "columns, not bytes";
  EXPECT_EQ(left("größer als", 6), "grö...");
  EXPECT_EQ(left("\x1b[31mred\n", 12), "?[31mred?   ");
  EXPECT_EQ(left("\xC2\x9B"
                 "31m",
                 6),
            "?31m  ");
  EXPECT_EQ(left("", 0), "");
}

TEST(Format, TextIsWrappedAtBlanks) {
  EXPECT_EQ(wrapped("one two three", 9, 2), "  one two\n  three\n");
  EXPECT_EQ(wrapped("abcdefghij", 6, 2), "  abcd\n  efgh\n  ij\n");
  EXPECT_EQ(wrapped("", 6, 2), "");
}

TEST(Summary, FitsInAHundredColumnsAndSaysWhatMatters) {
  const std::string text = terminal_summary(sample_result());
  EXPECT_LE(longest_line(text), 100u) << text;
  EXPECT_THAT(
      text, AllOf(HasSubstr("AMD EPYC, 2 cores"), HasSubstr("110 ns"), HasSubstr("2.75"),
                  HasSubstr("INVALID, do not use: the processor changed its clock"), HasSubstr("queue 25 %"),
                  HasSubstr("p99.9<1ms holds up to 80.0 kHz"), HasSubstr("(A MODEL, not measured)"),
                  HasSubstr("answers checked: 3,000, wrong: 0; invalid results: 2\n")));
  EXPECT_THAT(text, Not(HasSubstr("DO NOT ADD UP")));
}

TEST(Summary, WrongAnswersAndGapsAreShouted) {
  Result result = sample_result();
  result.suites[0].figures[0].wrong = 3;
  result.suites[1].latencies[0].stages[0].mean *= 1.1;
  result.suites[1].curves[0].objective->highest_hz.reset();
  EXPECT_THAT(terminal_summary(result),
              AllOf(HasSubstr("WRONG: 3 of 1,000 answers"), HasSubstr("DO NOT ADD UP:\n      +4.2 %"),
                    HasSubstr("holds at no rate"), HasSubstr("wrong: 3;")));
}

TEST(Summary, HostileNamesNeitherSteerTheTerminalNorBreakTheTable) {
  Result result = sample_result();
  const std::string hostile = "\x1b]0;title\a " + std::string(300, 'x');
  result.machine.cpu = result.suites[0].name = result.suites[0].figures[0].name = hostile;
  result.suites[1].latencies[0].name = result.suites[1].latencies[0].stages[0].name = hostile;
  result.suites[2].tables[0].columns[0] = hostile;
  const std::string text = terminal_summary(result);
  EXPECT_LE(longest_line(text), 100u);
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\a"))));
}

TEST(Summary, AnEmptyResultIsSaidToBeEmpty) {
  EXPECT_THAT(terminal_summary(Result{}), HasSubstr("answers checked: 0, wrong: 0; invalid results: 0"));
}

}  // namespace
}  // namespace crible::bench
