# Writes OUTPUT, a C++ file that knows the commit of SOURCE; only when that has changed. Run at each build.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
else()
  execute_process(COMMAND git -C ${SOURCE} diff --quiet HEAD RESULT_VARIABLE changed ERROR_QUIET)
  if(changed)
    string(APPEND commit "+")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"#include \"bench/instrument/build_commit.hpp\"

namespace crible::bench {

const char* const build_commit = \"@commit@\";

}  // namespace crible::bench
" @ONLY)
