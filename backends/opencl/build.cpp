#include "backends/build_log.hpp"
#include "backends/opencl/api.hpp"
#include "engine/base/error.hpp"

namespace crible::backends::opencl {

ProgramHandle build(cl_context context, cl_device_id device, const std::string& text,
                    const std::string& where) {
  cl_int error = CL_SUCCESS;
  const char* start = text.c_str();
  const std::size_t length = text.size();
  ProgramHandle program(clCreateProgramWithSource(context, 1, &start, &length, &error));
  check(error, where + "the generated text was not taken");
  error = clBuildProgram(program.get(), 1, &device, "", nullptr, nullptr);
  if (error == CL_SUCCESS) return program;
  std::size_t size = 0;
  clGetProgramBuildInfo(program.get(), device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
  std::string log(size, '\0');
  clGetProgramBuildInfo(program.get(), device, CL_PROGRAM_BUILD_LOG, size, log.data(), nullptr);
  throw Error(where + "the driver does not compile the generated text, " + name_of(error) + ": " +
                  explain_build(log.c_str(), text),
              Fault::failure);
}

}  // namespace crible::backends::opencl
