#include "sim/harness.hpp"

#include "sim/packing.hpp"

namespace crible::sim {

namespace {

/// Input file (32-bit words): events, keep outputs (0/1), first mutant, last mutant, most findings; then for
/// each event: idle cycles before it, flags (1: reset before it), tag (2 words), input words, expected output
/// words. Output file: with kept outputs, for each event its output words; else for each finding: mutant,
/// event, kind, cycle, output words. The last words: cycles (2 words), valid_out was ever high (0/1),
/// findings.
constexpr const char* body = R"(
template <class Port> void put(Port& port, const std::uint32_t*& words) {
  if constexpr (sizeof(Port) <= 4) { port = static_cast<Port>(words[0]); words += 1; }
  else { port = words[0] | static_cast<Port>(words[1]) << 32; words += 2; }
}
template <std::size_t N> void put(VlWide<N>& port, const std::uint32_t*& words) {
  for (std::size_t i = 0; i < N; ++i) port[i] = words[i];
  words += N;
}
template <class Port> void get(const Port& port, std::uint32_t*& words) {
  if constexpr (sizeof(Port) <= 4) { *words++ = port; }
  else { *words++ = static_cast<std::uint32_t>(port); *words++ = static_cast<std::uint32_t>(port >> 32); }
}
template <std::size_t N> void get(const VlWide<N>& port, std::uint32_t*& words) {
  for (std::size_t i = 0; i < N; ++i) *words++ = port[i];
}

struct Due { std::uint32_t event; std::uint64_t cycle; };

struct Run {
  VerilatedContext context;
  std::unique_ptr<Model> model;
  Trace trace;
  std::vector<std::uint32_t> in, out;
  std::uint64_t cycle = 0, all_cycles = 0, noise = 88172645463325252ull;
  std::uint32_t events = 0, keep = 0, mutant = 0, most = 0, findings = 0, ever_valid = 0;
  bool stop = false;
  std::vector<Due> due;
  std::size_t next_due = 0;

  const std::uint32_t* event_words(std::uint32_t event) const { return in.data() + 5 + std::size_t(event) * stride; }

  void found(std::uint32_t event, std::uint32_t kind, const std::uint32_t* got) {
    ++findings;
    if (mutants > 0) stop = true;
    if (keep || findings > most) return;
    out.insert(out.end(), {mutant, event, kind, static_cast<std::uint32_t>(cycle)});
    out.insert(out.end(), got, got + output_words);
  }

  void check(bool in_reset) {
    std::uint32_t got[output_words + 1];
    read_outputs(*model, got);
    const bool expected = next_due < due.size() && due[next_due].cycle == cycle;
    const bool valid = valid_of(*model, expected);
    ever_valid |= valid ? 1 : 0;
    if (!expected) {
      if (valid && !in_reset) found(next_due < due.size() ? due[next_due].event : events - 1, 3, got);
      return;
    }
    const std::uint32_t event = due[next_due++].event;
    if (!valid) return found(event, 2, got);
    const std::uint32_t* wanted = event_words(event) + 4 + input_words;
    if (!tag_matches(*model, event_words(event) + 2)) return found(event, 4, got);
    for (std::size_t i = 0; i < output_words; ++i) {
      if ((got[i] ^ wanted[i]) & mask[i]) { found(event, 1, got); break; }
    }
    if (keep) out.insert(out.end(), got, got + output_words);
  }

  void step(const std::uint32_t* event, bool reset) {
    if (event != nullptr) {
      drive(*model, event + 4, event + 2, true);
    } else {
      std::uint32_t garbage[input_words + 2];
      for (std::uint32_t& word : garbage) {
        noise ^= noise << 13; noise ^= noise >> 7; noise ^= noise << 17;
        word = static_cast<std::uint32_t>(noise);
      }
      drive(*model, garbage, garbage + input_words, false);
    }
    set_reset(*model, reset);
    set_mutant(*model, mutant);
    set_clock(*model, 0);
    model->eval();
    trace.dump(context);
    check(reset);
    set_clock(*model, 1);
    model->eval();
    trace.dump(context);
    ++cycle;
  }

  void all_events() {
    model = std::make_unique<Model>(&context);
    trace.open(context, *model);
    due.clear();
    next_due = 0;
    cycle = 0;
    stop = false;
    for (int i = 0; i < 4; ++i) step(nullptr, true);
    for (std::uint32_t event = 0; event < events && !stop; ++event) {
      const std::uint32_t* words = event_words(event);
      if (words[1] & 1) {
        const std::uint64_t now = cycle;
        while (!due.empty() && due.back().cycle > now) due.pop_back();
        step(nullptr, true);
        step(nullptr, true);
      }
      for (std::uint32_t i = 0; i < words[0] && !stop; ++i) step(nullptr, false);
      due.push_back({event, cycle + latency});
      step(words, false);
    }
    for (std::uint32_t i = 0; i < latency + 4 && !stop; ++i) step(nullptr, false);
    trace.close();
    model->final();
    all_cycles += cycle;
  }
};

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  static Run run;
  if (argc > 3) run.trace.path = argv[3];
  run.trace.on(run.context);
  if (!read_file(argv[1], run.in)) return 2;
  run.events = run.in[0];
  run.keep = run.in[1];
  run.most = run.in[4];
  for (run.mutant = run.in[2]; run.mutant <= run.in[3]; ++run.mutant) run.all_events();
  run.out.insert(run.out.end(), {static_cast<std::uint32_t>(run.all_cycles), static_cast<std::uint32_t>(run.all_cycles >> 32),
                                 run.ever_valid, run.findings});
  return write_file(argv[2], run.out) ? 0 : 2;
}
)";

constexpr const char* head = R"(#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>
#include <verilated.h>

bool read_file(const char* path, std::vector<std::uint32_t>& words) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return false;
  std::fseek(file, 0, SEEK_END);
  words.resize(static_cast<std::size_t>(std::ftell(file)) / 4);
  std::rewind(file);
  const bool whole = std::fread(words.data(), 4, words.size(), file) == words.size();
  std::fclose(file);
  return whole;
}
bool write_file(const char* path, const std::vector<std::uint32_t>& words) {
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr) return false;
  const bool whole = std::fwrite(words.data(), 4, words.size(), file) == words.size();
  return std::fclose(file) == 0 && whole;
}
)";

constexpr const char* tracing = R"(
#if VM_TRACE
#include <verilated_fst_c.h>
struct Trace {
  const char* path = nullptr;
  VerilatedFstC file;
  std::uint64_t time = 0;
  void on(VerilatedContext& context) { context.traceEverOn(path != nullptr); }
  void open(VerilatedContext&, Model& model) { if (path) { model.trace(&file, 99); file.open(path); } }
  void dump(VerilatedContext&) { if (path) file.dump(time++); }
  void close() { if (path) file.close(); }
};
#else
struct Trace {
  const char* path = nullptr;
  void on(VerilatedContext&) {}
  void open(VerilatedContext&, Model&) {}
  void dump(VerilatedContext&) {}
  void close() {}
};
#endif
)";

std::string port_line(const char* call, const std::string& port, const char* words) {
  return std::string("  ") + call + "(model." + port + ", " + words + ");\n";
}

std::string list_of(const Words& words) {
  std::string text;
  for (const std::uint32_t word : words) text += (text.empty() ? "" : ", ") + std::to_string(word) + "u";
  return text.empty() ? "0" : text;
}

std::size_t port_words(const std::vector<BoundPort>& ports) {
  std::size_t count = 0;
  for (const BoundPort& port : ports) count += words_of_bits(port.width_bits);
  return count;
}

/// Small inline functions that know the module's ports.
std::string port_functions(const Binding& binding, const std::string& mutant_port) {
  std::string text =
      "void drive(Model& model, const std::uint32_t* words, const std::uint32_t* tag, bool valid) {\n";
  for (const BoundPort& port : binding.inputs) text += port_line("put", port.port, "words");
  for (const auto& [name, value] : binding.constants) {
    text += "  { const std::uint32_t held[2] = {" + std::to_string(value & 0xffffffff) + "u, " +
            std::to_string(value >> 32) + "u}; const std::uint32_t* at = held; put(model." + name +
            ", at); }\n";
  }
  if (!binding.valid_in.empty()) text += "  model." + binding.valid_in + " = valid;\n";
  const std::string tag_mask =
      binding.tag_bits >= 64 ? "~0ull" : std::to_string((1ULL << binding.tag_bits) - 1) + "ull";
  if (!binding.tag_in.empty()) {
    text += "  const std::uint64_t masked = (tag[0] | static_cast<std::uint64_t>(tag[1]) << 32) & " +
            tag_mask + ";\n  model." + binding.tag_in + " = masked;\n";
  }
  text += "  (void)words; (void)tag; (void)valid;\n}\n";
  text += "void read_outputs(const Model& model, std::uint32_t* words) {\n";
  for (const BoundPort& port : binding.outputs) text += port_line("get", port.port, "words");
  text += "}\nbool valid_of(const Model& model, bool expected) { (void)model; (void)expected; return ";
  text += binding.valid_out.empty() ? "expected" : "model." + binding.valid_out + " != 0";
  text +=
      "; }\nbool tag_matches(const Model& model, const std::uint32_t* tag) { (void)model; (void)tag; return ";
  text += binding.tag_out.empty() ? "true"
                                  : "((tag[0] | static_cast<std::uint64_t>(tag[1]) << 32) & " + tag_mask +
                                        ") == model." + binding.tag_out;
  text += "; }\nvoid set_reset(Model& model, bool reset) { (void)model; (void)reset; ";
  if (!binding.reset.empty())
    text += "model." + binding.reset + (binding.reset_active_low ? " = !reset; " : " = reset; ");
  text += "}\nvoid set_clock(Model& model, int level) { (void)model; (void)level; ";
  if (!binding.clock.empty()) text += "model." + binding.clock + " = level; ";
  text += "}\nvoid set_mutant(Model& model, std::uint32_t mutant) { (void)model; (void)mutant; ";
  if (!mutant_port.empty()) text += "model." + mutant_port + " = mutant; ";
  return text + "}\n";
}

}  // namespace

std::string harness_text(const Binding& binding, const std::string& mutant_port) {
  const std::size_t inputs = port_words(binding.inputs);
  const std::size_t outputs = port_words(binding.outputs);
  std::string text = head;
  text += "#include \"V" + binding.top + ".h\"\nusing Model = V" + binding.top + ";\n" + tracing;
  text += "constexpr std::size_t input_words = " + std::to_string(inputs) + ";\n";
  text += "constexpr std::size_t output_words = " + std::to_string(outputs) + ";\n";
  text += "constexpr std::size_t stride = 4 + input_words + output_words;\n";
  text += "constexpr std::uint32_t latency = " + std::to_string(binding.latency_cycles) + ";\n";
  text += std::string("constexpr int mutants = ") + (mutant_port.empty() ? "0" : "1") + ";\n";
  text += "const std::uint32_t mask[] = {" + list_of(output_mask(binding)) + "};\n";
  const std::string all = body;
  const std::size_t due = all.find("struct Due");
  return text + all.substr(0, due) + port_functions(binding, mutant_port) + all.substr(due);
}

}  // namespace crible::sim
