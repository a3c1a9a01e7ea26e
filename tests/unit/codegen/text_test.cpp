#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "engine/base/file.hpp"
#include "engine/codegen/prelude.hpp"
#include "engine/codegen/render.hpp"
#include "engine/network/build.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::codegen {
namespace {

using namespace network;

/// A layer of four inputs and two outputs: short enough to read.
Network small_network() {
  Builder builder("small");
  const NodeId x = builder.input("x", {4}, {true, 8, 4});
  Dense dense;
  dense.outputs = 2;
  dense.inputs = 4;
  dense.weights = {1, -2, 3, -4, 5, 6, -7, 8};
  dense.bias = {10, -10};
  Requantize requantize;
  requantize.shift = {3};
  requantize.rounding = Rounding::half_even;
  const NodeId sum = builder.add("sum", dense, {x});
  builder.output("y", builder.add("act", requantize, {sum}, Type{false, 4, 1}));
  return builder.finish();
}

struct Golden {
  const char* file;
  const Dialect& dialect;
  Options options;
  Network (*network)();
};

/// With CRIBLE_UPDATE_GOLDEN set the files are written instead.
const Golden goldens[] = {
    {"small_item.cl", opencl_c, {}, small_network},
    {"small_item.c", host_c, {}, small_network},
    {"small_packed.cu", cuda_c, {.packed_dots = true}, small_network},
    {"small_group.cl", opencl_c, {.form = Form::group}, small_network},
    {"small_tiles.cu", cuda_c, {.form = Form::group, .events = 16}, small_network},
    {"small_block.cl", opencl_c, {.form = Form::block}, small_network},
    {"small_block.cu", cuda_c, {.form = Form::block}, small_network},
    {"cnn_block.c", host_c, {.form = Form::block}, conformance::sample_cnn},
    {"cnn_single.cl", opencl_c, {.form = Form::single}, conformance::sample_cnn},
    {"trees_block.cl", opencl_c, {.form = Form::block}, conformance::sample_trees},
    {"recurrent_item.cl", opencl_c, {}, conformance::sample_recurrent},
    {"trees_scratch.cl", opencl_c, {.form = Form::group, .shared_bytes = 0}, conformance::sample_trees},
};

class GoldenText : public testing::TestWithParam<Golden> {};

TEST_P(GoldenText, IsAsKept) {
  const std::filesystem::path path = std::filesystem::path("tests/unit/codegen/text") / GetParam().file;
  const std::string text = render(GetParam().network(), GetParam().dialect, GetParam().options).text;
  // The common prelude is in a file of its own.
  std::string own = text;
  const std::string common = prelude();
  const std::size_t at = own.find(common);
  ASSERT_NE(at, std::string::npos);
  own.replace(at, common.size(), "\n/* prelude */\n");
  if (std::getenv("CRIBLE_UPDATE_GOLDEN") != nullptr) write_file(path, own);
  EXPECT_EQ(own, read_file(path)) << "set CRIBLE_UPDATE_GOLDEN=1 to keep the new text";
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenText, testing::ValuesIn(goldens),
                         [](const auto& golden) { return std::to_string(golden.index); });

TEST(Prelude, IsAsKept) {
  const std::filesystem::path path = "tests/unit/codegen/text/prelude.c";
  if (std::getenv("CRIBLE_UPDATE_GOLDEN") != nullptr) write_file(path, prelude());
  EXPECT_EQ(prelude(), read_file(path));
}

TEST(Text, EqualNetworksGiveEqualText) {
  for (const Network& network : conformance::operation_samples()) {
    for (const Dialect* dialect : {&opencl_c, &cuda_c, &host_c}) {
      EXPECT_EQ(render(network, *dialect, {}).text, render(network, *dialect, {}).text);
    }
  }
}

TEST(Text, NamesOfNodesBecomeIdentifiers) {
  Builder builder("a network */ with words");
  const NodeId x = builder.input("int", {2}, {true, 8, 0});
  const NodeId y = builder.add("a.b*/", Clamp{0, 5}, {x});
  builder.output("a_b__", y);
  const std::string text = render(builder.finish(), host_c, {}).text;
  EXPECT_EQ(text.find("a.b"), std::string::npos);
  EXPECT_EQ(text.find("*/ with"), std::string::npos);
  EXPECT_NE(text.find("in_int[i]"), std::string::npos);
}

TEST(Forms, TensorsFitPrivateMemoryToTheByte) {
  const Network mlp = conformance::sample_mlp();
  for (const Form form : {Form::item, Form::block, Form::single}) {
    const std::size_t needed = render(mlp, host_c, {.form = form}).tensor_bytes;
    EXPECT_TRUE(fits_private(mlp, form, needed));
    EXPECT_FALSE(fits_private(mlp, form, needed - 1));
  }
  EXPECT_FALSE(fits_private(mlp, Form::block, render(mlp, host_c, {.form = Form::item}).tensor_bytes));
}

/// CUDA C has no vectors of 16: what is asked for of one event is then the text of Form::item.
TEST(Forms, WithoutVectorsASingleEventIsAnItem) {
  for (const auto& make : {conformance::sample_mlp, conformance::sample_cnn, conformance::sample_trees}) {
    EXPECT_EQ(render(make(), cuda_c, {.form = Form::single}).text, render(make(), cuda_c, {}).text);
  }
}

TEST(Forms, TensorsThatDoNotFitAGroupGoToScratchMemory) {
  const Network network = conformance::sample_cnn();
  const Source shared = render(network, cuda_c, {.form = Form::group});
  EXPECT_FALSE(shared.scratch);
  const Source scratch =
      render(network, cuda_c, {.form = Form::group, .shared_bytes = shared.tensor_bytes - 1});
  EXPECT_TRUE(scratch.scratch);
}

TEST(Forms, TensorsOfAGroupShareMemory) {
  const Network network = conformance::sample_cnn();
  EXPECT_LT(render(network, cuda_c, {.form = Form::group}).tensor_bytes,
            render(network, cuda_c, {.form = Form::item}).tensor_bytes);
}

TEST(Tables, ThatDoNotFitConstantMemoryGoToGlobalMemory) {
  Dialect small = cuda_c;
  small.constant_bytes = 8;
  EXPECT_NE(render(small_network(), cuda_c, {}).text.find("TABLE_SPACE static __constant__"),
            std::string::npos);
  EXPECT_NE(render(small_network(), small, {}).text.find("TABLE_SPACE static __device__"), std::string::npos);
}

}  // namespace
}  // namespace crible::codegen
