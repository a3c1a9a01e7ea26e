#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "backends/cpu/plan/plan.hpp"
#include "backends/cpu/plan/weights.hpp"

/// Inside of make_plan: turns nodes into steps. A node's tensor is a list of elements of *bases*; layout
/// nodes only rearrange the list, so they cost nothing when the network runs.
namespace crible::backends::cpu {

/// One element of a base.
struct Element {
  int base = 0;
  std::uint32_t index = 0;

  bool operator==(const Element&) const = default;
  bool operator<(const Element& other) const {
    return base != other.base ? base < other.base : index < other.index;
  }
};

using Tensor = std::vector<Element>;

inline constexpr Row no_row = ~Row{0};
inline constexpr Element no_element{-1, 0};  // padding, or a part of a lane that nobody reads

/// What a step produced, what an input port delivers, or constants. Rows are made when first asked for.
struct Base {
  enum class Source { steps, input, constant };
  Source source = Source::steps;
  int port = 0;                          // input
  network::Type type;                    // input: as stored
  std::vector<network::Interval> range;  // of each element; constant: its value
  bool is_64 = false;                    // of its wide rows
  std::vector<Row> wide;                 // no_row: not made yet
  std::vector<Row> widened;              // the same as int64, where is_64 is false
  Form packed = Form::wide;              // bytes or shorts: produced in this form
  std::vector<Row> lane;                 // packed: row and part of each element
  std::vector<std::uint8_t> part;
  std::int64_t offset = 0;  // packed: value = stored + offset
  bool waits = false;       // made by an operation that is not in a step yet, see chains.cpp
  int node = -1;            // waits: whose result it is
};

bool fits_32(network::Interval range);
network::Interval hull_of(network::Interval a, network::Interval b);

/// Whether each row is the one after the row before it.
bool counts_up(const std::vector<Row>& rows);

/// The offset with which values of a range are stored in a form.
std::int64_t offset_for(network::Interval range, Form form);
bool fits(network::Interval range, Form form);

/// Requantize's constants for a rounding mode, see RequantizeEntry.
struct RoundingTerms {
  std::int64_t plus = 0;
  std::int64_t if_negative = 0;
  std::int64_t if_odd = 0;
};
RoundingTerms rounding_terms(network::Rounding rounding, int shift);
network::Interval overflow_bounds(network::Type type, network::Overflow overflow);

/// Which of `entries` an attribute list has for an element of a tensor: all, along `axis`, or each its own.
std::uint32_t entry_of(std::size_t element, std::size_t entries, const network::Shape& shape, int axis);

/// Whether a node only rearranges elements.
bool is_layout(const network::Operation& operation);

/// The single node that reads `id` as its first input, else -1.
int only_reader(const network::Network& network, const std::vector<int>& uses, int id);

class Planner {
 public:
  Planner(const Kernels& kernels, Layout layout);

  Plan plan(const network::Network& network, const network::Ranges& ranges);

 private:
  struct Context {
    const network::Network& network;
    const network::Ranges& ranges;
    std::vector<Tensor> tensors;     // of each node
    std::vector<int> uses;           // of each node's result
    std::vector<bool> wants_packed;  // some product or max-pool reads it
    std::vector<bool> done;          // planned together with an earlier node
  };

  // planner.cpp: the walk over the nodes
  static Context make_context(const network::Network& network, const network::Ranges& ranges,
                              std::vector<Tensor> inputs);
  std::vector<Tensor> plan_nodes(Context& context, bool top);
  void plan_node(Context& context, int id);
  void plan_output(const Tensor& tensor, network::Type type, std::uint32_t port);

  // layout.cpp: nodes that only rearrange
  Tensor rearranged(const Context& context, int id);

  // rows.cpp: bases and rows
  Row new_rows(std::size_t count);
  int new_base(const std::vector<network::Interval>& range, bool is_64);
  int input_base(int port, network::Type type, const std::vector<network::Interval>& range);
  Element constant(std::int64_t value);
  Tensor whole(int base) const;
  bool any_64(const Tensor& tensor) const;
  network::Interval range_of(const Tensor& tensor) const;
  std::vector<Row> rows_of(const Tensor& tensor, bool want_64);
  std::vector<Row> rows_of(const Tensor& tensor) { return rows_of(tensor, any_64(tensor)); }
  void make_wide(const Tensor& tensor);
  void make_wide(int base, const std::vector<std::uint32_t>& elements);
  std::vector<Row> packed_rows(const std::vector<std::array<Element, 4>>& lanes, Form form,
                               std::int64_t offset);
  void flush_packs();
  Row constant_row(std::int64_t value, bool is_64);

  template <class T>
  void emit(Kind kind, const T& data) {
    plan_.steps.push_back({functions_[static_cast<std::size_t>(kind)], plan_.keep(std::vector<T>{data})});
  }

  // elementwise.cpp
  void plan_binary(Context& context, int id, Kind kind_32, Kind kind_64);
  void plan_compare(Context& context, int id, const network::Compare& compare);
  void plan_select(Context& context, int id);
  void plan_requantize(Context& context, int id, const network::Requantize& requantize);
  void plan_threshold(Context& context, int id, const network::Threshold& threshold);
  void plan_lookup(Context& context, int id, const network::Lookup& lookup);
  void plan_clamp(Context& context, int id, const network::Clamp& clamp);
  void plan_leaky(Context& context, int id, const network::LeakyRelu& leaky);
  Tensor broadcast(const Context& context, int input, const network::Shape& shape) const;
  Elementwise elementwise(const std::vector<Row>& a, const std::vector<Row>& b, const std::vector<Row>& c,
                          const std::vector<Row>& out);
  Elementwise unary(Context& context, int id, bool& in_64, bool& out_64);

  // chains.cpp: elementwise nodes that become one step
  struct ChainInput {
    int base = -1;       // a result that waits, else
    Row first = no_row;  // of rows that count up, else
    std::int64_t constant = 0;
    bool direct = false;  // the node's own result, not rearranged
  };
  struct WaitingOp {
    ChainOp op;
    int node;
    int base;           // result
    int readers;        // of the node's result
    std::size_t count;  // elements
    std::vector<ChainInput> inputs;
  };
  bool is_waiting(const Tensor& tensor) const;
  bool is_waiting_whole(const Tensor& tensor) const;
  bool join_chain(Context& context, int id, ChainOp op, const std::vector<Tensor>& inputs);
  bool chain_requantize(Context& context, int id, const RequantizeEntry& p, network::Interval bounds);
  bool chain_lookup(Context& context, int id, const network::Lookup& lookup);
  void pass_through(Context& context, int id);
  void combine_operations(std::vector<WaitingOp>& ops);
  void combine_factors(std::vector<WaitingOp>& ops);
  void flush_chains();
  void emit_chain(const std::vector<WaitingOp>& chain);
  Row constant_block(std::int64_t value, Row rows);
  const Tensor& input_of(const Context& context, int id) const;

  // folds.cpp
  void plan_pool(Context& context, int id, const network::Pool& pool);
  void plan_reduce(Context& context, int id, const network::Reduce& reduce);
  void plan_sort(Context& context, int id, const network::Sort& sort);
  void emit_fold(Context& context, int id, const Tensor& in, const std::vector<std::uint32_t>& begin,
                 Kind kind_32, Kind kind_64);
  bool plan_packed_max(Context& context, int id, const Tensor& in, const std::vector<std::uint32_t>& begin);
  void emit_packed_max(const std::vector<std::vector<Row>>& rows, Row first);

  // trees.cpp, recurrent.cpp
  void plan_trees(Context& context, int id, const network::TreeEnsemble& trees);
  bool plan_tree_lanes(Context& context, int id, const network::TreeEnsemble& ensemble);
  void emit_copy(const std::vector<Row>& in, bool in_moves, const std::vector<Row>& out, bool out_moves,
                 std::size_t count);
  std::vector<Row> rows_as(const Tensor& tensor, bool want_64);
  static bool reads_input(const Context& body, network::NodeId input);
  void plan_recurrent(Context& context, int id, const network::Recurrent& recurrent);

  // products.cpp: dense and conv
  struct Matrix {
    std::uint32_t outputs = 0;
    std::uint32_t depth = 0;            // elements of each pixel
    std::vector<std::int64_t> weights;  // [outputs][depth]
    std::vector<std::int64_t> bias;
    std::uint32_t run = 1;  // elements that belong together in lanes: channels or a kernel row
    std::int64_t pad_value = 0;
    std::vector<Tensor> pixels;         // [pixels][depth], no_element in the padding
    std::vector<std::uint32_t> result;  // [pixels][outputs]: element of the node's tensor
  };
  struct Lanes {  // how a product reads its input
    Form form = Form::wide;
    std::uint32_t depth = 0;
    std::vector<Row> rows;             // [pixels][depth]
    std::vector<int> element;          // [depth][parts]: index into the pixel's elements, -1: none
    std::vector<std::int64_t> offset;  // [depth][parts]
  };
  void plan_dense(Context& context, int id, const network::Dense& dense);
  void plan_conv(Context& context, int id, const network::Conv& conv);
  WeightLanes weight_lanes(const Matrix& matrix, const Lanes& lanes) const;
  std::int32_t folded_bias(const Matrix& matrix, const Lanes& lanes, std::uint32_t output) const;
  void plan_products(Context& context, int id, std::vector<Matrix> matrices);
  void emit_product(const Matrix& matrix, const Lanes& lanes, const PackedWeights& packed, Form out_form,
                    const std::vector<std::int32_t>& bias, const std::vector<Row>& out,
                    const Epilogue& epilogue, Row sums = no_row, std::uint32_t sums_of_steps = 0);
  void plan_sums(Context& context, int id, const std::vector<Matrix>& matrices);
  void drop_zeros(Matrix& matrix) const;
  bool choose_form(const Matrix& matrix, Form& form) const;
  bool lanes_of_producer(const Matrix& matrix, Form form, Lanes& lanes);
  bool match_pixel(const Matrix& matrix, const Tensor& pixel, const Lanes& lanes, std::vector<Row>& rows);
  Lanes lanes_to_pack(const Matrix& matrix, Form form) const;
  void pack_lanes(const Matrix& matrix, Form form, Lanes& lanes);

  // epilogues.cpp
  struct Ending {       // what follows the sums of a product, and the form of the result
    int node = -1;      // whose result is stored
    int rounding = -1;  // the requantize or threshold among them
    Form form = Form::wide;
    std::int64_t offset = 0;  // of the stored form
    Finish finish = Finish::none;
    network::Interval bounds;
    std::int64_t early_room = 0;  // what can be added to the sums in 32 bits
  };
  std::int64_t early_room(const Context& context, int id) const;
  Ending choose_ending(Context& context, int id, const std::vector<Matrix>& matrices) const;
  bool can_requantize(const Context& context, int id, int next, const std::vector<Matrix>& matrices,
                      Finish& finish) const;
  bool can_count(const Context& context, int id, int next, const std::vector<Matrix>& matrices) const;
  void order_outputs(const Context& context, const Ending& ending, Matrix& matrix) const;
  Epilogue make_epilogue(const Context& context, const Ending& ending, const Matrix& matrix,
                         std::vector<std::int32_t>& bias, std::uint32_t padded);

  // joined_products.cpp: products of a loop's body
  struct EarlyProduct {
    int node;
    Ending ending;
    Matrix matrix;
  };
  struct JoinedProducts {
    std::vector<EarlyProduct> products;
    std::uint32_t padded = 0;  // outputs of all, filled up to whole blocks
    Matrix own;                // what the states contribute; depth 0: nothing
    Epilogue epilogue{};
    Row hoisted = no_row;  // what the slices contribute: `padded` rows for each iteration
  };
  std::vector<EarlyProduct> early_products(Context& body);
  static void keep_alike(const Context& body, std::vector<EarlyProduct>& products);
  Matrix joined_matrix(const std::vector<EarlyProduct>& products, const Tensor& elements) const;
  Epilogue joined_epilogue(const Context& body, const std::vector<EarlyProduct>& products,
                           std::vector<std::int32_t>& bias);
  std::vector<JoinedProducts> join_products(Context& body, const Tensor& sequence, int slice,
                                            std::size_t steps);
  bool join(Context& body, const Tensor& sequence, int slice, std::size_t steps, JoinedProducts& joined);
  void emit_hoisted(const Matrix& hoisted, std::size_t steps, JoinedProducts& joined);
  void emit_joined(Context& body, const JoinedProducts& joined, std::size_t steps);

  // dense_runs.cpp: products of single events that become one step
  void join_dense_layers();
  void emit_dense_run(std::size_t begin, std::size_t end, std::vector<DenseLayer> layers,
                      const std::vector<std::vector<std::int32_t>>& data);
  const Product* plain_dense_of(const Step& step) const;
  bool others_use(Row row, std::size_t count, std::size_t first) const;
  bool reads_array(std::size_t product, const Product& p, DenseLayer& layer) const;
  bool writes_array(std::size_t product, const Product& p, DenseLayer& layer) const;
  void replace_steps(std::size_t begin, std::size_t end, Step step);

  const Kernels& kernels_;
  Layout layout_;
  const StepFunction* functions_;
  Plan plan_;
  std::vector<Base> bases_;
  std::map<std::pair<std::int64_t, bool>, Row> constant_rows_;
  std::map<std::int64_t, Element> constants_;
  std::map<std::pair<std::pair<Form, std::int64_t>, std::array<Element, 4>>, Row> packed_rows_;
  struct PendingPack {
    Form form;
    std::int64_t offset;
    std::array<Element, 4> parts;
    Row row;
  };
  std::vector<PendingPack> pending_packs_;
  std::vector<WaitingOp> waiting_;
  std::map<std::int64_t, Row> constant_blocks_;
};

}  // namespace crible::backends::cpu
