#include "sim/synthesis.hpp"

#include <unistd.h>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "sim/process.hpp"

namespace crible::sim {

namespace {

/// A file that goes when we do.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              (name + std::to_string(getpid()) + "_" + std::to_string(next_++))) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  static inline int next_ = 0;
  std::filesystem::path path_;
};

std::string first_error(const std::string& log) {
  const std::size_t at = log.find("ERROR");
  const std::string line = log.substr(at == std::string::npos ? 0 : at);
  return line.substr(0, line.find('\n'));
}

}  // namespace

std::string netlist_json(const Binding& binding) {
  need_program("yosys", "yosys");
  std::string script = "read_verilog -sv -defer";
  for (const auto& source : binding.sources) script += " \"" + source.string() + "\"";
  const TemporaryFile json("crible_netlist_");
  script += "; hierarchy -top " + binding.top + "; proc; flatten; memory_collect; opt_clean; write_json " +
            json.path().string();
  const ProcessResult result = run_process({"yosys", "-q", "-p", script}, binding.folder, 600);
  if (result.timed_out) throw Error("Yosys did not read the Verilog within 600 s.", Fault::failure);
  if (result.status != 0) {
    throw Error("Yosys cannot read the Verilog of '" + binding.top + "': " + first_error(result.output),
                Fault::user, result.output);
  }
  return read_file(json.path());
}

proof::Netlist word_netlist(const Binding& binding) {
  return proof::parse_netlist(netlist_json(binding), binding.top);
}

}  // namespace crible::sim
