// The rules that differ between tree libraries: ties, missing values, zeros, categories, exact leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/importers/trees/ensemble.hpp"
#include "engine/importers/trees/readers.hpp"
#include "engine/reference/reference.hpp"

namespace crible::importers::trees {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// One split on one feature with leaves 1 (left) and 2 (right).
Ensemble stump(Split split) {
  split.left = ~0;
  split.right = ~1;
  Ensemble result;
  result.name = "stump";
  result.source = "stump.json";
  result.features = 1;
  result.bias = {0};
  result.trees = {{.output = 0, .splits = {split}, .leaves = {1, 2}}};
  return result;
}

std::int64_t rank_of(const network::Network& network, double x) {
  const auto& edges = std::get<network::Input>(network.nodes[0].operation).encoding.edges.at(0);
  if (std::isnan(x)) return static_cast<std::int64_t>(edges.size()) + 1;
  return std::count_if(edges.begin(), edges.end(), [x](double e) { return x > e; });
}

bool goes_left(const Ensemble& ensemble, double x) {
  const network::Network network = lower(ensemble, {}, {});
  return reference::evaluate(network, {{rank_of(network, x)}})[0][0] == 1;
}

double next(double x) {
  return std::nextafter(x, 1e300);
}
double previous(double x) {
  return std::nextafter(x, -1e300);
}

TEST(TreeSplits, LessIsExactInDouble) {
  const Ensemble e = stump({.kind = SplitKind::less, .threshold = 0.1});
  EXPECT_TRUE(goes_left(e, previous(0.1)));
  EXPECT_FALSE(goes_left(e, 0.1));
}

TEST(TreeSplits, LessEqualIsExactInDouble) {
  const Ensemble e = stump({.kind = SplitKind::less_equal, .threshold = 0.1});
  EXPECT_TRUE(goes_left(e, 0.1));
  EXPECT_FALSE(goes_left(e, next(0.1)));
}

TEST(TreeSplits, Float32NarrowsTheFeatureFirst) {
  for (const float threshold : {0.1F, 1.0F, std::nextafter(1.0F, 2.0F), 0.0F, -2.5F, 1e-40F, 3.4e38F}) {
    for (const SplitKind kind : {SplitKind::less, SplitKind::less_equal}) {
      Ensemble e = stump({.kind = kind, .threshold = threshold});
      e.float32_features = true;
      const double below = (static_cast<double>(std::nextafter(threshold, -1e38F)) + threshold) / 2;
      const double above = (static_cast<double>(std::nextafter(threshold, 3.4028235e38F)) + threshold) / 2;
      for (const double middle : {below, above, static_cast<double>(threshold)}) {
        for (const double x : {previous(middle), middle, next(middle)}) {
          const float narrowed = static_cast<float>(x);
          const bool left = kind == SplitKind::less ? narrowed < threshold : narrowed <= threshold;
          EXPECT_EQ(goes_left(e, x), left) << threshold << " at " << x;
        }
      }
    }
  }
}

TEST(TreeSplits, MissingValuesFollowTheirDirection) {
  EXPECT_TRUE(goes_left(stump({.threshold = 5, .missing_left = true}), nan));
  EXPECT_FALSE(goes_left(stump({.threshold = 5, .missing_left = false}), nan));
}

TEST(TreeSplits, ZeroThatIsMissingTakesTheMissingSide) {
  const Ensemble e = stump({.threshold = 5, .missing_left = false, .zero_is_missing = true});
  EXPECT_FALSE(goes_left(e, 0.0));
  EXPECT_FALSE(goes_left(e, 1e-36));
  EXPECT_FALSE(goes_left(e, nan));
  EXPECT_TRUE(goes_left(e, 1e-34));
  EXPECT_TRUE(goes_left(e, -1.0));
  EXPECT_FALSE(goes_left(e, 6.0));
}

TEST(TreeSplits, CategoriesAreCutToIntegers) {
  Ensemble e = stump({.kind = SplitKind::member, .categories = {0, 1, 7}});
  for (const double x : {0.0, 0.5, 1.0, 1.99, 7.0, 7.9}) EXPECT_TRUE(goes_left(e, x)) << x;
  for (const double x : {-0.5, -1.0, 2.0, 6.99, 8.0, 1e9, nan}) EXPECT_FALSE(goes_left(e, x)) << x;
  e.cut_negative_to_zero = true;
  EXPECT_TRUE(goes_left(e, -0.5));
  EXPECT_FALSE(goes_left(e, -1.0));
}

TEST(TreeSplits, FixedPointThresholdsAreExact) {
  const auto type = network::parse_type("s8.2");  // steps of a quarter
  for (const SplitKind kind : {SplitKind::less, SplitKind::less_equal}) {
    for (const double threshold : {-100.0, -32.0, -0.3, 0.0, 0.25, 0.3, 31.75, 100.0}) {
      const network::Network network = lower(stump({.kind = kind, .threshold = threshold}), type, {});
      for (std::int64_t q = -128; q <= 127; ++q) {
        const double x = static_cast<double>(q) / 4;
        const bool left = kind == SplitKind::less ? x < threshold : x <= threshold;
        EXPECT_EQ(reference::evaluate(network, {{q}})[0][0] == 1, left) << threshold << " at " << x;
      }
    }
  }
}

TEST(TreeLeaves, SumExactlyOrAreRefused) {
  Ensemble e = stump({.threshold = 0});
  e.trees[0].leaves = {0.1F, -3.0};
  const network::Network network = lower(e, {}, {});
  EXPECT_EQ(std::ldexp(static_cast<double>(reference::evaluate(network, {{0}})[0][0]),
                       -network.nodes.back().type.fraction),
            static_cast<double>(0.1F));
  e.trees[0].leaves = {1e-30, 1e5};
  try {
    lower(e, {}, {});
    FAIL() << "must be refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "stump.json: the leaves cannot be summed exactly in 64 bits; give --score-type, for example "
                 "s32.24, to round each leaf once, half to even");
  }
}

TEST(TreeLeaves, ScoreTypeMustHoldTheSum) {
  Ensemble e = stump({.threshold = 0});
  e.trees[0].leaves = {100, -100};
  EXPECT_THROW(lower(e, {}, network::parse_type("s8.4")), Error);
  EXPECT_NO_THROW(lower(e, {}, network::parse_type("s12.4")));
}

std::string message_of(Ensemble (*reader)(std::string_view, const std::string&), const std::string& text) {
  try {
    reader(text, "m");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

constexpr const char* lightgbm_head =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=regression\n\n";

std::string lightgbm_stump(int decision_type, const std::string& extra = "") {
  return std::string(lightgbm_head) +
         "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\ndecision_type=" +
         std::to_string(decision_type) + "\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n" + extra +
         "\nend of trees\n";
}

TEST(LightgbmReader, MissingTypesAreThoseOfTheLibrary) {
  constexpr int none = 0, zero = 1 << 2, not_a_number = 2 << 2, default_left = 2;
  const auto left = [](int decision_type, double x) {
    return goes_left(read_lightgbm(lightgbm_stump(decision_type), "m"), x);
  };
  EXPECT_TRUE(left(none, nan));  // NaN counts as 0.0, and 0.0 <= 0.5
  EXPECT_FALSE(left(not_a_number, nan));
  EXPECT_TRUE(left(not_a_number | default_left, nan));
  EXPECT_FALSE(left(zero, 0.0));
  EXPECT_TRUE(left(zero | default_left, 0.0));
  EXPECT_TRUE(left(zero, -0.5));
}

TEST(LightgbmReader, RefusesWhatCannotBeExactOrIsDamaged) {
  EXPECT_EQ(message_of(read_lightgbm, lightgbm_stump(0, "is_linear=1\n")),
            "m: tree 0 has linear leaves; train with linear_tree=false");
  EXPECT_EQ(
      message_of(read_lightgbm, "tree\nversion=v4\naverage_output\nmax_feature_idx=0\n"),
      "m: a random forest divides its sum by the number of trees, which has no exact integer; train with "
      "boosting gbdt or dart");
  EXPECT_EQ(message_of(read_lightgbm, lightgbm_stump(3 << 2)),
            "m: tree 0: decision_type 12 is unknown; the file is damaged");
  EXPECT_EQ(message_of(read_lightgbm, "tree\nversion=v4\n"),
            "m: header: key 'max_feature_idx' is missing; the file is damaged");
}

TEST(XgboostReader, RefusesOtherBoostersAndOtherJson) {
  EXPECT_THAT(message_of(read_xgboost, "{}"), testing::HasSubstr("not an XGBoost JSON model"));
  EXPECT_THAT(message_of(read_xgboost, "{\"learner\": 3"), testing::HasSubstr("save it again"));
  EXPECT_THAT(message_of(read_xgboost, R"({"learner":{"learner_model_param":{"num_feature":"1"},
      "objective":{"name":"binary:logistic"},"gradient_booster":{"name":"gblinear"}}})"),
              testing::HasSubstr("booster 'gblinear' has no trees"));
}

TEST(ConiferReader, ReadsOldAndNewLayouts) {
  const std::string tree =
      R"({"feature":[0,-2,-2],"threshold":[1.5,0,0],"value":[0,1,2],"children_left":[1,-1,-1],"children_right":[2,-1,-1]})";
  const auto file = [&](const std::string& extra, const std::string& config) {
    return R"({"n_classes":2,"n_features":1,"n_trees":1,"max_depth":1,"init_predict":[0.0],"norm":1,)" +
           extra + R"("trees":[[)" + tree + R"(]],"config":{)" + config + "}}";
  };
  const Ensemble old_layout = read_conifer(file("", R"("Precision":"ap_fixed<12,11>")"), "m");
  EXPECT_EQ(old_layout.trees[0].splits[0].kind, SplitKind::less_equal);
  EXPECT_EQ(old_layout.leaf_type, network::parse_type("s12.1"));
  const Ensemble new_layout = read_conifer(
      file(R"("splitting_convention":"<",)",
           R"("input_precision":"ap_int<8>","threshold_precision":"ap_int<8>","score_precision":"float")"),
      "m");
  EXPECT_EQ(new_layout.trees[0].splits[0].kind, SplitKind::less);
  EXPECT_EQ(new_layout.trees[0].splits[0].threshold, 1.0);  // floored to the threshold's type
  EXPECT_EQ(new_layout.feature_type, network::parse_type("s8.0"));
  EXPECT_FALSE(new_layout.leaf_type);
  EXPECT_THAT(message_of(read_conifer, file("", R"("Precision":"ap_fixed<12,11,AP_RND,AP_SAT>")")),
              testing::HasSubstr("rounding or overflow mode"));
}

}  // namespace
}  // namespace crible::importers::trees
