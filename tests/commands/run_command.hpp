#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace crible {

struct Outcome {
  int status;
  std::string text;  // what it printed on both streams
};

/// Runs the command under test through the shell.
inline Outcome run(const std::string& arguments) {
  const std::string command = std::string(CRIBLE_PROGRAM) + " " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome{-1, {}};
  std::array<char, 4096> buffer;
  for (std::size_t got; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    outcome.text.append(buffer.data(), got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}

}  // namespace crible
