#include <cstddef>
#include <cstdlib>
#include <cstring>

// A compiler that takes every text, or, with FAKE_NVRTC_LOG, refuses it with that log.

namespace {

const char* log_text() {
  const char* text = std::getenv("FAKE_NVRTC_LOG");
  return text == nullptr ? "" : text;
}

}  // namespace

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = 12;
  *minor = 9;
  return 0;
}
int nvrtcCreateProgram(void** program, const char*, const char*, int, const char* const*,
                       const char* const*) {
  static int something = 0;
  *program = &something;
  return 0;
}
int nvrtcCompileProgram(void*, int, const char* const*) {
  return *log_text() == '\0' ? 0 : 6;
}
int nvrtcDestroyProgram(void**) {
  return 0;
}
int nvrtcGetProgramLogSize(void*, std::size_t* size) {
  *size = std::strlen(log_text()) + 1;
  return 0;
}
int nvrtcGetProgramLog(void*, char* log) {
  std::strcpy(log, log_text());
  return 0;
}
int nvrtcGetPTXSize(void*, std::size_t* size) {
  *size = 2;
  return 0;
}
int nvrtcGetPTX(void*, char* text) {
  std::strcpy(text, "x");
  return 0;
}
int nvrtcGetCUBINSize(void*, std::size_t* size) {
  *size = 2;
  return 0;
}
int nvrtcGetCUBIN(void*, char* code) {
  std::strcpy(code, "x");
  return 0;
}
const char* nvrtcGetErrorString(int) {
  return "NVRTC_ERROR_COMPILATION";
}
}
