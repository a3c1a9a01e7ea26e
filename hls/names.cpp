#include "hls/names.hpp"

#include <string_view>

namespace crible::hls {

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Keywords of SystemVerilog (1800-2012) and of VHDL (2008), each between spaces.
constexpr std::string_view keywords =
    " "
    "abs accept_on access after alias all always always_comb always_ff always_latch and architecture "
    "array assert assign assume assume_guarantee attribute automatic before begin bind bins binsof bit "
    "block body break buf buffer bufif0 bufif1 bus byte case casex casez cell chandle checker class "
    "clocking cmos component config configuration const constant constraint context continue cover "
    "covergroup coverpoint cross deassign default defparam design disable disconnect dist do downto edge "
    "else elsif end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup "
    "endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify "
    "endtable endtask entity enum event eventually exit expect export extends extern fairness file final "
    "first_match for force foreach forever fork forkjoin function generate generic genvar global group "
    "guarded highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import impure in "
    "incdir include inertial initial inout input inside instance int integer interconnect interface "
    "intersect is join join_any join_none label large let liblist library linkage literal local "
    "localparam logic longint loop macromodule map matches medium mod modport module nand negedge nettype "
    "new next nexttime nmos nor noshowcancelled not notif0 notif1 null of on open or others out output "
    "package packed parameter pmos port posedge postponed primitive priority procedure process program "
    "property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand "
    "randc randcase randsequence range rcmos real realtime record ref reg register reject reject_on "
    "release rem repeat report restrict restrict_guarantee return rnmos rol ror rpmos rtran rtranif0 "
    "rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared select sequence severity "
    "shared shortint shortreal showcancelled signal signed sla sll small soft solve specify specparam sra "
    "srl static string strong strong0 strong1 struct subtype super supply0 supply1 sync_accept_on "
    "sync_reject_on table tagged task then this throughout time timeprecision timeunit to tran tranif0 "
    "tranif1 transport tri tri0 tri1 triand trior trireg type typedef unaffected union unique unique0 "
    "units unsigned until until_with untyped use uwire var variable vectored virtual vmode void vprop "
    "vunit wait wait_order wand weak weak0 weak1 when while wildcard wire with within wor xnor xor ";

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

std::string identifier(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c)) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.empty() || !is_letter(name.front())) name = "n" + name;
  if (keywords.find(" " + lower_case(name) + " ") != std::string_view::npos) name += "_n";
  return name;
}

std::string Names::unique(const std::string& wanted) {
  const std::string base = identifier(wanted);
  std::string name = base;
  for (int i = 2; !taken_.insert(lower_case(name)).second; ++i) name = base + "_n" + std::to_string(i);
  return name;
}

}  // namespace crible::hls
