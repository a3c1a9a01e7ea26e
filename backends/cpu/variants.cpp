#include "backends/cpu/variants.hpp"

namespace crible::backends::cpu {

// Each defined in kernels/table.cpp, once for each variant.
namespace portable {
void fill(Kernels& kernels);
}
namespace avx2 {
void fill(Kernels& kernels);
}
namespace avx512vnni {
void fill(Kernels& kernels);
}

namespace {

Variant variant(const char* name, const char* description, bool usable, const char* reason,
                void (*fill)(Kernels&)) {
  Variant result{name, description, usable, usable ? "" : reason, {}};
  if (usable) fill(result.kernels);
  return result;
}

std::vector<Variant> find_variants() {
  std::vector<Variant> found;
#if defined(CRIBLE_CPU_X86)
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  found.push_back(variant("cpu:avx512vnni", "AVX-512 with byte dot products (VNNI), 16 lanes", has_avx512,
                          "this processor has no AVX-512 VNNI; use cpu:avx2 or cpu:portable.",
                          avx512vnni::fill));
  found.push_back(variant("cpu:avx2", "AVX2, 8 lanes", has_avx2,
                          "this processor has no AVX2; use cpu:portable.", avx2::fill));
#endif
  found.push_back(variant("cpu:portable", "any processor, 4 lanes", true, "", portable::fill));
  return found;
}

}  // namespace

const std::vector<Variant>& variants() {
  static const std::vector<Variant> found = find_variants();
  return found;
}

}  // namespace crible::backends::cpu
