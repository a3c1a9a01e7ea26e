#pragma once

namespace crible::bench {

/// page/page.html, with a {{name}} where html.cpp puts a part.
extern const char* const page_template;

/// page/page.css
extern const char* const page_style;

}  // namespace crible::bench
