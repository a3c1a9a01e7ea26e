#pragma once

#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

// Parts of the page; everything that comes from a result is escaped in them.

/// The tiles and the table of all latencies.
std::string summary_html(const Result& result);

std::string machine_html(const Machine& machine);

/// The whole section of a suite, numbered for its anchor.
std::string suite_html(const Suite& suite, std::size_t number);

/// "suite-3"
std::string suite_anchor(std::size_t number);

std::string table_html(const Table& table);

/// A latency with its plots, its budget and its slowest events.
std::string latency_html(const Latency& latency);

/// A <p> that says why a result must not be used; "" when it may.
std::string warning_html(const std::string& invalid);

/// A <td> or <th>; `css_class` may be empty. `html` is escaped already.
std::string cell(const std::string& html, const std::string& css_class = {});
std::string head_row(const std::vector<std::string>& names);

}  // namespace crible::bench
