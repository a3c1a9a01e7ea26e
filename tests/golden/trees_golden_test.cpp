// Tree ensembles of every library against the library's own outputs, on the reference evaluator.

#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/npy.hpp"
#include "engine/importers/trees/readers.hpp"
#include "engine/reference/reference.hpp"

namespace crible {
namespace {

using importers::trees::Ensemble;
using network::Network;

const std::string models = "tests/data/models/";

/// An independent reading of Encoding: what a float source would do before the network.
std::int64_t encode(const Network& network, std::size_t lane, double x) {
  const network::Node& input = network.nodes.front();
  const network::Encoding& encoding = std::get<network::Input>(input.operation).encoding;
  if (encoding.edges.empty()) {
    const double scaled = x / encoding.scale;
    const double rounded =
        encoding.rounding == network::Rounding::floor ? std::floor(scaled) : std::nearbyint(scaled);
    return std::clamp(static_cast<std::int64_t>(rounded), network::lowest(input.type),
                      network::highest(input.type));
  }
  if (std::isnan(x)) {
    std::size_t longest = 0;
    for (const auto& row : encoding.edges) longest = std::max(longest, row.size());
    return static_cast<std::int64_t>(longest) + 1;
  }
  return std::count_if(encoding.edges[lane].begin(), encoding.edges[lane].end(),
                       [x](double e) { return x > e; });
}

/// Scores of every row, as reals, row after row.
std::vector<double> scores(const Network& network, const Array& inputs) {
  const std::vector<double> values = to_doubles(inputs);
  const std::size_t features = inputs.shape[1];
  const int fraction = network.nodes.back().type.fraction;
  std::vector<double> result;
  for (std::size_t row = 0; row < inputs.shape[0]; ++row) {
    reference::Tensor x(features);
    for (std::size_t i = 0; i < features; ++i) x[i] = encode(network, i, values[row * features + i]);
    const std::vector<reference::Tensor> outputs = reference::evaluate(network, {x});
    for (const std::int64_t score : outputs[0]) {
      result.push_back(std::ldexp(static_cast<double>(score), -fraction));
    }
  }
  return result;
}

void expect_close(const std::vector<double>& actual, const Array& expected, double relative) {
  const std::vector<double> wanted = to_doubles(expected);
  ASSERT_EQ(actual.size(), wanted.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], wanted[i], relative * std::max(1.0, std::abs(wanted[i]))) << "value " << i;
  }
}

Ensemble read(Ensemble (*reader)(std::string_view, const std::string&), const std::string& path) {
  return reader(read_file(path), path);
}

TEST(TreesGolden, XgboostBinaryAgreesByRankAndByFixedPoint) {
  const Ensemble ensemble = read(importers::trees::read_xgboost, models + "bdt/xgb_binary.json");
  const Array inputs = read_npy(models + "bdt/inputs.npy");
  const auto by_rank = scores(lower(ensemble, {}, {}), inputs);
  expect_close(by_rank, read_npy(models + "bdt/expected_xgb_binary_margin.npy"), 2e-6);
  EXPECT_EQ(by_rank, scores(lower(ensemble, network::parse_type("u10.0"), {}), inputs));
}

TEST(TreesGolden, XgboostMulticlass) {
  const Ensemble ensemble = read(importers::trees::read_xgboost, models + "bdt/xgb_multi.json");
  expect_close(scores(lower(ensemble, {}, {}), read_npy(models + "bdt/inputs.npy")),
               read_npy(models + "bdt/expected_xgb_multi_margin.npy"), 2e-6);
}

TEST(TreesGolden, XgboostDermatology) {
  const Ensemble ensemble = read(importers::trees::read_xgboost, models + "xgb_dermatology/model.json");
  expect_close(scores(lower(ensemble, {}, {}), read_npy(models + "xgb_dermatology/input_f32.npy")),
               read_npy(models + "xgb_dermatology/margin_f32.npy"), 1e-6);
}

TEST(TreesGolden, LightgbmNeedsAScoreTypeForDoubleLeaves) {
  const Ensemble ensemble = read(importers::trees::read_lightgbm, models + "bdt/lightgbm_multi.txt");
  EXPECT_THROW(lower(ensemble, {}, {}), Error);
  expect_close(
      scores(lower(ensemble, {}, network::parse_type("s64.52")), read_npy(models + "bdt/inputs.npy")),
      read_npy(models + "bdt/expected_lightgbm_raw.npy"), 1e-12);
}

TEST(TreesGolden, LightgbmDart) {
  const Ensemble ensemble = read(importers::trees::read_lightgbm, models + "lgb_breast_cancer/model.txt");
  expect_close(scores(lower(ensemble, {}, network::parse_type("s64.52")),
                      read_npy(models + "lgb_breast_cancer/input_f64.npy")),
               read_npy(models + "lgb_breast_cancer/raw_score_f64.npy"), 1e-12);
}

TEST(TreesGolden, LightgbmMulticlass) {
  const Ensemble ensemble = read(importers::trees::read_lightgbm, models + "lgb_multiclass/model.txt");
  expect_close(scores(lower(ensemble, {}, network::parse_type("s64.52")),
                      read_npy(models + "lgb_multiclass/input_f64.npy")),
               read_npy(models + "lgb_multiclass/raw_score_f64.npy"), 1e-12);
}

TEST(TreesGolden, LightgbmCategorical) {
  const Ensemble ensemble = read(importers::trees::read_lightgbm, models + "lgb_categorical/model.txt");
  const Array inputs = read_npy(models + "lgb_categorical/input_f64.npy");
  const Array expected = read_npy(models + "lgb_categorical/output_f64.npy");
  expect_close(scores(lower(ensemble, {}, network::parse_type("s64.50")), inputs), expected, 1e-12);
  expect_close(scores(lower(ensemble, network::parse_type("s8.0"), network::parse_type("s64.50")), inputs),
               expected, 1e-12);
}

TEST(TreesGolden, ConiferIsExact) {
  const Ensemble ensemble = read(importers::trees::read_conifer, models + "bdt/conifer_ap16_6.json");
  const auto actual = scores(lower(ensemble, {}, {}), read_npy(models + "bdt/inputs.npy"));
  EXPECT_EQ(actual, to_doubles(read_npy(models + "bdt/expected_conifer_ap16_6.npy")));
}

Ensemble read_onnx(const std::string& path) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(read_file(path)));
  return importers::trees::read_onnx_ml(model, path);
}

TEST(TreesGolden, OnnxMlBinaryGivesTheLogitOfItsProbability) {
  const auto margins =
      scores(lower(read_onnx(models + "bdt/xgb_binary.onnx"), {}, {}), read_npy(models + "bdt/inputs.npy"));
  expect_close(margins, read_npy(models + "bdt/expected_xgb_binary_margin.npy"), 2e-6);
}

TEST(TreesGolden, OnnxMlMulticlassGivesTheScoresBeforeSoftmax) {
  const auto margins =
      scores(lower(read_onnx(models + "bdt/xgb_multi.onnx"), {}, {}), read_npy(models + "bdt/inputs.npy"));
  const auto probabilities = to_doubles(read_npy(models + "bdt/expected_onnxml_multi.npy"));
  ASSERT_EQ(margins.size(), probabilities.size());
  for (std::size_t row = 0; row < margins.size(); row += 5) {
    double sum = 0;
    for (std::size_t i = 0; i < 5; ++i) sum += std::exp(margins[row + i]);
    for (std::size_t i = 0; i < 5; ++i)
      EXPECT_NEAR(std::exp(margins[row + i]) / sum, probabilities[row + i], 1e-6);
  }
}

}  // namespace
}  // namespace crible
