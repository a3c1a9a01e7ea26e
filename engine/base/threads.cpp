#include "engine/base/threads.hpp"

#include <exception>
#include <thread>
#include <vector>

namespace crible {

void run_on_threads(std::size_t count, const std::function<void(std::size_t)>& body,
                    const std::function<void()>& failed) {
  std::vector<std::exception_ptr> errors(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        body(i);
      } catch (...) {
        errors[i] = std::current_exception();
        failed();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace crible
