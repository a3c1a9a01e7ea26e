#include "bench/report/html.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "bench/report/html_parts.hpp"
#include "bench/report/page_text.hpp"
#include "bench/report/svg.hpp"
#include "engine/base/error.hpp"

namespace crible::bench {

namespace {

/// `text` with each {{name}} replaced, in one pass: what is put in is not looked at again.
std::string filled(const std::string& text, const std::map<std::string, std::string>& parts) {
  std::string result;
  std::size_t at = 0;
  for (;;) {
    const std::size_t open = text.find("{{", at);
    result.append(text, at, open - at);
    if (open == std::string::npos) return result;
    const std::size_t close = text.find("}}", open);
    const auto part = parts.find(text.substr(open + 2, close - open - 2));
    if (part == parts.end())
      throw Error("the report's template names a part that there is not: " + text.substr(open, 40),
                  Fault::failure);
    result += part->second;
    at = close + 2;
  }
}

/// The JSON so that no text in it can end the element that holds it: "<" occurs only in strings.
std::string embedded_json(const Result& result) {
  const std::string json =
      to_json(result).dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  std::string safe;
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string navigation(const Result& result) {
  std::string html = "<a href=\"#summary\">Summary</a><a href=\"#machine\">Machine</a>";
  for (std::size_t i = 0; i < result.suites.size(); ++i)
    html += "<a href=\"#" + suite_anchor(i) + "\">" + escaped(result.suites[i].name) + "</a>";
  return html;
}

}  // namespace

std::string html_report(const Result& result) {
  std::string suites;
  for (std::size_t i = 0; i < result.suites.size(); ++i) suites += suite_html(result.suites[i], i);
  return filled(
      page_template,
      {{"title", "crible bench, " + escaped(result.created) + ", " + escaped(result.machine.cpu)},
       {"style", page_style},
       {"lead", fmt::format("{}, {} cores &middot; {} &middot; <code>{}</code>", escaped(result.machine.cpu),
                            result.machine.cores, escaped(result.created), escaped(result.command))},
       {"navigation", navigation(result)},
       {"summary", summary_html(result)},
       {"machine", machine_html(result.machine)},
       {"suites", suites},
       {"json", embedded_json(result)}});
}

}  // namespace crible::bench
