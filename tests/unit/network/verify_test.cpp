#include "engine/network/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/network/build.hpp"
#include "tests/unit/network/refusals.hpp"

namespace crible::network {
namespace {

using testing::HasSubstr;

constexpr Type s8{true, 8, 0};
constexpr Type u1{false, 1, 0};

/// A sound network to damage: input x, dense d, requantize q, output y.
Network sound() {
  Builder b("net");
  const NodeId x = b.input("x", {2}, s8);
  const NodeId d = b.add("d", Dense{1, 2, 0, {1, 2}, {3}}, {x});
  Requantize q;
  q.shift = {2};
  b.output("y", b.add("q", q, {d}, s8));
  return b.finish();
}

template <class Operation>
Operation& get(Network& network, std::size_t node) {
  return std::get<Operation>(network.nodes[node].operation);
}

struct Damage {
  const char* name;
  std::function<void(Network&)> apply;
  const char* sentence;
};

class Refused : public testing::TestWithParam<Damage> {};

TEST_P(Refused, WithItsSentence) {
  Network network = sound();
  ASSERT_NO_THROW(verify(network));
  GetParam().apply(network);
  EXPECT_THAT(refusal([&] { verify(network); }), HasSubstr(GetParam().sentence));
}

const Damage damages[] = {
    {"SelfReference", [](Network& n) { n.nodes[1].inputs = {1}; },
     "node 'd' (dense) reads node number 1, which does not come before it"},
    {"ForwardReference", [](Network& n) { n.nodes[1].inputs = {2}; }, "does not come before it"},
    {"NegativeReference", [](Network& n) { n.nodes[1].inputs = {-1}; }, "does not come before it"},
    {"Arity",
     [](Network& n) {
       n.nodes[1].inputs = {0, 0};
     },
     "node 'd' (dense) has 2 inputs; give it 1"},
    {"InputWithInput", [](Network& n) { std::swap(n.nodes[0], n.nodes[1]); }, "does not come before it"},
    {"DuplicateName", [](Network& n) { n.nodes[2].name = "d"; },
     "node 'd' (requantize) has the name of an earlier node"},
    {"NoName", [](Network& n) { n.nodes[2].name = ""; }, "has no name"},
    {"NoOutput", [](Network& n) { n.nodes.pop_back(); }, "network 'net' has no output"},
    {"Empty", [](Network& n) { n.nodes.clear(); }, "has no input"},
    {"WrongShape", [](Network& n) { n.nodes[1].shape = {2}; },
     "node 'd' (dense) has the shape [2] where its inputs and attributes give [1]"},
    {"ZeroExtent", [](Network& n) { n.nodes[0].shape = {0}; }, "each extent is at least 1"},
    {"NegativeExtent", [](Network& n) { n.nodes[0].shape = {-2}; }, "each extent is at least 1"},
    {"HugeShape",
     [](Network& n) {
       n.nodes[0].shape = {1 << 30, 1 << 30, 1 << 30};
     },
     "more than 2^22 elements"},
    {"ManyAxes", [](Network& n) { n.nodes[0].shape = Shape(9, 1); }, "at most 8"},
    {"NoType", [](Network& n) { n.nodes[0].type.width = 0; }, "a width is 1 to 32"},
    {"Width33", [](Network& n) { n.nodes[0].type.width = 33; }, "a width is 1 to 32"},
    {"HugeFraction", [](Network& n) { n.nodes[0].type.fraction = 5000; }, "a fraction within 4096"},
    {"WideInput", [](Network& n) { n.nodes[0].type.width = 64; }, "an input has at most 32 bits"},
    {"WrongFraction", [](Network& n) { n.nodes[1].type.fraction = 1; },
     "node 'd' (dense) has the type s32.1 where its inputs give 0 fraction bits"},
    {"NarrowAccumulator", [](Network& n) { n.nodes[1].type.width = 16; }, "an accumulator is s32 or s64"},
    {"WeightCount", [](Network& n) { get<Dense>(n, 1).weights.push_back(1); }, "outputs x inputs weights"},
    {"BiasCount", [](Network& n) { get<Dense>(n, 1).bias.clear(); }, "one bias for each output"},
    {"WideWeight", [](Network& n) { get<Dense>(n, 1).weights[0] = std::int64_t{1} << 31; },
     "more than 32 bits"},
    {"ContractedExtent", [](Network& n) { get<Dense>(n, 1).inputs = 3; }, "contracts 3 elements"},
    {"NoOutputsInDense", [](Network& n) { get<Dense>(n, 1).outputs = 0; }, "at least 1"},
    {"NegativeOutputs", [](Network& n) { get<Dense>(n, 1).outputs = -1; }, "at least 1"},
    {"Overflow32",
     [](Network& n) {
       get<Dense>(n, 1).weights = {1 << 24, 1 << 24};
     },
     "node 'd' (dense) can overflow its accumulator of 32 bits: its sums reach [-4294967296, 4261412867]"},
    {"OverflowOfAPartialSum",
     [](Network& n) {
       get<Dense>(n, 1).weights = {0, 1};
       get<Dense>(n, 1).bias = {-2147483648};
     },
     "its sums reach [-2147483776, 127]"},
    {"Shift63", [](Network& n) { get<Requantize>(n, 2).shift = {63}; },
     "has the shift 63; give shifts from 0 to 62"},
    {"NegativeShift", [](Network& n) { get<Requantize>(n, 2).shift = {-1}; }, "has the shift -1"},
    {"NoShift", [](Network& n) { get<Requantize>(n, 2).shift.clear(); }, "has 0 entries of shift"},
    {"WrongCount",
     [](Network& n) {
       get<Requantize>(n, 2).offset = {1, 2, 3};
     },
     "has 3 entries of offset"},
    {"Axis", [](Network& n) { get<Requantize>(n, 2).axis = 1; }, "has axis 1 on an input of shape [1]"},
    {"HugeMultiplier", [](Network& n) { get<Requantize>(n, 2).multiplier = {std::int64_t{1} << 60}; },
     "beyond 2^62"},
    {"HugeOffset", [](Network& n) { get<Requantize>(n, 2).offset = {std::int64_t{1} << 62}; }, "beyond 2^62"},
    {"HugeZeroPoint", [](Network& n) { get<Requantize>(n, 2).zero_point = {std::int64_t{1} << 62}; },
     "zero_point not below 2^62"},
    {"WideResult",
     [](Network& n) {
       n.nodes[2].type = {true, 64, 0};
     },
     "a stored value has at most 32 bits"},
    {"OutputScale", [](Network& n) { get<Output>(n, 3).encoding.scale = 0; }, "scale that is not positive"},
    {"OutputNaN",
     [](Network& n) { get<Output>(n, 3).encoding.offset = std::numeric_limits<double>::quiet_NaN(); },
     "offset that is not finite"},
    {"OutputEdges", [](Network& n) { get<Output>(n, 3).encoding.edges = {{1}}; },
     "only inputs are encoded by rank"},
    {"EdgesNotAscending",
     [](Network& n) {
       get<Input>(n, 0).encoding.edges = {{1, 1}};
     },
     "do not ascend"},
    {"EdgesRows",
     [](Network& n) {
       get<Input>(n, 0).encoding.edges = {{1}, {1}, {1}};
     },
     "one row of edges"},
    {"EdgesTooMany",
     [](Network& n) {
       get<Input>(n, 0).encoding.edges = {std::vector<double>(127)};
       for (int i = 0; i < 127; ++i) get<Input>(n, 0).encoding.edges[0][static_cast<std::size_t>(i)] = i;
     },
     "more edges than its type can count"},
    {"ReadsOutput",
     [](Network& n) {
       n.nodes.push_back({"z", Output{}, {3}, s8, {1}});
     },
     "reads the output 'y'"},
    {"TypeOfOutput",
     [](Network& n) {
       n.nodes[3].type = {true, 9, 0};
     },
     "where its inputs and attributes give s8.0"},
};

INSTANTIATE_TEST_SUITE_P(Damages, Refused, testing::ValuesIn(damages),
                         [](const auto& test) { return std::string(test.param.name); });

/// What Builder refuses of one operation on inputs of given types and shapes.
std::string on(const std::vector<std::pair<Shape, Type>>& inputs, Operation operation,
               std::optional<Type> type = {}, std::optional<Shape> shape = {}) {
  return refusal([&] {
    Builder b("net");
    std::vector<NodeId> ids;
    for (const auto& [of, in] : inputs) ids.push_back(b.input(b.unique_name("x"), of, in));
    if (type) {
      b.add("y", operation, ids, *type);
    } else if (shape) {
      b.add("y", operation, ids, *shape);
    } else {
      b.add("y", operation, ids);
    }
  });
}

constexpr Type s8_1{true, 8, 1};

TEST(Rules, Elementwise) {
  EXPECT_THAT(on({{{2}, s8}, {{2}, s8_1}}, Add{}), HasSubstr("different fractions (s8.0 and s8.1)"));
  EXPECT_THAT(on({{{2}, s8}, {{3}, s8}}, Subtract{}), HasSubstr("do not broadcast"));
  EXPECT_THAT(on({{{2}, s8}}, Multiply{}), HasSubstr("has 1 inputs; give it 2"));
  EXPECT_THAT(on({{{2}, s8}, {{2}, s8_1}}, Compare{}), HasSubstr("different fractions"));
  EXPECT_THAT(on({{{2}, s8}, {{2}, s8}, {{2}, s8}}, Select{}), HasSubstr("condition of type s8.0"));
  EXPECT_THAT(on({{{2}, u1}, {{2}, s8}, {{2}, s8_1}}, Select{}), HasSubstr("different fractions"));
  EXPECT_THAT(on({{{2}, s8}}, Clamp{3, 2}), HasSubstr("low end above"));
  EXPECT_THAT(on({{{2}, s8}}, LeakyRelu{63}), HasSubstr("shift 63"));
  EXPECT_THAT(on({{{2}, {true, 32, 0}}}, LeakyRelu{40}),
              HasSubstr("can overflow its accumulator of 64 bits"));
}

TEST(Rules, Tables) {
  EXPECT_THAT(on({{{2}, s8}}, Threshold{2, {2, 1}, {0}, {1}, 0}, s8), HasSubstr("do not ascend"));
  EXPECT_THAT(on({{{2}, s8}}, Threshold{1, {2}, {0}, {2}, 0}, s8), HasSubstr("neither 1 nor -1"));
  EXPECT_THAT(on({{{2}, s8}}, Threshold{2, {1}, {0}, {1}, 0}, s8), HasSubstr("rows x steps"));
  EXPECT_THAT(on({{{2}, s8}}, Threshold{1, {0}, {127}, {1}, 0}, s8), HasSubstr("reaches [127, 128]"));
  EXPECT_THAT(on({{{2}, s8}}, Threshold{-1, {}, {0}, {1}, 0}, s8), HasSubstr("negative number of steps"));
  EXPECT_THAT(on({{{2}, s8}}, Lookup{-128, 1, std::vector<std::int64_t>(255, 0), 0}, s8),
              HasSubstr("is indexed by [-128, 127] at element 0, outside its table of [-128, 126]"));
  EXPECT_THAT(on({{{2}, s8}}, Lookup{-128, 1, std::vector<std::int64_t>(256, 128), 0}, s8),
              HasSubstr("table entry 128 outside"));
  EXPECT_THAT(on({{{2}, s8}}, Lookup{0, 0, {}, 0}, s8), HasSubstr("no rows"));
  EXPECT_THAT(on({{{2}, s8}}, Lookup{0, 1, {1}, 0}), HasSubstr("needs a type"));
}

TEST(Rules, Windows) {
  const Window window{{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
  const auto pool = [&](auto change) {
    Window changed = window;
    change(changed);
    return on({{{1, 4, 4}, s8}}, Pool{PoolKind::max, changed});
  };
  EXPECT_THAT(on({{{4}, s8}}, Pool{PoolKind::max, window}), HasSubstr("it needs [channels, extent]"));
  EXPECT_THAT(pool([](Window& w) { w.kernel = {5, 3}; }), HasSubstr("larger than its padded input"));
  EXPECT_THAT(pool([](Window& w) { w.kernel = {3}; }), HasSubstr("one entry for each spatial axis"));
  EXPECT_THAT(pool([](Window& w) { w.stride = {0, 1}; }), HasSubstr("at least 1"));
  EXPECT_THAT(pool([](Window& w) { w.dilation = {2147483647, 1}; }), HasSubstr("beyond 2^20"));
  EXPECT_THAT(pool([](Window& w) { w.pad_before = {-1, 0}; }), HasSubstr("negative"));
  EXPECT_THAT(pool([](Window& w) { w.pad_before = {3, 0}; }), HasSubstr("more padding"));
  EXPECT_THAT(on({{{1, 1}, s8}}, Pool{PoolKind::max, {{2}, {1}, {3}, {1}, {2}}}), HasSubstr("padding alone"));
  Conv conv{1, 1, window, 0, 0, std::vector<std::int64_t>(9, 1), {0}};
  EXPECT_EQ(on({{{1, 4, 4}, s8}}, conv), "nothing was refused");
  conv.pad_value = 128;
  EXPECT_THAT(on({{{1, 4, 4}, s8}}, conv), HasSubstr("pad_value outside"));
  conv.pad_value = 0;
  conv.groups = 2;
  EXPECT_THAT(on({{{1, 4, 4}, s8}}, conv), HasSubstr("groups do not divide"));
  conv.groups = 0;
  EXPECT_THAT(on({{{1, 4, 4}, s8}}, conv), HasSubstr("no filters or groups"));
  conv.groups = 1;
  conv.weights.pop_back();
  EXPECT_THAT(on({{{1, 4, 4}, s8}}, conv), HasSubstr("filters x channels / groups x kernel weights"));
}

TEST(Rules, Layout) {
  EXPECT_THAT(on({{{2, 2}, s8}, {{2, 3}, s8}}, Concat{0}), HasSubstr("must be equal"));
  EXPECT_THAT(on({{{2}, s8}, {{2}, s8_1}}, Concat{0}), HasSubstr("different fractions"));
  EXPECT_THAT(on({{{2}, s8}}, Concat{1}), HasSubstr("has axis 1"));
  EXPECT_THAT(on({}, Concat{0}), HasSubstr("no inputs"));
  EXPECT_THAT(on({{{2, 3}, s8}}, Reshape{}, {}, Shape{5}), HasSubstr("another number of elements"));
  EXPECT_THAT(on({{{2, 3}, s8}}, Reshape{}), HasSubstr("needs a shape"));
  EXPECT_THAT(on({{{2, 3}, s8}}, Transpose{{0, 0}}), HasSubstr("names an axis twice"));
  EXPECT_THAT(on({{{2, 3}, s8}}, Transpose{{0}}), HasSubstr("one entry for each axis"));
  EXPECT_THAT(on({{{2, 3}, s8}}, Transpose{{0, 2}}), HasSubstr("axis 2"));
  EXPECT_THAT(on({{{4}, s8}}, Slice{{1}, {2}}, {}, Shape{3}),
              HasSubstr("takes elements 1 to 5 of axis 0, which has 4"));
  EXPECT_THAT(on({{{4}, s8}}, Slice{{1}, {-1}}, {}, Shape{3}), HasSubstr("takes elements 1 to -1"));
  EXPECT_THAT(on({{{4}, s8}}, Slice{{1}, {0}}, {}, Shape{3}), HasSubstr("step 0"));
  EXPECT_THAT(on({{{4}, s8}}, Pad{{-1}, {0}, 0}), HasSubstr("negative padding"));
  EXPECT_THAT(on({{{4}, s8}}, Pad{{1}, {0}, 200}), HasSubstr("value outside"));
  EXPECT_THAT(on({{{4}, s8}}, Pad{{2147483647}, {2147483647}, 0}), HasSubstr("too many elements"));
  EXPECT_THAT(on({{{4}, s8}}, Resize{{0}}), HasSubstr("at least 1"));
  EXPECT_THAT(on({{{4}, s8}}, Resize{{1 << 22}}), HasSubstr("more than 2^22 elements"));
}

TEST(Rules, Lanes) {
  EXPECT_THAT(on({{{2}, s8}}, Reduce{ReduceKind::sum, 1}), HasSubstr("has axis 1"));
  EXPECT_THAT(on({{{}, s8}}, Reduce{ReduceKind::max, 0}), HasSubstr("has axis 0 on an input of shape []"));
  EXPECT_THAT(on({{{2, 3}, s8}, {{1, 3}, s8}}, Sort{0}), HasSubstr("the same extent along the axis"));
  EXPECT_THAT(on({{{2, 3}, s8}, {{2}, s8}}, Sort{0}), HasSubstr("the same rank"));
  EXPECT_THAT(on({}, Sort{0}), HasSubstr("needs one input"));
}

TEST(Rules, Trees) {
  const auto trees = [](auto change) {
    TreeEnsemble op;
    op.bias = {0};
    op.trees = {{0, {{0, 1, 1, ~0, false, {}}, {1, 2, ~1, ~2, false, {}}}, {1, 2, 3}}};
    change(op);
    return on({{{2}, s8}}, op);
  };
  EXPECT_EQ(trees([](TreeEnsemble&) {}), "nothing was refused");
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[1].left = 0; }), HasSubstr("not a later node"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[0].left = 2; }), HasSubstr("not a later node"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[0].right = 1; }), HasSubstr("two parents"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[0].left = ~1; }), HasSubstr("nothing leads to"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[1].left = ~3; }),
              HasSubstr("leaf does not exist"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[1].left = -2147483647 - 1; }),
              HasSubstr("leaf does not exist"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[1].feature = 2; }),
              HasSubstr("feature that its input lacks"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].nodes[1].categories = {1}; }), HasSubstr("must be 0"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].output = 1; }),
              HasSubstr("output that it does not have"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.trees[0].leaves.clear(); }), HasSubstr("without leaves"));
  EXPECT_THAT(trees([](TreeEnsemble& t) { t.bias = {}; }), HasSubstr("one bias for each output"));
  EXPECT_THAT(trees([](TreeEnsemble& t) {
                t.trees[0].leaves = {1, std::numeric_limits<std::int64_t>::max(), 1};
                t.bias = {1};
              }),
              HasSubstr("can overflow its accumulator of 64 bits"));
}

/// A body of one state whose new value is its step.
std::shared_ptr<const Network> body(Type step, Type state) {
  Builder b("body");
  const NodeId x = b.input("x", {2}, step);
  b.input("h", {2}, state);
  b.output("next", x);
  return std::make_shared<const Network>(b.finish());
}

TEST(Rules, Recurrent) {
  const auto scan = [](std::shared_ptr<const Network> of, int emit = 0) {
    Recurrent op;
    op.body = std::move(of);
    op.emit = emit;
    return op;
  };
  const std::pair<Shape, Type> sequence{{3, 2}, s8};
  EXPECT_EQ(on({sequence, {{2}, s8}}, scan(body(s8, s8))), "nothing was refused");
  EXPECT_THAT(on({sequence, {{2}, s8}}, scan(nullptr)), HasSubstr("has no body"));
  EXPECT_THAT(on({sequence, {{2}, s8}}, scan(body(s8, s8), 1)), HasSubstr("emits a state"));
  EXPECT_THAT(on({sequence}, scan(body(s8, s8))), HasSubstr("one initial state for each"));
  EXPECT_THAT(on({sequence, {{3}, s8}}, scan(body(s8, s8))), HasSubstr("starts state 'h'"));
  EXPECT_THAT(on({{{3, 4}, s8}, {{2}, s8}}, scan(body(s8, s8))), HasSubstr("not one step of its sequence"));
  EXPECT_THAT(on({sequence, {{2}, s8_1}}, scan(body(s8, s8_1))),
              HasSubstr("turns state 'h' of s8.1 [2] into s8.0 [2]"));
  auto broken = std::make_shared<Network>(*body(s8, s8));
  broken->nodes[1].type.width = 40;
  EXPECT_THAT(on({sequence, {{2}, s8}}, scan(broken)), HasSubstr("node 'h' (input)"));
}

TEST(Rules, BodiesNestNotForever) {
  std::shared_ptr<const Network> inner = body(s8, s8);
  const auto nest = [&] {
    Builder b("nest");
    const NodeId x = b.input("x", {2}, s8);
    const NodeId h = b.input("h", {2}, s8);
    Recurrent op;
    op.body = inner;
    b.output("next", b.add("scan", op, {b.add("one_step", Reshape{}, {x}, Shape{1, 2}), h}));
    inner = std::make_shared<const Network>(b.finish());
  };
  std::string sentence = "nothing was refused";
  for (int depth = 0; depth < 12 && sentence == "nothing was refused"; ++depth) sentence = refusal(nest);
  EXPECT_THAT(sentence, HasSubstr("deeper than 8 bodies"));
}

TEST(Rules, OperationsPerEventAreLimited) {
  const std::string sentence = refusal([] {
    Builder b("net");
    const NodeId x = b.input("x", {1, 2000, 2000}, {false, 1, 0});
    b.add("p", Pool{PoolKind::sum, {{64, 64}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}}, {x});
  });
  EXPECT_THAT(sentence, HasSubstr("more than 2^33 operations"));
}

}  // namespace
}  // namespace crible::network
