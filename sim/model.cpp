#include "sim/model.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"
#include "sim/process.hpp"

namespace crible::sim {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t most_findings = 16;
constexpr int build_timeout_s = 1200;

/// A folder that goes when we do.
class Scratch {
 public:
  explicit Scratch(const fs::path& parent) {
    static std::atomic<int> next = 0;
    path_ = parent / (".work_" + std::to_string(getpid()) + "_" + std::to_string(next++));
    fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// What Verilator is told besides the files. The compiler's effort goes into what runs in every cycle.
std::vector<std::string> flags_of(const ModelOptions& options) {
  std::vector<std::string> flags = {"-O3",          "--x-assign", "fast",          "--x-initial",
                                    "fast",         "-Wno-fatal", "-Wno-lint",     "--output-split",
                                    "15000",        "-MAKEFLAGS", "OPT_FAST=-O1",  "-MAKEFLAGS",
                                    "OPT_SLOW=-O0", "-MAKEFLAGS", "OPT_GLOBAL=-O1"};
  if (options.trace) flags.emplace_back("--trace-fst");
  return flags;
}

std::string first_complaint(const std::string& log) {
  std::size_t at = log.find("%Error");
  if (at == std::string::npos) at = log.find("error:");
  const std::string line = log.substr(at == std::string::npos ? 0 : at);
  return line.substr(0, line.find('\n'));
}

std::string bytes_of(const Words& words) {
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(std::uint32_t)};
}

}  // namespace

std::uint64_t tag_of(std::size_t event) {
  return event ^ (event << 12U) ^ (event << 33U);
}

Model::Model(const Binding& binding, ModelOptions options) : options_(std::move(options)) {
  need_verilator();
  for (const BoundPort& port : binding.inputs) input_words_ += words_of_bits(port.width_bits);
  for (const BoundPort& port : binding.outputs) output_words_ += words_of_bits(port.width_bits);
  const std::string harness = harness_text(binding, options_.mutant_port);
  std::string content = harness + version_of("verilator", "--version");
  for (const std::string& flag : flags_of(options_)) content += flag;
  for (const fs::path& source : binding.sources) content += read_file(source);
  const fs::path cache = cache_folder() / "sim";
  const fs::path folder = cache / sha256_hex(content);
  program_ = folder / "simulation";
  was_cached_ = fs::exists(program_);
  if (was_cached_) return;
  const auto start = std::chrono::steady_clock::now();
  fs::create_directories(cache);
  const Scratch work(cache);
  build(binding, harness, work.path());
  std::error_code taken;  // by another process that built the same
  fs::create_directories(folder);
  fs::rename(work.path() / "simulation", program_, taken);
  build_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Model::build(const Binding& binding, const std::string& harness, const fs::path& folder) const {
  write_file(folder / "harness.cpp", harness);
  std::vector<std::string> command = {"verilator",
                                      "--cc",
                                      "--exe",
                                      "--build",
                                      "-j",
                                      "2",
                                      "-sv",
                                      "--top-module",
                                      binding.top,
                                      "--Mdir",
                                      (folder / "obj").string(),
                                      "--prefix",
                                      "V" + binding.top,
                                      "-o",
                                      (folder / "simulation").string()};
  for (const std::string& flag : flags_of(options_)) command.push_back(flag);
  if (!find_program("ccache").empty()) command.insert(command.end(), {"-MAKEFLAGS", "OBJCACHE=ccache"});
  for (const fs::path& source : binding.sources) command.push_back(source.string());
  command.push_back((folder / "harness.cpp").string());
  const ProcessResult result = run_process(command, binding.folder, build_timeout_s);
  if (result.timed_out) {
    throw Error(
        "Verilator did not compile '" + binding.top + "' within " + std::to_string(build_timeout_s) + " s.",
        Fault::failure);
  }
  if (result.status != 0) {
    throw Error(
        "Verilator cannot compile '" + binding.top + "' with this binding: " + first_complaint(result.output),
        Fault::user, result.output);
  }
}

Simulated Model::run(const std::vector<Driven>& events, bool keep_outputs, std::uint32_t first_mutant,
                     std::uint32_t last_mutant, const std::string& trace_file) const {
  Words in = {static_cast<std::uint32_t>(events.size()), keep_outputs ? 1U : 0U, first_mutant, last_mutant,
              last_mutant > first_mutant ? ~0U : most_findings};
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::uint64_t tag = tag_of(i);
    in.insert(in.end(), {events[i].idle_cycles, events[i].reset_before ? 1U : 0U,
                         static_cast<std::uint32_t>(tag), static_cast<std::uint32_t>(tag >> 32U)});
    in.insert(in.end(), events[i].inputs.begin(), events[i].inputs.end());
    in.insert(in.end(), events[i].expected.begin(), events[i].expected.end());
  }
  const Scratch work(fs::temp_directory_path());
  write_file(work.path() / "in", bytes_of(in));
  std::vector<std::string> command = {program_.string(), (work.path() / "in").string(),
                                      (work.path() / "out").string()};
  if (!trace_file.empty()) command.push_back(fs::absolute(trace_file).string());
  const ProcessResult result = run_process(command, work.path(), options_.timeout_s);
  if (result.timed_out) {
    throw Error("The simulation did not end within " + std::to_string(options_.timeout_s) +
                    " s; it is stopped: the module may loop without end.",
                Fault::failure);
  }
  if (result.status != 0) {
    throw Error("The simulation failed with status " + std::to_string(result.status) + ".", Fault::failure,
                result.output);
  }
  const std::string bytes = read_file(work.path() / "out");
  Words out(bytes.size() / sizeof(std::uint32_t));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(std::uint32_t));
  Simulated simulated;
  const std::size_t end = out.size() - 4;
  simulated.cycles = out[end] | static_cast<std::uint64_t>(out[end + 1]) << 32U;
  simulated.ever_valid = out[end + 2] != 0;
  simulated.findings = out[end + 3];
  const auto words_at = [&out](std::size_t at, std::size_t count) {
    return Words(out.begin() + static_cast<std::ptrdiff_t>(at),
                 out.begin() + static_cast<std::ptrdiff_t>(at + count));
  };
  if (keep_outputs) {
    for (std::size_t at = 0; at < end; at += output_words_)
      simulated.outputs.push_back(words_at(at, output_words_));
    return simulated;
  }
  for (std::size_t at = 0; at < end; at += 4 + output_words_) {
    simulated.first.push_back({out[at], out[at + 1], static_cast<Finding>(out[at + 2]), out[at + 3],
                               words_at(at + 4, output_words_)});
  }
  return simulated;
}

}  // namespace crible::sim
