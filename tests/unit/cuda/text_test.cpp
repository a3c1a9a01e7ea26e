#include <gtest/gtest.h>

#include <regex>

#include "backends/cuda/nvrtc.hpp"
#include "backends/cuda/persistent.hpp"
#include "engine/base/error.hpp"
#include "engine/codegen/render.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::backends::cuda {
namespace {

using codegen::Form;
using codegen::Options;
using network::Network;

/// The first instruction of a PTX text that works on floating-point numbers, or nothing.
std::string floating_point_in(const std::string& ptx) {
  static const std::regex type(R"(\.(f16|f16x2|bf16|bf16x2|tf32|f32|f32x2|f64|e4m3|e5m2)\b)");
  std::smatch found;
  if (!std::regex_search(ptx, found, type)) return {};
  const std::size_t at = static_cast<std::size_t>(found.position());
  const std::size_t begin = ptx.rfind('\n', at) + 1;
  return ptx.substr(begin, ptx.find('\n', at) - begin);
}

std::string ptx_of(const std::string& text) {
  const std::vector<char> code = compile_cuda(text, "compute_90", Output::ptx);
  return {code.begin(), code.end()};
}

const Options all_forms[] = {{.form = Form::item, .packed_dots = true},
                             {.form = Form::group, .packed_dots = true},
                             {.form = Form::group, .shared_bytes = 0},
                             {.form = Form::group, .events = 32, .packed_dots = true},
                             {.form = Form::block}};  // Form::single is Form::item here

void expect_integer_code(const Network& network) {
  for (const Options& options : all_forms) {
    const std::string text = codegen::render(network, codegen::cuda_c, options).text;
    std::string ptx;
    ASSERT_NO_THROW(ptx = ptx_of(text)) << network.name;
    EXPECT_NE(ptx.find(".entry network("), std::string::npos) << network.name;
    EXPECT_EQ(floating_point_in(ptx), "") << network.name;
  }
}

class Nvrtc : public testing::Test {
 protected:
  void SetUp() override {
    if (!nvrtc_missing().empty()) GTEST_SKIP() << nvrtc_missing();
  }
};

TEST_F(Nvrtc, CompilesEveryOperationToIntegerInstructions) {
  for (const Network& network : conformance::operation_samples()) expect_integer_code(network);
}

TEST_F(Nvrtc, CompilesModelsToIntegerInstructions) {
  for (const auto& make : {conformance::sample_mlp, conformance::sample_cnn, conformance::sample_trees,
                           conformance::sample_recurrent}) {
    expect_integer_code(make());
  }
}

TEST_F(Nvrtc, CompilesRandomNetworksToIntegerInstructions) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    expect_integer_code(conformance::random_network(conformance::Choices::seeded(seed, 150)));
  }
}

TEST_F(Nvrtc, ThePersistentKernelIsIntegerCodeToo) {
  for (const std::size_t shared_bytes : {std::size_t{48 * 1024}, std::size_t{0}}) {
    const codegen::Source source = codegen::render(conformance::sample_mlp(), codegen::cuda_c,
                                                   {.form = Form::group, .shared_bytes = shared_bytes});
    const std::string text = source.text + persistent_kernel(source);
    const std::string ptx = ptx_of(text);
    EXPECT_NE(ptx.find(std::string(".entry ") + persistent_name), std::string::npos);
    EXPECT_NE(ptx.find("ld.volatile"), std::string::npos);  // the mailbox is read again and again
    EXPECT_NE(ptx.find("membar.sys"), std::string::npos) << "answers are seen before their number";
    EXPECT_EQ(floating_point_in(ptx), "");
    EXPECT_FALSE(compile_cuda(text, "sm_90", Output::cubin).empty());
  }
}

TEST_F(Nvrtc, AssemblesForTheGpu) {
  for (const Options& options : all_forms) {
    const std::string text = codegen::render(conformance::sample_mlp(), codegen::cuda_c, options).text;
    EXPECT_FALSE(compile_cuda(text, "sm_90", Output::cubin).empty());
  }
}

TEST_F(Nvrtc, LargeBatchesUseTheTensorCores) {
  const std::string ptx =
      ptx_of(codegen::render(conformance::sample_mlp(), codegen::cuda_c, all_forms[3]).text);
  EXPECT_NE(ptx.find("mma.sync.aligned.m16n8k32.row.col.s32"), std::string::npos);
}

TEST_F(Nvrtc, BytesAreMultipliedByFours) {
  const std::string ptx =
      ptx_of(codegen::render(conformance::sample_mlp(), codegen::cuda_c, all_forms[0]).text);
  EXPECT_NE(ptx.find("dp4a."), std::string::npos);
}

TEST_F(Nvrtc, FloatingPointWouldBeFound) {
  EXPECT_NE(floating_point_in(ptx_of("extern \"C\" __global__ void network(float* x) { *x += 1.5f; }")), "");
}

TEST_F(Nvrtc, AnErrorShowsTheLogAndTheLine) {
  try {
    compile_cuda("__device__ int a;\n__device__ int b = nothing;\n", "compute_90", Output::ptx);
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("line 2: __device__ int b = nothing;"), std::string::npos) << message;
    EXPECT_NE(message.find("undefined"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace crible::backends::cuda
