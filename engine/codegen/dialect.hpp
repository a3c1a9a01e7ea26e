#pragma once

/// The members of the C family that generated text can be in. A dialect is a constant: one renderer fills
/// these strings into the same text.
namespace crible::codegen {

struct Dialect {
  const char* name;      // "opencl"
  const char* head;      // integer types i8 .. i64, u8 .. u64
  const char* dot4;      // sums of four products of bytes in a word
  const char* vectors;   // of 16 lanes; empty: there are none
  const char* tile;      // products of 16 events with 8 outputs, shared by the lanes of a warp
  const char* kernel;    // before the kernel's name
  const char* constant;  // before a table that fits constant memory
  const char* table;     // before one that does not
  const char* global;    // pointer into a batch's arrays
  const char* shared;    // pointer into a work-group's memory
  const char* arena;     // declares a work-group's memory
  const char* item;      // index of the work-item, and how many there are
  const char* items;
  const char* lane;  // index of the work-item in its group, and how many there are
  const char* lanes;
  const char* group;  // index of the group, and how many there are
  const char* groups;
  const char* barrier;  // waits for the group; memory of the group and of the device is seen by all
  int constant_bytes;   // that fit constant memory
};

/// OpenCL C 1.2.
extern const Dialect opencl_c;
/// CUDA C++ as NVRTC compiles it, without headers.
extern const Dialect cuda_c;
/// C11: one work-item, one group. The text is proven by running this one.
extern const Dialect host_c;

}  // namespace crible::codegen
