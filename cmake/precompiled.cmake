# Headers that many files share, parsed once for each build folder: a third off a clean build. Without them
# where a compiler cache shares objects between folders, which it cannot with precompiled headers, and in the
# sanitizer builds, where every file therefore shows that it includes what it needs.

include_guard()

if(CCACHE OR CRIBLE_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(precompile_by_default OFF)
else()
  set(precompile_by_default ON)
endif()
option(CRIBLE_PRECOMPILE "Precompile the headers that many files share" ${precompile_by_default})

set(crible_standard_headers
  <algorithm> <array> <chrono> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory>
  <optional> <set> <span> <string> <string_view> <thread> <vector>)

# crible_precompile(NAME HEADERS... DEPENDS...): the headers, with the standard ones, for crible_use_precompiled.
function(crible_precompile name)
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPENDS" ${ARGN})
  if(NOT CRIBLE_PRECOMPILE)
    return()
  endif()
  set(empty ${CMAKE_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${empty} CONTENT "")
  add_library(crible_precompiled_${name} OBJECT ${empty})
  target_link_libraries(crible_precompiled_${name} PRIVATE ${ARG_DEPENDS})
  target_precompile_headers(crible_precompiled_${name} PRIVATE ${crible_standard_headers} ${ARG_HEADERS})
endfunction()

# crible_use_precompiled(TARGET NAME): its files are compiled with those headers already read.
function(crible_use_precompiled target name)
  if(CRIBLE_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM crible_precompiled_${name})
  endif()
endfunction()
