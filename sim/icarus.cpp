#include "sim/icarus.hpp"

#include <unistd.h>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/reference/reference.hpp"
#include "sim/process.hpp"

namespace crible::sim {

namespace {

namespace fs = std::filesystem;

constexpr int timeout_s = 300;

constexpr int most_digits = 4096;  // Icarus Verilog reads no number of more than some ten thousand

/// The bits of a port's words as a binary Verilog number, or several side by side.
std::string number(const Words& words, std::size_t first_word, int bits) {
  std::string text = "{";
  for (int i = bits; i-- > 0;) {
    if (i == bits - 1 || (i + 1) % most_digits == 0) {
      const int digits = i % most_digits + 1;
      text += (text.size() > 1 ? ", " : "") + std::to_string(digits) + "'b";
    }
    const auto bit = static_cast<std::size_t>(i);
    text += ((words[first_word + bit / 32] >> (bit % 32)) & 1U) != 0 ? '1' : '0';
  }
  return text + "}";
}

std::string declared(const char* kind, const std::string& name, int bits) {
  return std::string("  ") + kind + " [" + std::to_string(bits - 1) + ":0] " + name + ";\n";
}

/// One event at a time: driven for one cycle, its outputs looked at when they are due.
class Bench {
 public:
  Bench(const network::Network& network, const Binding& binding) : network_(network), binding_(binding) {}

  std::string text(const std::vector<Event>& events) const {
    std::string text =
        "`timescale 1ns/1ps\nmodule crible_bench;\n  reg clock = 0;\n  reg reset = 1;\n  reg valid = 0;\n  "
        "integer i;\n";
    std::string ports;
    const auto connect = [&ports](const std::string& port, const std::string& signal) {
      if (!port.empty()) ports += (ports.empty() ? "" : ", ") + ("." + port) + "(" + signal + ")";
    };
    for (const BoundPort& port : binding_.inputs) {
      text += declared("reg", "in_" + port.port, port.width_bits);
      connect(port.port, "in_" + port.port);
    }
    for (const BoundPort& port : binding_.outputs) {
      text += declared("wire", "out_" + port.port, port.width_bits);
      connect(port.port, "out_" + port.port);
    }
    connect(binding_.clock, "clock");
    connect(binding_.reset, binding_.reset_active_low ? "~reset" : "reset");
    connect(binding_.valid_in, "valid");
    if (!binding_.tag_in.empty()) text += declared("reg", "tag", binding_.tag_bits);
    connect(binding_.tag_in, "tag");
    if (!binding_.valid_out.empty()) text += "  wire valid_seen;\n";
    connect(binding_.valid_out, "valid_seen");
    for (const auto& [name, value] : binding_.constants) connect(name, std::to_string(value));
    text += "  " + binding_.top + " dut(" + ports + ");\n";
    text += "  task tick; begin #1 clock = 1; #1 clock = 0; #1; end endtask\n  initial begin\n";
    text += "    for (i = 0; i < 4; i = i + 1) tick;\n    reset = 0;\n";
    for (std::size_t e = 0; e < events.size(); ++e) text += event_text(events[e], e);
    return text + "    $display(\"crible: done\");\n    $finish;\n  end\nendmodule\n";
  }

 private:
  std::string event_text(const Event& event, std::size_t index) const {
    const Words inputs = pack_inputs(network_, binding_, event);
    const Words outputs = pack_outputs(network_, binding_, reference::evaluate_all(network_, event));
    const Words mask = output_mask(binding_);
    std::string text;
    std::size_t first = 0;
    for (const BoundPort& port : binding_.inputs) {
      text += "    in_" + port.port + " = " + number(inputs, first, port.width_bits) + ";\n";
      first += words_of_bits(port.width_bits);
    }
    if (!binding_.tag_in.empty()) text += "    tag = " + std::to_string(index % 2) + ";\n";
    text += "    valid = 1; #1;\n";
    if (binding_.latency_cycles > 0) {
      text += "    tick; valid = 0;\n";
      for (const BoundPort& port : binding_.inputs) {
        text += "    in_" + port.port + " = {" + std::to_string(port.width_bits) + "{1'bx}};\n";
      }
      text += "    for (i = 1; i < " + std::to_string(binding_.latency_cycles) + "; i = i + 1) tick;\n";
    }
    if (!binding_.valid_out.empty()) {
      text += "    if (valid_seen !== 1'b1) begin $display(\"crible: valid is %b for event " +
              std::to_string(index) + "\", valid_seen); $finish; end\n";
    }
    first = 0;
    for (const BoundPort& port : binding_.outputs) {
      const std::string bits = number(mask, first, port.width_bits);
      text += "    if ((out_" + port.port + " & " + bits +
              ") !== " + number(outputs, first, port.width_bits) + ") begin $display(\"crible: port " +
              port.port + " is %b for event " + std::to_string(index) + "\", out_" + port.port +
              "); $finish; end\n";
      first += words_of_bits(port.width_bits);
    }
    return text;
  }

  const network::Network& network_;
  const Binding& binding_;
};

}  // namespace

FourState check_four_state(const network::Network& network, const Binding& binding, std::size_t count,
                           std::uint64_t seed) {
  need_program("iverilog", "iverilog");
  Stimulus stimulus(network, seed);
  std::vector<Event> events;
  for (std::size_t i = 0; i < count; ++i) events.push_back(stimulus.next());
  const fs::path folder = fs::temp_directory_path() / ("crible_icarus_" + std::to_string(getpid()));
  fs::create_directories(folder);
  FourState result;
  try {
    write_file(folder / "bench.v", Bench(network, binding).text(events));
    std::vector<std::string> command = {"iverilog",     "-g2012", "-s",
                                        "crible_bench", "-o",     (folder / "bench").string()};
    for (const fs::path& source : binding.sources) command.push_back(source.string());
    command.push_back((folder / "bench.v").string());
    const ProcessResult built = run_process(command, binding.folder, timeout_s);
    if (built.status != 0 || built.timed_out) {
      throw Error("Icarus Verilog cannot compile '" + binding.top +
                      "': " + built.output.substr(0, built.output.find('\n')),
                  Fault::user, built.output);
    }
    const ProcessResult run = run_process({"vvp", (folder / "bench").string()}, binding.folder, timeout_s);
    const std::size_t at = run.output.find("crible: ");
    const std::string line = at == std::string::npos
                                 ? "it printed nothing"
                                 : run.output.substr(at + 8, run.output.find('\n', at) - at - 8);
    result.events = count;
    if (run.timed_out) {
      result.problem = "the run in Icarus Verilog did not end within " + std::to_string(timeout_s) + " s";
    } else if (line != "done") {
      result.problem = "in Icarus Verilog " + line +
                       (line.find('x') != std::string::npos ? " (x: a bit that nothing has set)" : "");
    }
  } catch (...) {
    fs::remove_all(folder);
    throw;
  }
  fs::remove_all(folder);
  return result;
}

}  // namespace crible::sim
