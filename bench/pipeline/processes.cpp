#include "bench/pipeline/processes.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "engine/base/error.hpp"

namespace crible::bench {

Child::Child(const std::function<nlohmann::ordered_json()>& body) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw Error("cannot make a pipe", Fault::failure);
  std::fflush(nullptr);
  process_ = fork();
  if (process_ < 0) throw Error("cannot fork", Fault::failure);
  if (process_ == 0) {
    close(ends[0]);
    int status = 0;
    std::string text;
    try {
      text = body().dump();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench: %s\n", error.what());
      status = 1;
    }
    if (write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) status = 1;
    _exit(status);
  }
  close(ends[1]);
  pipe_ = ends[0];
}

Child::~Child() {
  if (pipe_ >= 0) close(pipe_);
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

nlohmann::ordered_json Child::result() {
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t n = 0; (n = read(pipe_, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(n));
  }
  int status = 0;
  waitpid(std::exchange(process_, -1), &status, 0);
  if (status != 0) throw Error("a process of the benchmark failed", Fault::failure);
  return nlohmann::ordered_json::parse(text);
}

}  // namespace crible::bench
