#pragma once

#include <cstddef>
#include <functional>

namespace crible {

/// Runs body(0), ..., body(count - 1), each on a thread of its own, and waits for all of them. When one
/// throws, `failed` is called on its thread, to make the others end; the exception of the lowest number is
/// thrown on when all have ended.
void run_on_threads(std::size_t count, const std::function<void(std::size_t)>& body,
                    const std::function<void()>& failed);

}  // namespace crible
