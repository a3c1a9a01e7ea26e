#pragma once

// The vector type of the variant that this file is compiled for.
#if defined(__AVX512VNNI__)
#include "backends/cpu/kernels/simd_avx512.hpp"
#elif defined(__AVX2__)
#include "backends/cpu/kernels/simd_avx2.hpp"
#else
#include "backends/cpu/kernels/simd_portable.hpp"
#endif
