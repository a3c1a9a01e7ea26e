#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/codegen/arena.hpp"
#include "engine/codegen/render.hpp"
#include "engine/codegen/text.hpp"
#include "engine/network/network.hpp"
#include "engine/network/verify.hpp"

/// Private to engine/codegen: writes the function that evaluates events.
namespace crible::codegen {

using network::Network;
using network::Node;
using network::NodeId;

/// Where the elements of a node are, once they are in an array.
struct Place {
  std::string array;
  Element element = Element::i64;
  bool table = false;                             // constant, the same for all events
  std::size_t stride = 0;                         // elements from event to event of a group
  int block = -1;                                 // of the arena
  std::vector<std::pair<std::string, int>> base;  // index and factor: a step of a sequence
};

/// Nodes that are computed element by element in one loop: each takes the scalar of the one before. `outputs`
/// are stored from there; the last one goes to an array if anybody else reads it.
struct Chain {
  struct Link {
    NodeId node;
    std::vector<NodeId> outputs;
  };
  std::vector<Link> links;
  bool stored = false;
};

/// The network or a body while it is rendered.
struct Scope {
  const Network& network;
  network::Ranges ranges;
  std::vector<std::string> names;              // of nodes, as identifiers; no two are equal
  std::vector<std::vector<NodeId>> consumers;  // of nodes that matter for an output
  std::vector<bool> done;                      // rendered, or not needed
  std::vector<Place> places;
  std::vector<Place> outputs;  // by node: where an output is stored

  explicit Scope(const Network& network_);
  const Node& node(NodeId id) const { return network.nodes[static_cast<std::size_t>(id)]; }
  const Node& input(NodeId id, std::size_t index) const { return node(node(id).inputs[index]); }
  const std::string& name(NodeId id) const { return names[static_cast<std::size_t>(id)]; }
  Place& place(NodeId id) { return places[static_cast<std::size_t>(id)]; }
  network::Interval range(NodeId id) const { return hull(ranges[static_cast<std::size_t>(id)]); }
  bool wide(NodeId id) const { return !fits_i32(range(id)); }
  /// Accumulators are what verify() has proven to hold every partial sum.
  bool wide_sum(NodeId id) const { return node(id).type.width > 32; }
};

/// The window as text: where it starts for element i of the result, and where its taps are in the input.
struct WindowText {
  bool rows;
  std::string row;
  std::string column;
  std::string inside;  // empty: always
  std::string tap;     // behind "channel * size + "
  int size;            // of a channel

  WindowText(const network::Window& window, const network::Shape& from, const network::Shape& to);
};

/// Sums of products: each filter has one row of weights, and all filters of a group read the same elements.
struct Products {
  const std::vector<std::int64_t>& weights;  // [filters][taps]
  const std::vector<std::int64_t>& bias;
  std::string stem{};  // of the tables' names
  int filters = 1;
  int groups = 1;
  std::size_t axis = 0;  // of the filters in the result
  Place x{};
  network::Interval range{};  // of x
  std::string tap{};          // which element of x is read: an expression of `group` and k
  std::string index{};        // of the result: an expression of `filter`
  int at_once = 1;            // filters, or vectors of filters, that share the reads
  std::string weights_table{};
  Element weights_element = Element::i16;
};

struct Forest;

class Renderer {
 public:
  Renderer(const Dialect& dialect, const Options& options, bool scratch, Arena& arena)
      : dialect_(dialect), options_(options), scratch_(scratch), arena_(arena) {}

  /// The function `evaluate`, in text() and tables(), and the names of its parameters.
  void run(const Network& network);

  struct Port {
    std::string name;
    Element element;
    std::size_t elements;
    bool output;
  };
  const std::vector<Port>& ports() const { return ports_; }
  const std::string& tables() const { return tables_.text(); }
  const std::string& text() const { return code_.text(); }
  std::size_t table_bytes() const { return table_bytes_; }
  bool uses_dots() const { return uses_dots_; }
  bool uses_tiles() const { return uses_tiles_; }

  bool is_group() const { return options_.form == Form::group; }
  bool many_events() const { return is_group() && options_.events > 1; }
  bool is_block() const { return options_.form == Form::block; }
  bool uses_vectors() const { return is_block() || lanes_are_outputs(); }
  /// One event at a time, with vectors: elsewhere plain loops do the same.
  bool lanes_are_outputs() const { return options_.form == Form::single && dialect_.vectors[0] != '\0'; }
  /// Blocks with vectors of 16 events: elsewhere a plain loop over the events does the same.
  bool has_vectors() const { return is_block() && dialect_.vectors[0] != '\0'; }

 private:
  // renderer.cpp: scopes, loops, chains
  /// Gives the nodes their names, each behind `prefix`.
  Scope open_scope(const Network& network, const std::string& prefix);
  void render_scope(Scope& scope);
  void render_node(Scope& scope, NodeId id);
  void copy(Scope& scope, NodeId id);
  void note(const Scope& scope, const Chain& chain);
  std::string fresh(const std::string& wanted);
  Place new_array(const std::string& wanted, Element element, std::size_t elements);
  /// Its position in an event's array; the tensor is alive in this step.
  std::string element_of(const Place& place, std::string_view index);
  /// Reads or writes an element; the tensor is alive in this step.
  std::string at(const Place& place, std::string_view index);
  std::string read(Scope& scope, NodeId id, std::string_view index);
  /// The element as i64 where `wide`.
  std::string read(Scope& scope, NodeId id, std::string_view index, bool wide);
  void open_each(std::size_t count);
  void close_each();
  void open_places(std::size_t count, bool by_vectors);
  void close_places(bool by_vectors);
  void finish_place(Scope& scope, const Chain& chain, const std::string& value, bool by_vectors);
  std::string value_at(Scope& scope, NodeId id, const std::string& index, bool by_vectors, bool wide);
  static std::string extreme(char sign, const std::string& a, const std::string& b, bool by_vectors);
  /// The loop over the events of a block; nothing in other forms.
  void open_events();
  void close_events();
  void end_step();

  Chain begin(Scope& scope, NodeId id);
  /// `value` is the element at `index` of the chain's first node.
  void finish(Scope& scope, const Chain& chain, const std::string& value, std::string_view index);
  std::string apply(Scope& scope, NodeId id, const std::string& value, std::string_view index);
  void each(Scope& scope, NodeId id, const std::string& value);

  std::string table(const std::string& wanted, Element element, const std::vector<std::int64_t>& values);
  std::string table(const std::string& wanted, const std::vector<std::int64_t>& values);

  // render_quantize.cpp
  std::string entry(std::size_t entries, const Node& node, int axis, std::string_view index) const;
  std::string requantize(Scope& scope, NodeId id, const network::Requantize& o, const std::string& value,
                         std::string_view index);
  std::string threshold(Scope& scope, NodeId id, const network::Threshold& o, const std::string& value,
                        std::string_view index);
  std::string lookup(Scope& scope, NodeId id, const network::Lookup& o, const std::string& value,
                     std::string_view index);
  std::string clamp(Scope& scope, NodeId id, const network::Clamp& o, const std::string& value);

  // render_linear.cpp
  void dense(Scope& scope, NodeId id, const network::Dense& o);
  void conv(Scope& scope, NodeId id, const network::Conv& o);
  void pool(Scope& scope, NodeId id, const network::Pool& o);
  bool packable(Scope& scope, NodeId id, const network::Dense& o);
  void dense_rows(Scope& scope, NodeId id, const network::Dense& o);
  void dense_packed(Scope& scope, NodeId id, const network::Dense& o);
  void dense_tiles(Scope& scope, NodeId id, const network::Dense& o);
  void window_loops(const network::Window& window, bool rows);

  // render_vectors.cpp
  bool has_vectors(Scope& scope, NodeId id);
  bool by_outputs(Scope& scope, NodeId id, int outputs, int groups);
  std::string vector(const Place& place, std::string_view index);
  std::string weights_at(const Products& products, bool shorts, int f) const;
  void dense_vectors(Scope& scope, NodeId id, const network::Dense& o);
  void conv_vectors(Scope& scope, NodeId id, const network::Conv& o);
  Place padded(Scope& scope, NodeId id, const network::Conv& o, network::Shape& shape);
  void vector_sums(Scope& scope, const Chain& chain, Products products);
  void sum_taps(const Products& products, bool shorts, std::size_t chunk);
  void finish_vector(Scope& scope, const Chain& chain, const std::string& vector, std::string_view index);

  // render_elementwise.cpp
  void binary(Scope& scope, NodeId id, const char* sign);
  void compare(Scope& scope, NodeId id, const network::Compare& o);
  void select(Scope& scope, NodeId id);
  std::string operand(Scope& scope, NodeId id, std::size_t input, bool wide);

  // render_layout.cpp
  void concat(Scope& scope, NodeId id, const network::Concat& o);
  void reshape(Scope& scope, NodeId id);
  void transpose(Scope& scope, NodeId id, const network::Transpose& o);
  void slice(Scope& scope, NodeId id, const network::Slice& o);
  void pad(Scope& scope, NodeId id, const network::Pad& o);
  void resize(Scope& scope, NodeId id, const network::Resize& o);

  // render_lanes.cpp
  void reduce(Scope& scope, NodeId id, const network::Reduce& o);
  void sort(Scope& scope, NodeId id, const network::Sort& o);

  // render_trees.cpp
  void tree_ensemble(Scope& scope, NodeId id, const network::TreeEnsemble& o);
  void walk_tree(Scope& scope, NodeId id, const network::TreeEnsemble& o, const Forest& forest);
  bool trees_block(Scope& scope, NodeId id, const network::TreeEnsemble& o, const Forest& forest);

  // render_recurrent.cpp
  void recurrent(Scope& scope, NodeId id, const network::Recurrent& o);

  const Dialect& dialect_;
  const Options& options_;
  bool scratch_;
  Arena& arena_;
  Writer code_{1};
  Writer tables_;
  std::set<std::string> names_;
  std::map<std::pair<Element, std::vector<std::int64_t>>, std::string> known_tables_;
  std::vector<Port> ports_;
  std::size_t table_bytes_ = 0;
  /// The index along one axis of results of this shape, where the loop has it in a variable.
  struct {
    const char* variable = nullptr;
    std::size_t axis = 0;
    network::Shape shape{};
  } known_;
  bool uses_dots_ = false;
  bool uses_tiles_ = false;
};

}  // namespace crible::codegen
