// crible quantize as a user runs it: what it writes, what it says, and what it refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/base/file.hpp"
#include "engine/base/npy.hpp"
#include "tests/commands/run_command.hpp"

namespace crible {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string temporary(const std::string& name) {
  return testing::TempDir() + "crible_quantize_" + name;
}

const std::string gru = "tests/data/models/gru/";
const std::string floats = "tests/data/float_models/";
const std::string quantize_gru =
    "quantize " + gru + "model.onnx --calibrate " + gru + "inputs.npy --input-type s8.5 ";
const std::string mlp = "quantize " + floats + "mlp.onnx ";
const std::string mlp_rows = "--calibrate " + floats + "mlp_x.npy ";

TEST(QuantizeCommand, TheGruKeepsItsAucAndTheExecutorsAgree) {
  const std::string net = temporary("gru.crn");
  const Outcome made =
      run(quantize_gru + "--labels " + gru + "labels.npy -o " + net + " --json " + temporary("gru.json"));
  ASSERT_EQ(made.status, 0) << made.text;
  EXPECT_THAT(made.text,
              AllOf(HasSubstr("420 events calibrated, 180 held back"), HasSubstr("x : s8.5 [20, 6]"),
                    HasSubstr("error: max"), HasSubstr("AUC, label 0 against the others: float 0.9"),
                    HasSubstr("difference    values"), HasSubstr("####")));
  const std::string json = read_file(temporary("gru.json"));
  EXPECT_THAT(json, AllOf(HasSubstr("\"exact\": false"), HasSubstr("\"histogram\""), HasSubstr("\"auc\""),
                          HasSubstr("\"weight_bits\": 8"), HasSubstr("\"held_back\": 180")));

  std::vector<std::vector<std::int64_t>> results;
  for (const char* backend : {"reference", "cpu", "cpu:portable"}) {
    const Outcome eval = run("eval " + net + " --input " + gru + "inputs.npy --output " + temporary("y.npy") +
                             " --backend " + backend);
    ASSERT_EQ(eval.status, 0) << eval.text;
    results.push_back(to_integers(read_npy(temporary("y.npy"))));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);

  ASSERT_EQ(
      run("eval " + net + " --real --input " + gru + "inputs.npy --output " + temporary("y.npy")).status, 0);
  const auto real = to_doubles(read_npy(temporary("y.npy")));
  const auto expected = to_doubles(read_npy(gru + "expected_ort.npy"));
  double squares = 0;
  for (std::size_t i = 0; i < real.size(); ++i) squares += (real[i] - expected[i]) * (real[i] - expected[i]);
  EXPECT_LT(std::sqrt(squares / static_cast<double>(real.size())), 0.12);  // on values of deviation 3.7
}

TEST(QuantizeCommand, MoreBitsCostLess) {
  const auto error = [](const std::string& bits) {
    const Outcome made = run(mlp + mlp_rows + "--hold-back 0 --bits " + bits + " -o " + temporary("mlp.crn"));
    EXPECT_EQ(made.status, 0) << made.text;
    EXPECT_THAT(made.text, HasSubstr("48 compared (the same)"));
    return std::stod(made.text.substr(made.text.find("rms ") + 4));
  };
  EXPECT_LT(error("8"), error("w5a8"));
  EXPECT_LT(error("12"), error("8"));
  EXPECT_LT(error("w8a8 --layer fc1=w16a16"), error("w8a8 --layer fc1=w2a2"));
}

TEST(QuantizeCommand, SeveralClassesAreComparedOneByOne) {
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 48; ++i) labels.push_back(i % 4);
  write_npy(temporary("labels.npy"), from_integers(ElementKind::int8, {48}, labels));
  const Outcome made =
      run(mlp + mlp_rows + "--labels " + temporary("labels.npy") + " -o " + temporary("m.crn"));
  EXPECT_EQ(made.status, 0) << made.text;
  EXPECT_THAT(made.text,
              AllOf(HasSubstr("AUC, class 0: float"), HasSubstr("AUC, class 3: float"),
                    HasSubstr("same largest class in"), HasSubstr("34 events calibrated, 14 held back")));
}

TEST(QuantizeCommand, MistakesGiveASentenceAndStatusTwo) {
  const std::string net = temporary("never.crn");
  const std::string out = " -o " + net;
  const auto array = [](const std::string& name, std::vector<std::size_t> shape, double value) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    write_npy(temporary(name), from_doubles(ElementKind::float32, shape, std::vector<double>(count, value)));
    return "--calibrate " + temporary(name);
  };
  const auto whole = [](const std::string& name, std::vector<std::size_t> shape, std::int64_t value) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    write_npy(temporary(name),
              from_integers(ElementKind::int16, shape, std::vector<std::int64_t>(count, value)));
    return temporary(name);
  };
  const std::pair<std::string, std::string> mistakes[] = {
      {mlp + out, "--calibrate is required"},
      {mlp + "--calibrate nowhere.npy" + out, "nowhere.npy: cannot be read"},
      {mlp + array("shape.npy", {5, 11}, 0) + out,
       "shape.npy: input 'x' needs an array of shape (events, 12)"},
      {mlp + array("nan.npy", {5, 12}, NAN) + out,
       "nan.npy: input 'x', event 0, element 0: is NaN or infinite; calibrate with real numbers only"},
      {mlp + array("none.npy", {0, 12}, 0) + out, "none.npy: has no events; calibration needs some hundred"},
      {mlp + array("one.npy", {1, 12}, 0) + out,
       "--hold-back 0.300000 of 1 events leaves none to compare with; give more events"},
      {mlp + "--calibrate " + whole("int.npy", {5, 12}, 3) + out,
       "int.npy: holds integers; say what they stand for with --input-type x=s8.5"},
      {mlp + "--calibrate " + whole("big.npy", {5, 12}, 300) + " --input-type s8.5" + out,
       "big.npy: input 'x', event 0, element 0: 300 is outside s8.5; give the type that the integers have"},
      {mlp + mlp_rows + "--input-type z=s8.5" + out,
       "it has no input 'z' to give a type to; its inputs are: x"},
      {mlp + mlp_rows + "--layer fc9=8" + out, "it has no node 'fc9' to give bits to"},
      {mlp + mlp_rows + "--layer fc1" + out, "--layer fc1: give NAME=BITS, as in conv1=w8a8"},
      {mlp + mlp_rows + "--bits 99" + out, "bits '99': give one number for all, as in 8, or wNaM"},
      {mlp + mlp_rows + "--range 20" + out, "--range 20: give best, all, or a percentile above 50"},
      {mlp + mlp_rows + "--hold-back 1" + out, "--hold-back 1.000000: give a fraction from 0 to below 1"},
      {mlp + mlp_rows + "--labels " + whole("few.npy", {5}, 1) + out,
       "has 5 labels for 48 events; give one for each"},
      {mlp + mlp_rows + "--labels " + floats + "mlp_y.npy" + out,
       "mlp_y.npy: holds float32; labels are integers"},
      {mlp + mlp_rows + "--labels " + whole("nine.npy", {48}, 9) + out,
       "label 9 has no column in output 'y' of 4"},
      {mlp + mlp_rows + "--backend abacus" + out, "abacus"},
      {mlp + mlp_rows + "--table-bits 40" + out, "--table-bits"},
      {"quantize tests/data/models/jet_mlp/model.onnx " + mlp_rows + out,
       "it quantizes, so that this is no float model"},
      {"quantize tests/data/models/bdt/xgb_multi.onnx " + mlp_rows + out,
       "(TreeEnsembleClassifier): crible quantize does not know"},
      {"quantize README.md " + mlp_rows + out, "README.md: not an ONNX model"},
  };
  for (const auto& [arguments, sentence] : mistakes) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments << ": " << outcome.text;
    EXPECT_THAT(outcome.text, HasSubstr(sentence)) << arguments;
  }
  EXPECT_FALSE(std::filesystem::exists(net));
}

TEST(QuantizeCommand, SeveralInputsComeFromAnArchive) {
  const Outcome missing = run(mlp + "--calibrate " + [] {
    write_npz(temporary("z.npz"),
              {{"z", from_doubles(ElementKind::float32, {2, 12}, std::vector<double>(24, 0.0))}});
    return temporary("z.npz");
  }() + " -o " + temporary("never.crn"));
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.text, HasSubstr("z.npz: has no array 'x'; the model's inputs are: x"));
}

TEST(QuantizeCommand, HelpTeaches) {
  const Outcome help = run("quantize --help");
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.text,
              AllOf(HasSubstr("Examples:"), HasSubstr("crible quantize gru.onnx"), HasSubstr("--layer"),
                    HasSubstr("--hold-back"), HasSubstr("--json"), HasSubstr("approximates")));
}

}  // namespace
}  // namespace crible
