# Compiler settings and the few functions that every folder's CMakeLists.txt uses.

include_guard()
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_program(CCACHE ccache)

# A macro: it sets directory variables of the caller.
macro(crible_project_settings)
  set(CMAKE_CXX_STANDARD 20)
  set(CMAKE_CXX_STANDARD_REQUIRED ON)
  set(CMAKE_CXX_EXTENSIONS OFF)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
  endif()
  set(CMAKE_CXX_FLAGS_RELEASE "-O2")

  if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
  find_program(MOLD mold)
  if(MOLD)
    add_link_options(-fuse-ld=mold)
  endif()

  add_compile_options(-Wall -Wextra -Wshadow -Werror=switch -Werror=return-type)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-Wno-unknown-pragmas)  # GCC's vectorization hints
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-restrict)  # GCC bug 105651: std::string::insert and operator+
  endif()
  if(CRIBLE_WERROR)
    add_compile_options(-Werror)
  endif()
  if(CRIBLE_SANITIZE)
    # -O1: half the compile time of -O2, and the stacks in a report stay readable.
    set(CMAKE_CXX_FLAGS_RELEASE "-O1")
    add_compile_options(-fsanitize=${CRIBLE_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer -g1)
    add_link_options(-fsanitize=${CRIBLE_SANITIZE})
  endif()
  if(CRIBLE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
endmacro()

# crible_headers(TARGET headers...): the headers of a library. One with a .cpp file of the same name is
# included there first, and so compiles alone (tools/check_includes.py). The others become a header set: with
# CMAKE_VERIFY_INTERFACE_HEADER_SETS on, the target all_verify_interface_header_sets compiles each alone.
function(crible_headers target)
  foreach(header ${ARGN})
    string(REGEX REPLACE "hpp$" "cpp" source ${header})
    if(NOT EXISTS ${source})
      target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${header})
    endif()
  endforeach()
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

# crible_library(NAME DEPENDS targets... PRIVATE_DEPENDS targets...): the static library crible_NAME of this
# folder, made of all *.cpp in it.
function(crible_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB headers CONFIGURE_DEPENDS *.hpp)
  add_library(crible_${name} STATIC ${sources})
  crible_headers(crible_${name} ${headers})
  target_link_libraries(crible_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
endfunction()

# crible_compile_quickly(TARGET): for code that is never waited for when it runs: -O1 compiles it in less time.
function(crible_compile_quickly target)
  target_compile_options(${target} PRIVATE -O1)
endfunction()

# crible_test(NAME LABEL labels... SOURCES... DEPENDS...): one GoogleTest program, registered with CTest
# as one test. Its working directory is the source tree, so that test data is found by relative path.
# Its cases are written to test_results/NAME.json, which tools/test counts.
function(crible_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABEL;SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  crible_compile_quickly(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABEL}"
    TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT_MODIFICATION "GTEST_OUTPUT=set:json:${CMAKE_BINARY_DIR}/test_results/${name}.json")
endfunction()
