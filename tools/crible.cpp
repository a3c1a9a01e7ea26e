#include <cstdio>
#include <exception>

#include "engine/base/error.hpp"
#include "tools/commands/commands.hpp"

namespace crible::tools {

namespace {

constexpr const char* footer =
    "A first look:\n"
    "  crible demo                                   the whole trigger on the bundled sample\n"
    "  crible import model.onnx -o model.crn         a trained model to an exact integer network\n"
    "  crible inspect model.crn                      its types, ranges, operations and costs\n"
    "  crible eval model.crn --input x.npy --output y.npy\n"
    "\n"
    "Exit status: 0 done, 1 failure or difference, 2 a mistake in the input or on the command line.\n"
    "`crible COMMAND --help` explains each command with examples.";

int run(int argc, char** argv) {
  CommandLine line("crible", "crible: a real-time trigger inference engine", footer,
                   "crible " CRIBLE_VERSION);
  for (auto add_command : all_commands) add_command(line);
  return line.run(argc, argv);
}

}  // namespace
}  // namespace crible::tools

int main(int argc, char** argv) {
  try {
    return crible::tools::run(argc, argv);
  } catch (const crible::Error& error) {
    std::fprintf(stderr, "crible: %s\n", error.what());
    if (!error.log().empty()) std::fprintf(stderr, "%s\n", error.log().c_str());
    return error.fault() == crible::Fault::user ? 2 : 1;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "crible: out of memory; close other programs or use a smaller input\n");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crible: unexpected failure: %s; please report it with the command line\n",
                 error.what());
    return 1;
  }
}
