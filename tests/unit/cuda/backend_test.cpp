#include <gtest/gtest.h>

#include "backends/cuda/cuda_backend.hpp"
#include "backends/cuda/driver.hpp"
#include "engine/base/error.hpp"
#include "tests/conformance/rows.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::backends::cuda {
namespace {

/// The sentence with which a device is refused.
std::string refusal(const std::string& device) {
  CompileOptions options;
  options.device = device;
  try {
    make_backend()->compile(conformance::sample_mlp(), options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(CudaBackend, WithoutAGpuSaysWhyAndWhatToDo) {
  if (!inventory().devices.empty()) GTEST_SKIP() << "there is a GPU here";
  const std::vector<Device> devices = make_backend()->devices();
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_FALSE(devices[0].usable);
  EXPECT_NE(devices[0].reason.find("NVIDIA"), std::string::npos) << devices[0].reason;
  EXPECT_NE(refusal("").find("cannot be used here"), std::string::npos);
  EXPECT_NE(refusal("cuda:0").find("NVIDIA"), std::string::npos);
}

TEST(CudaBackend, AnIndexThatDoesNotExistIsNamed) {
  if (inventory().devices.empty()) GTEST_SKIP() << inventory().reason;
  EXPECT_NE(refusal("cuda:99").find("no device \"cuda:99\"; it has: cuda:0"), std::string::npos);
}

/// Every size passes through its own path: persistent, graph, batched, tiles.
TEST(CudaBackend, EveryPathGivesTheSameBits) {
  if (inventory().devices.empty()) GTEST_SKIP() << inventory().reason;
  const network::Network network = conformance::sample_mlp();
  CompileOptions options;
  options.max_batch = 8192;
  const auto program = make_backend()->compile(network, options);
  const conformance::Events events = conformance::make_events(network, 5000, 3);
  const conformance::Events wanted = conformance::expected(network, events);
  for (const std::size_t size : {1u, 3u, 16u, 64u, 65u, 500u, 4096u, 5000u}) {
    conformance::store_inputs(network, std::span(events).first(size), program->slots()[0].inputs);
    ASSERT_EQ(program->run(0, size), Status::ok) << size;
    conformance::Events got;
    conformance::fetch_outputs(network, program->slots()[0].outputs, size, got);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), wanted.begin())) << size;
  }
  EXPECT_EQ(program->submit(0, 0), Status::bad_batch);
  EXPECT_EQ(program->submit(0, 8193), Status::bad_batch);
}

}  // namespace
}  // namespace crible::backends::cuda
