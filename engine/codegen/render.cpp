#include "engine/codegen/render.hpp"

#include <algorithm>

#include "engine/codegen/prelude.hpp"
#include "engine/codegen/renderer.hpp"

namespace crible::codegen {

namespace {

std::string parameters(const Renderer& renderer, const Dialect& dialect) {
  std::string text;
  for (const Renderer::Port& port : renderer.ports()) {
    text += join(port.output ? "" : "const ", dialect.global, name(port.element), "* ", port.name, ", ");
  }
  return text;
}

/// "in_x + (i64)event * 57, out_y + (i64)event * 3, "
std::string rows(const Renderer& renderer, const char* event) {
  std::string text;
  for (const Renderer::Port& port : renderer.ports()) {
    text += join(port.name, " + (i64)", event, " * ", port.elements, ", ");
  }
  return text;
}

std::string without_comma(std::string text) {
  return text.substr(0, text.size() - 2);
}

/// A block that is not full computes its first event again, and keeps that to itself.
constexpr const char* block_head = R"(
#define EVENTS 16
#define ROW(e) ((e) < count ? (e) : 0)
#define VECTORS __attribute__((aligned(64)))
)";

constexpr const char* single_head = R"(
#define LANES 16
#define VECTORS __attribute__((aligned(64)))
)";

/// Shares the events between work-items or groups.
std::string kernel(const Renderer& renderer, const Dialect& dialect, const Options& options,
                   const Source& source) {
  Writer code;
  const std::size_t words = source.tensor_bytes / 4;
  const std::string scratch = source.scratch ? join(dialect.global, "i32* scratch, ") : "";
  code.open(dialect.kernel, " ", kernel_name, "(", parameters(renderer, dialect), scratch,
            "const i32 events)");
  if (options.form == Form::item || options.form == Form::single) {
    code.open("for (i32 event = ", dialect.item, "; event < events; event += ", dialect.items, ")");
    code.line("evaluate(", without_comma(rows(renderer, "event")), ");");
    code.close();
  } else if (options.form == Form::block) {
    code.open("for (i32 first = ", dialect.item, " * EVENTS; first < events; first += ", dialect.items,
              " * EVENTS)");
    code.line("const i32 left = events - first;");
    code.line("evaluate(", rows(renderer, "first"), "left < EVENTS ? left : EVENTS);");
    code.close();
  } else {
    if (source.scratch) {
      code.line(dialect.global, "i32* const arena = scratch + (i64)", dialect.group, " * ", words, ";");
    } else {
      code.line(dialect.arena, " WORDS i32 arena[", std::max<std::size_t>(words, 1), "];");
    }
    code.open("for (i32 first = ", dialect.group, " * ", options.events,
              "; first < events; first += ", dialect.groups, " * ", options.events, ")");
    const std::string call =
        join("evaluate(", rows(renderer, "first"), "arena, ", dialect.lane, ", ", dialect.lanes);
    if (renderer.many_events()) {
      code.line("const i32 left = events - first;");
      code.line(call, ", left < ", options.events, " ? left : ", options.events, ");");
    } else {
      code.line(call, ");");
    }
    code.close();
  }
  code.close();
  return code.text();
}

/// The host's entry with one type for every network.
std::string host_entry(const Renderer& renderer, const Source& source) {
  Writer code;
  std::string arguments;
  for (std::size_t i = 0; i < renderer.ports().size(); ++i) arguments += join("ports[", i, "], ");
  if (source.scratch) arguments += "scratch, ";
  code.open("void ", kernel_name, "_ports(void* const* ports, void* scratch, i32 events)");
  code.line("(void)scratch;");
  code.line(kernel_name, "(", arguments, "events);");
  code.close();
  return "\n" + code.text();
}

/// Of one work-item.
std::size_t tensor_bytes(const Network& network, Form form) {
  Arena arena;
  const Options options{.form = form};
  Renderer(host_c, options, false, arena).run(network);
  return arena.sum_bytes();
}

}  // namespace

Source render(const Network& network, const Dialect& dialect, const Options& options) {
  const bool is_group = options.form == Form::group;
  Arena arena;
  Renderer(dialect, options, false, arena).run(network);  // finds out when each tensor is needed
  arena.assign();
  Source source;
  source.tensor_bytes = is_group ? arena.total_bytes() : arena.sum_bytes();
  source.scratch = is_group && source.tensor_bytes > options.shared_bytes;

  Renderer renderer(dialect, options, source.scratch, arena);
  renderer.run(network);
  source.table_bytes = renderer.table_bytes();
  source.uses_tiles = renderer.uses_tiles();
  for (const Renderer::Port& port : renderer.ports()) {
    source.ports.push_back({port.name, name(port.element), port.elements, port.output});
  }
  const bool constant = source.table_bytes <= static_cast<std::size_t>(dialect.constant_bytes);
  const char* arena_space = source.scratch ? dialect.global : dialect.shared;
  const char* group_parameters = renderer.many_events() ? "i32* arena, i32 lane, i32 lanes, i32 count"
                                                        : "i32* arena, i32 lane, i32 lanes";
  std::string listed = parameters(renderer, dialect);
  if (is_group) {
    listed = join(listed, arena_space, group_parameters);
  } else {
    listed = renderer.is_block() ? listed + "i32 count" : without_comma(listed);
  }

  source.text =
      join("/* Network ", identifier(network.name), ", generated by crible for ", dialect.name, ". */\n",
           dialect.head, "#define TABLE_SPACE ", constant ? dialect.constant : dialect.table,
           "\n#define WORDS __attribute__((aligned(16)))\n", prelude());
  if (renderer.uses_vectors()) {
    source.text += (renderer.is_block() ? block_head : single_head) + std::string(dialect.vectors);
  }
  if (renderer.uses_dots()) source.text += dialect.dot4;
  if (renderer.uses_tiles()) source.text += join("\n#define SHARED ", arena_space, "\n", dialect.tile);
  source.text += join("\n", renderer.tables(), "\nFUNCTION void evaluate(", listed, ") {\n", renderer.text(),
                      "}\n\n", kernel(renderer, dialect, options, source));
  if (&dialect == &host_c) source.text += host_entry(renderer, source);
  return source;
}

bool fits_private(const Network& network, Form form, std::size_t private_bytes) {
  return tensor_bytes(network, form) <= private_bytes;
}

}  // namespace crible::codegen
