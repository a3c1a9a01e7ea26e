#pragma once

#include <cstddef>
#include <cstdint>

/// What the planner and the kernels share: plain structs of pointers and numbers. A plan is a list of
/// steps over *rows*. A row is one 32-bit lane for each event of a tile: one tensor element as int32 (two
/// consecutive rows: as int64), or four elements as bytes, or two as int16. A tile is tile_events events,
/// or a single one; the same plan structure serves both, each compiled for its own kernels.
///
/// The kernels are compiled for several instruction sets: this header must not define functions.
namespace crible::backends::cpu {

inline constexpr int tile_events = 32;

using Row = std::uint32_t;

/// What a step works on: the rows, and the batch's arrays for the steps that load and store.
struct Frame {
  std::byte* rows;                 // row r begins at byte r * 4 * events of a tile; 64-byte aligned
  const std::byte* const* inputs;  // of the first event of the tile
  std::byte* const* outputs;
  std::size_t events;         // in this tile; lanes beyond repeat the last event
  std::size_t iteration = 0;  // of the innermost loop
};

using StepFunction = void (*)(const void* data, const Frame& frame);

struct Step {
  StepFunction run;
  const void* data;
};

/// Elements of an input or output array, to or from rows. `element` counts in storage units.
struct Transfer {
  bool consecutive;  // elements and rows count up; stores: from element 0 on
  std::uint32_t port;
  std::uint32_t row_elements;
  std::uint32_t count;
  const std::uint32_t* element;
  const Row* row;
};

/// Whole 32-bit lanes of an input row (four bytes, two int16), the bits in `flip` inverted.
struct LoadLanes {
  bool consecutive;  // byte[i] is byte[0] + 4 i
  std::uint32_t port;
  std::uint32_t row_bytes;
  std::uint32_t count;
  std::uint32_t flip;
  const std::uint32_t* byte;
  const Row* row;
};

/// Elementwise on one, two or three rows for each result row. Unused row lists are null.
struct Elementwise {
  std::uint32_t count;
  bool contiguous;  // single events: every list counts up, so that lanes are elements
  const Row* a;
  const Row* b;
  const Row* c;
  const Row* out;
};

/// Bytes of an operand that a chain works on at a time: sixteen rows of a tile, or 512 elements of an event.
inline constexpr std::uint32_t chain_block_bytes = 2048;

/// shift: (a + plus) >> shift; shift_even: t = a + plus, (t + ((t >> shift) & 1)) >> shift, where plus
/// includes half of the last bit that stays, less one; requantize: see RequantizeEntry; all three and clamp
/// end between low and high. select: a != 0 ? b : c. leaky: a * multiplier where a >= 0. lookup: table[a +
/// offset, held between 0 and high].
enum class ChainCode : std::uint8_t {
  add,
  subtract,
  multiply,
  less,
  less_equal,
  equal,
  not_equal,
  select,
  clamp,
  leaky,
  shift,
  shift_even,
  requantize,
  lookup,
};

/// What a clamp, shift, requantize or lookup works on: a, or what a and b give together, or (a + b) * c or
/// (a - b) * c.
enum class Combine : std::uint8_t { none, add, subtract, multiply, add_multiply, subtract_multiply };

/// One operation of a chain. Operands begin at a row; where they move, each block has the rows that follow
/// those of the block before, else (intermediate results and constants) all blocks use the same.
struct ChainOp {
  ChainCode code;
  Combine combine;
  bool a_moves;
  bool b_moves;
  bool c_moves;
  bool out_moves;
  Row a;
  Row b;
  Row c;
  Row out;
  std::int32_t multiplier;
  std::int32_t offset;
  std::int32_t plus;
  std::int32_t if_negative;
  std::int32_t if_odd;
  std::int32_t shift;
  std::int32_t zero_point;
  std::int32_t low;
  std::int32_t high;
  const std::int32_t* table;
  const std::int16_t* curve;  // the same as a curve, else null
};

/// A table of at most 1024 entries that never falls, and never rises by more than 1: in groups of 16 the
/// first entries (int16), then which of a group's entries are above the one before (a bit each).
inline constexpr int curve_groups = 64;
inline constexpr int curve_group = 16;

/// Elementwise operations one after the other on a block of elements before the next block: what they hand
/// on stays in the nearest cache. Tiles: rows count up with the elements. Single events: lanes do, and whole
/// vectors are written, for which the planner leaves room.
struct Chain {
  std::uint32_t count;
  std::uint32_t ops;
  const ChainOp* op;
};

/// Rows to rows. Where in (out) moves, the list has `count` rows for each iteration of the loop around it.
struct Copy {
  std::uint32_t count;
  bool contiguous;  // both lists count up, from iteration to iteration anew
  bool in_moves;
  bool out_moves;
  const Row* in;
  const Row* out;
};

struct Step;

/// The steps of a recurrent node's body, once for each iteration.
struct Loop {
  std::uint32_t iterations;
  bool reverse;
  std::uint32_t steps;
  const Step* step;
  const Row* result;  // for the planner: a row that must outlive every iteration
};

/// Four (two) rows to the bytes (int16) of one: value - offset.
struct Pack {
  std::uint32_t count;
  bool contiguous;  // both lists count up
  std::int32_t offset;
  const Row* in;  // [count][4] or [count][2]
  const Row* out;
};

/// One byte or int16 of a row, plus the offset.
struct Unpack {
  std::uint32_t count;
  std::int32_t offset;
  const Row* in;
  const std::uint8_t* part;  // which byte or int16
  const Row* out;
};

/// One entry for each distinct set of parameters; `entry` says which one an element has.
/// y = q + ((r + plus + (sign & if_negative) + (q & if_odd)) >> shift), q = t >> shift, r = t mod 2^shift.
struct RequantizeEntry {
  std::int64_t multiplier;
  std::int64_t offset;
  std::int64_t zero_point;
  std::int64_t plus;
  std::int64_t if_negative;
  std::int64_t if_odd;
  std::int64_t shift;
};

struct Requantize {
  Elementwise rows;
  const std::uint32_t* entry;
  const RequantizeEntry* entries;
  std::int64_t low;
  std::int64_t high;
  bool narrow;   // everything fits 32 bits, nothing wraps
  bool uniform;  // one entry for all
  bool wrap;
  std::int64_t wrap_mask;  // 2^width - 1
  std::int64_t wrap_sign;  // 2^(width - 1) for a signed result, else 0
};

struct Threshold {
  Elementwise rows;
  const std::uint32_t* entry;
  std::uint32_t steps;
  const std::int64_t* thresholds;  // [entries][steps]
  const std::int64_t* base;
  const std::int32_t* sign;
};

struct Lookup {
  Elementwise rows;
  const std::uint32_t* entry;
  std::uint32_t entries;  // in one table
  bool uniform;           // one table for all
  std::int64_t first;
  const std::int32_t* table;       // results that fit 32 bits
  const std::int64_t* wide_table;  // the others
};

struct Clamp {
  Elementwise rows;
  std::int64_t low;
  std::int64_t high;
  std::int32_t shift;  // leaky relu
};

/// For each result a list of rows: folded (pool, reduce) or multiplied and summed (any dense or conv).
struct Fold {
  std::uint32_t count;
  const std::uint32_t* begin;  // [count + 1]
  const Row* in;
  const std::int64_t* weights;  // null for folds
  const std::int64_t* bias;     // [count], null for folds
  const Row* out;
};

/// Lines of equal length: ranks of the keys, values moved to their places. Stable.
struct Sort {
  std::uint32_t lines;
  std::uint32_t length;
  bool descending;
  bool indices;
  bool keys_64;
  const Row* keys;    // [lines][length]
  const Row* values;  // [lines][length], unused for indices
  const Row* out;     // [lines][length]
  std::byte* ranks;   // length rows, scratch
};

struct WalkNode {
  Row feature;
  std::int32_t left;  // negative: ~leaf
  std::int32_t right;
  std::uint32_t categories_begin;
  std::uint32_t categories_end;
  bool missing_left;
  std::int64_t threshold;
};

struct WalkTree {
  const WalkNode* nodes;  // null: the single leaf 0
  const std::int64_t* leaves;
};

/// Any tree ensemble: each tree walked for each event. Trees sorted by output.
struct TreeWalk {
  std::uint32_t outputs;
  const std::uint32_t* begin;  // [outputs + 1] into trees
  const WalkTree* trees;
  const std::int64_t* categories;
  const std::int64_t* bias;
  bool has_missing;
  std::int64_t missing;
  const Row* out;
};

/// A feature as trees compare it: value - base, held between 0 and top; what is missing becomes on_missing.
struct TreeFeature {
  Row row;
  std::int32_t base;
  std::int32_t top;
  std::int32_t on_missing;
};

/// Trees of at most four levels, filled up to 15 nodes in breadth-first order and 16 leaves. A node goes left
/// where its edge > feature. Leaves are unsigned, cut in bytes: plane p holds bits 8p to 8p + 7.
struct TreeLanes {
  std::uint32_t features;
  const TreeFeature* feature;
  std::uint32_t lane_bits;  // 8, 16 or 32: what features and edges fit
  bool has_missing;
  std::int32_t missing;
  std::uint32_t outputs;
  std::uint32_t planes;
  const std::uint32_t* begin;  // [outputs + 1]: trees of an output
  const std::uint8_t* slots;   // tiles and steps: [trees][15] feature of a node
  const std::int32_t* edges;   // the same; tiles: repeated to 32 bits
  const std::uint8_t* tables;  // tiles: [trees][planes][16]
  const std::uint8_t*
      groups;  // single: 32 trees of one output side by side, see kernels/tree_lanes_single.cpp
  const std::uint32_t* group_begin;  // single: [outputs + 1]
  const std::int64_t* leaves;        // single: [groups][32][16]; steps: [trees][16]
  const std::int64_t* bias;          // [outputs], includes the least leaves
  bool wide_out;                     // int64 rows
  const Row* out;
  std::byte* scratch;  // features * 32 lanes
};

/// How a sum becomes the result of a Product. none: stored as it is. shift: sum >> shift, the rounding in the
/// bias; where `odd`, (sum + ((sum >> shift) & mask)) >> shift, with a mask of 1: half to even; where
/// `negative`, (sum + plus + ((sum >> 31) & mask)) >> shift. scale: sum * multiplier + offset in 64 bits,
/// unsigned, shifted likewise. scale_high: the same where the shift is at least 32, or the multiplier can be
/// made larger so that it is: only the high halves of the products are shifted. count: sign * (number of
/// thresholds <= sum). Then `add`, low and high.
enum class Finish : std::uint8_t { none, shift, scale, scale_high, count };

/// In which form the results are stored: one int32, two int16 or four bytes in a lane.
enum class Form : std::uint8_t { wide, shorts, bytes };

/// Arrays have one entry for each output, padded to whole blocks with entries that give 0.
struct Epilogue {
  Finish finish;
  bool odd;       // half to even
  bool negative;  // roundings that ask for the sign
  bool adds;      // `add` is not zero everywhere
  bool uniform;   // shift and mask are the same for all outputs
  const std::int32_t* shift;
  const std::int32_t* plus;  // added before the shift, where it is not in the bias
  const std::int32_t* mask;
  const std::int32_t* multiplier;  // scale
  const std::int64_t* offset;      // scale: includes 2^62, and plus unless odd; scale_high: includes plus;
                                   // single: of even outputs of each block, then of odd ones
  const std::int64_t* wide_plus;   // scale and odd: added before the shift
  const std::int32_t* correction;  // scale: minus 2^(62 - shift), modulo 2^32
  const std::int32_t* add;         // zero point minus the stored form's offset
  std::int32_t low;                // bounds of what is stored
  std::int32_t high;
  const std::int32_t* lows;  // the same of each output, where they differ; else null
  const std::int32_t* highs;
  std::int32_t low_bytes;  // the same in each byte, where bytes are stored
  std::int32_t high_bytes;
  std::uint32_t steps;             // count
  std::uint32_t stride;            // count: outputs padded
  const std::int32_t* thresholds;  // count: [steps][stride]
  const std::int32_t* sign;
};

/// How four bytes are multiplied. exact: one instruction (VNNI). halves: even and odd bytes apart, as int16.
/// widened: the same, but the weights travel as bytes. pairs: products of neighbours added in 16 bits, and
/// their sums kept in 16 bits for a whole segment: the planner has proven that neither can overflow. twins
/// and alone: the same with segments of exactly two steps, and of one.
enum class ByteDots : std::uint8_t { exact, halves, widened, pairs, twins, alone };

/// Dense or convolution: `pixels` products of one weight matrix with the lanes (4 bytes, 2 int16 or 1 int32)
/// of each pixel. A block of outputs takes one step for each lane for which it has a weight.
struct Product {
  std::uint32_t outputs;
  std::uint32_t blocks;  // of outputs, as the kernel wants them
  std::uint32_t pixels;
  std::uint32_t depth;  // lanes of a pixel
  Form form;            // of the input lanes
  ByteDots dots;        // where form is bytes
  Form out_form;
  const Row* in;                       // [pixels][depth]
  bool uniform;                        // single: every block has all lanes, in order
  const std::uint32_t* begin;          // [blocks + 1]: steps of a block; uniform: [groups + 1], see `rest`
  const std::uint32_t* lane;           // [steps]
  const std::int32_t* weights;         // [steps][words][outputs of a block]; words: 2 for halves, else 1
                                       // uniform: blocks in groups of 4, then 2, then 1: [depth][blocks]...
  const std::int32_t* rest;            // uniform: additional steps, each block of a group in turn
  std::uint32_t segment;               // uniform pairs: lanes of a segment
  const std::uint32_t* segment_begin;  // pairs in tiles: [blocks + 1]
  const std::uint32_t* segment_end;    // in steps
  const std::int32_t* bias;
  const Row* sums;              // single: where not null, the sums begin with these rows instead of the bias;
  std::uint32_t sums_of_steps;  // rows further in each iteration of the loop around
  const Row* out;               // [pixels]: first of consecutive rows
  Epilogue epilogue;
};

/// How a layer of a dense run ends: its sums in a lane each, or one shift for all outputs (half to even or
/// with the rounding in the bias), results as bytes.
enum class DenseEnd : std::uint8_t { sums, bytes, bytes_even };

inline constexpr std::uint16_t no_port = 0xffff;

/// A dense layer of one event. What it reads follows it in memory in the order of use: of each group of
/// blocks (of 4, then 2, then 1) the bias and the weights, where `dots` is alone the lanes that weights are
/// left for
/// ([0] their number, in whole vectors) and those. Then comes the next layer.
struct alignas(64) DenseLayer {
  std::uint32_t bytes;  // with what follows, to the next layer
  bool last;
  Form form;  // of the input lanes
  ByteDots dots;
  DenseEnd end;
  std::uint16_t depth;
  std::uint16_t blocks;
  std::uint16_t outputs;
  std::uint16_t segment;   // pairs: lanes of a segment
  std::uint16_t in_port;   // the input is lanes of this array, the bits in `flip` inverted; else no_port
  std::uint16_t out_port;  // sums: stored in this array; else no_port
  std::uint32_t in_byte;
  Row in;  // where flip is not 0, the input is copied here
  Row out;
  std::uint32_t flip;
  std::int32_t shift;
  std::int32_t mask;
  std::int32_t low_bytes;
  std::int32_t high_bytes;
};

/// Maximum of rows of unsigned bytes: `span` rows that follow each other like `span` others.
struct PackedMax {
  std::uint32_t count;
  std::uint32_t span;
  const std::uint32_t* begin;
  const Row* in;   // first of each span
  const Row* out;  // single: behind the last span is room for a vector
};

/// Every kind of step, in the order of the kernels' tables. Suffixes: 32 and 64 name the rows' integers.
enum class Kind : std::uint8_t {
  load_s8,
  load_u8,
  load_s16,
  load_u16,
  load_s32,
  load_u32,
  load_s64,
  load_lanes,
  store_8,
  store_16,
  store_32,
  store_64,
  store_from_64_8,
  store_from_64_16,
  store_from_64_32,
  store_from_64_64,
  widen,
  pack_bytes,
  pack_shorts,
  unpack_bytes,
  unpack_shorts,
  requantize_32_32,
  requantize_32_64,
  requantize_64_32,
  requantize_64_64,
  threshold_32_32,
  threshold_32_64,
  threshold_64_32,
  threshold_64_64,
  lookup_32_32,
  lookup_32_64,
  lookup_64_32,
  lookup_64_64,
  clamp_32_32,
  clamp_64_32,
  clamp_64_64,
  leaky_32,
  leaky_64,
  chain,
  copy,
  loop,
  add_32,
  add_64,
  subtract_32,
  subtract_64,
  multiply_32,
  multiply_64,
  less_32,
  less_64,
  less_equal_32,
  less_equal_64,
  equal_32,
  equal_64,
  not_equal_32,
  not_equal_64,
  select_32,
  select_64,
  sum_of_products_32,
  sum_of_products_64,
  fold_sum_32,
  fold_sum_64,
  fold_max_32,
  fold_max_64,
  fold_min_32,
  fold_min_64,
  fold_squares_32,
  fold_squares_64,
  fold_argmax_32,
  fold_argmax_64,
  sort_32,
  sort_64,
  tree_walk_32_32,
  tree_walk_32_64,
  tree_walk_64_32,
  tree_walk_64_64,
  tree_lanes,
  tree_steps,
  product,
  dense_run,  // single events
  max_bytes,
  count_of_kinds
};

/// The kernels of one instruction set: for single events and for tiles.
struct Kernels {
  StepFunction single[static_cast<std::size_t>(Kind::count_of_kinds)];
  StepFunction tile[static_cast<std::size_t>(Kind::count_of_kinds)];
  std::uint32_t block_single;  // outputs in a block of Product's weights
  std::uint32_t block_tile;
  ByteDots byte_dots;  // pairs: halves as well
  bool tree_lanes;     // whether there are byte shuffles; else trees are gone down level by level
};

}  // namespace crible::backends::cpu
