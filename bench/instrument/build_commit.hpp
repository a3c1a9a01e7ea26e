#pragma once

namespace crible::bench {

/// The commit that this build was made from, with "+" behind it when files differed from it; "unknown"
/// outside a git checkout.
extern const char* const build_commit;

}  // namespace crible::bench
