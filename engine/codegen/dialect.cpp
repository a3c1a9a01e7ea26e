#include "engine/codegen/dialect.hpp"

namespace crible::codegen {

namespace {

/// A device without packed products of bytes.
constexpr const char* plain_dot4 = R"(
/* sum + the products of four signed bytes of w with four bytes of x */
FUNCTION i32 dot4_s(i32 x, i32 w, i32 sum) {
  for (i32 part = 0; part < 32; part += 8) sum += (i32)(i8)(x >> part) * (i32)(i8)(w >> part);
  return sum;
}
FUNCTION i32 dot4_u(i32 x, i32 w, i32 sum) {
  for (i32 part = 0; part < 32; part += 8) sum += (i32)(u8)(x >> part) * (i32)(i8)(w >> part);
  return sum;
}
)";

constexpr const char* opencl_dot4 = R"(
/* sum + the products of four signed bytes of w with four bytes of x */
#ifdef __opencl_c_integer_dot_product_input_4x8bit_packed
#define dot4_s(x, w, sum) ((sum) + dot_4x8packed_ss_int((u32)(x), (u32)(w)))
#define dot4_u(x, w, sum) ((sum) + dot_4x8packed_us_int((u32)(x), (u32)(w)))
#else
FUNCTION i32 dot4_s(i32 x, i32 w, i32 sum) {
  for (i32 part = 0; part < 32; part += 8) sum += (i32)(i8)(x >> part) * (i32)(i8)(w >> part);
  return sum;
}
FUNCTION i32 dot4_u(i32 x, i32 w, i32 sum) {
  for (i32 part = 0; part < 32; part += 8) sum += (i32)(u8)(x >> part) * (i32)(i8)(w >> part);
  return sum;
}
#endif
)";

constexpr const char* cuda_dot4 = R"(
/* sum + the products of four signed bytes of w with four bytes of x */
FUNCTION i32 dot4_s(i32 x, i32 w, i32 sum) {
  asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(x), "r"(w));
  return sum;
}
FUNCTION i32 dot4_u(i32 x, i32 w, i32 sum) {
  asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(x), "r"(w));
  return sum;
}
)";

/// What blocks of events, and single events on a processor, compute with.
constexpr const char* opencl_vectors = R"(
/* 16 lanes */
typedef char16 i8x16;
typedef uchar16 u8x16;
typedef short16 i16x16;
typedef ushort16 u16x16;
typedef int16 i32x16;
#define SHORTS(x) convert_short16(x)
#define INTS(x) convert_int16(x)
#define EVERY(x) ((i32x16)(x))
#define CHOOSE(mask, a, b) ((mask) ? (a) : (b))
#define larger(a, b) max(a, b)
#define smaller(a, b) min(a, b)
)";

constexpr const char* host_vectors = R"(
/* 16 lanes */
typedef i8 i8x16 __attribute__((vector_size(16)));
typedef u8 u8x16 __attribute__((vector_size(16)));
typedef i16 i16x16 __attribute__((vector_size(32)));
typedef u16 u16x16 __attribute__((vector_size(32)));
typedef i32 i32x16 __attribute__((vector_size(64)));
#define SHORTS(x) __builtin_convertvector(x, i16x16)
#define INTS(x) __builtin_convertvector(x, i32x16)
#define EVERY(x) ((i32x16){0} + (x))
#define CHOOSE(mask, a, b) (((a) & (mask)) | ((b) & ~(mask)))
FUNCTION i32x16 larger(i32x16 a, i32x16 b) { return (a & (a > b)) | (b & ~(a > b)); }
FUNCTION i32x16 smaller(i32x16 a, i32x16 b) { return (a & (a < b)) | (b & ~(a < b)); }
)";

/// One work-item stands for a whole warp: it makes all 128 sums of a tile.
constexpr const char* plain_tile = R"(
/* A tile: 16 events by 8 outputs. x and w point to rows of words, `x_words` and `w_words` apart. */
#define WARP 1
#define TILE_SUMS 128
#define tile_event(lane, r) ((r) / 8)
#define tile_output(lane, r) ((r) % 8)
#define TILE(SUFFIX, BYTE)                                                                        \
  FUNCTION void tile_##SUFFIX(i32* sums, SHARED const i32* x, i32 x_words, TABLE const i32* w,    \
                              i32 w_words, i32 lane) {                                            \
    for (i32 r = 0; r < TILE_SUMS; ++r) {                                                         \
      SHARED const BYTE* event = (SHARED const BYTE*)(x + tile_event(lane, r) * x_words);         \
      TABLE const i8* output = (TABLE const i8*)(w + tile_output(lane, r) * w_words);             \
      sums[r] = 0;                                                                                \
      for (i32 k = 0; k < 4 * w_words; ++k) sums[r] += (i32)event[k] * (i32)output[k];            \
    }                                                                                             \
  }
TILE(s, i8)
TILE(u, u8)
)";

/// The fragments of mma.m16n8k32 as PTX lays them out: lane = 4 * row + quarter.
constexpr const char* cuda_tile = R"(
/* A tile: 16 events by 8 outputs. x and w point to rows of words, `x_words` and `w_words` apart. */
#define WARP 32
#define TILE_SUMS 4
#define tile_event(lane, r) ((lane) / 4 + (r) / 2 * 8)
#define tile_output(lane, r) ((lane) % 4 * 2 + (r) % 2)
#define TILE(SUFFIX, BYTE)                                                                        \
  FUNCTION void tile_##SUFFIX(i32* sums, SHARED const i32* x, i32 x_words, TABLE const i32* w,    \
                              i32 w_words, i32 lane) {                                            \
    const i32 row = lane / 4;                                                                     \
    const i32 quarter = lane % 4;                                                                 \
    sums[0] = sums[1] = sums[2] = sums[3] = 0;                                                    \
    for (i32 k = 0; k < w_words; k += 8) {                                                        \
      const i32 a0 = x[row * x_words + k + quarter];                                              \
      const i32 a1 = x[(row + 8) * x_words + k + quarter];                                        \
      const i32 a2 = x[row * x_words + k + quarter + 4];                                          \
      const i32 a3 = x[(row + 8) * x_words + k + quarter + 4];                                    \
      const i32 b0 = w[row * w_words + k + quarter];                                              \
      const i32 b1 = w[row * w_words + k + quarter + 4];                                          \
      asm volatile("mma.sync.aligned.m16n8k32.row.col.s32." BYTE ".s8.s32 "                       \
                   "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"              \
                   : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])                   \
                   : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));                       \
    }                                                                                             \
  }
TILE(s, "s8")
TILE(u, "u8")
)";

}  // namespace

const Dialect opencl_c{
    .name = "opencl",
    .head = R"(typedef char i8;
typedef uchar u8;
typedef short i16;
typedef ushort u16;
typedef int i32;
typedef uint u32;
typedef long i64;
typedef ulong u64;
#define FUNCTION static inline
#define TABLE __constant
)",
    .dot4 = opencl_dot4,
    .vectors = opencl_vectors,
    .tile = plain_tile,
    .kernel = "__kernel void",
    .constant = "__constant",
    .table = "__constant",
    .global = "__global ",
    .shared = "__local ",
    .arena = "__local",
    .item = "(i32)get_global_id(0)",
    .items = "(i32)get_global_size(0)",
    .lane = "(i32)get_local_id(0)",
    .lanes = "(i32)get_local_size(0)",
    .group = "(i32)get_group_id(0)",
    .groups = "(i32)get_num_groups(0)",
    .barrier = "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);",
    .constant_bytes = 1 << 30,  // the device says how much it has
};

const Dialect cuda_c{
    .name = "cuda",
    .head = R"(typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long i64;
typedef unsigned long u64;
#define FUNCTION static __device__ __forceinline__
#define TABLE
)",
    .dot4 = cuda_dot4,
    .vectors = "",
    .tile = cuda_tile,
    .kernel = "extern \"C\" __global__ void",
    .constant = "static __constant__ const",
    .table = "static __device__ const",
    .global = "",
    .shared = "",
    .arena = "__shared__",
    .item = "(i32)(blockIdx.x * blockDim.x + threadIdx.x)",
    .items = "(i32)(gridDim.x * blockDim.x)",
    .lane = "(i32)threadIdx.x",
    .lanes = "(i32)blockDim.x",
    .group = "(i32)blockIdx.x",
    .groups = "(i32)gridDim.x",
    .barrier = "__syncthreads();",
    .constant_bytes = 60'000,  // of 64 KiB
};

const Dialect host_c{
    .name = "host",
    .head = R"(typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long i64;
typedef unsigned long u64;
#define FUNCTION static inline
#define TABLE
)",
    .dot4 = plain_dot4,
    .vectors = host_vectors,
    .tile = plain_tile,
    .kernel = "void",
    .constant = "static const",
    .table = "static const",
    .global = "",
    .shared = "",
    .arena = "",
    .item = "0",
    .items = "1",
    .lane = "0",
    .lanes = "1",
    .group = "0",
    .groups = "1",
    .barrier = "",
    .constant_bytes = 1 << 30,
};

}  // namespace crible::codegen
