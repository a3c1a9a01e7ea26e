// import, inspect, eval and devices as a user runs them: exit status, sentences, files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "engine/base/file.hpp"
#include "engine/base/npy.hpp"
#include "tests/commands/run_command.hpp"

namespace crible {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string models = "tests/data/models/";

std::string temporary(const std::string& name) {
  return testing::TempDir() + "crible_commands_" + name;
}

TEST(NetworkCommands, ImportInspectAndEvalAgreeWithTheGoldenOutputs) {
  const std::string network = temporary("tagger.crn");
  const Outcome import =
      run("import " + models + "jet_mlp/model.onnx -o " + network + " --json " + temporary("i.json"));
  EXPECT_EQ(import.status, 0) << import.text;
  EXPECT_THAT(import.text,
              AllOf(HasSubstr("crible_commands_tagger"), HasSubstr("x : s8.5 [16]"), HasSubstr("QONNX")));
  EXPECT_THAT(read_file(temporary("i.json")), AllOf(HasSubstr("\"hash\""), HasSubstr("\"exact\": true")));

  const Outcome inspect = run("inspect " + network);
  EXPECT_EQ(inspect.status, 0) << inspect.text;
  EXPECT_THAT(inspect.text, AllOf(HasSubstr("dense"), HasSubstr("requantize"), HasSubstr("[0, 63]")));

  const auto expected = to_integers(read_npy(models + "jet_mlp/expected_int.npy"));
  for (const char* backend : {"reference", "cpu", "cpu:portable"}) {
    const std::string output = temporary("y.npy");
    const Outcome eval = run("eval " + network + " --input " + models + "jet_mlp/inputs.npy --output " +
                             output + " --backend " + backend);
    EXPECT_EQ(eval.status, 0) << eval.text;
    const Array y = read_npy(output);
    EXPECT_EQ(y.shape, (std::vector<std::size_t>{2000, 5}));
    EXPECT_EQ(to_integers(y), expected) << backend;
  }
}

TEST(NetworkCommands, JoinedNetworksGiveTheOutputsOfTheirParts) {
  const std::string tagger = temporary("part.crn");
  ASSERT_EQ(run("import " + models + "jet_mlp/model.onnx -o " + tagger).status, 0);
  const std::string joint = temporary("joint.crn");
  const Outcome join = run("join a=" + tagger + " b=" + tagger + " -o " + joint + " --feed b/x=a/x");
  ASSERT_EQ(join.status, 0) << join.text;
  EXPECT_THAT(join.text, AllOf(HasSubstr("a/x : s8.5 [16]"), HasSubstr("a/y"), HasSubstr("b/y")));
  const Outcome eval = run("eval " + joint + " --input " + models + "jet_mlp/inputs.npy --output " +
                           temporary("joint.npz") + " --backend cpu");
  ASSERT_EQ(eval.status, 0) << eval.text;
  const auto expected = to_integers(read_npy(models + "jet_mlp/expected_int.npy"));
  for (const auto& [name, array] : read_npz(temporary("joint.npz")))
    EXPECT_EQ(to_integers(array), expected) << name;
}

TEST(NetworkCommands, JoinExplainsItsMistakes) {
  const std::string model = models + "jet_mlp/model.onnx";
  const auto refusal = [&](const std::string& options) {
    const Outcome join = run("join a=" + model + " -o " + temporary("no.crn") + " " + options);
    EXPECT_EQ(join.status, 2) << join.text;
    return join.text;
  };
  EXPECT_THAT(refusal("--feed a/x"), HasSubstr("is not of the form NAME=VALUE"));
  EXPECT_THAT(refusal("--hide z/y"), HasSubstr("names no part"));
  EXPECT_THAT(refusal("--hide a/nothing"), HasSubstr("has no output 'nothing' to hide"));
  EXPECT_THAT(refusal("--feed a/x=c/y"), HasSubstr("which no earlier part has"));
  EXPECT_THAT(refusal("--constant a/x=1,two"), HasSubstr("'two' is no integer"));
  EXPECT_THAT(refusal("--constant a/x=1,2"), HasSubstr("a/x"));
}

TEST(NetworkCommands, FloatsAreEncodedAndRealOutputsDecoded) {
  const Array q = read_npy(models + "jet_mlp/inputs.npy");
  std::vector<double> reals = to_doubles(q);
  for (double& x : reals) x *= 0x1p-5;
  write_npy(temporary("x.npy"), from_doubles(ElementKind::float32, q.shape, reals));
  const Outcome eval = run("eval " + models + "jet_mlp/model.onnx --real --input " + temporary("x.npy") +
                           " --output " + temporary("real.npy"));
  EXPECT_EQ(eval.status, 0) << eval.text;
  const Array y = read_npy(temporary("real.npy"));
  EXPECT_EQ(y.kind, ElementKind::float32);
  EXPECT_EQ(to_doubles(y), to_doubles(read_npy(models + "jet_mlp/expected_qonnx.npy")));
}

TEST(NetworkCommands, SeveralOutputsGoToAnArchive) {
  const std::string call =
      "eval " + models + "anomaly/model.onnx --input " + models + "anomaly/inputs.npy --output ";
  const Outcome refused = run(call + temporary("a.npy"));
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.text, HasSubstr("the network has 2 outputs (y, score); give a file that ends in .npz"));
  EXPECT_EQ(run(call + temporary("a.npz")).status, 0);
  const NamedArrays arrays = read_npz(temporary("a.npz"));
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[1].first, "score");
  EXPECT_EQ(to_integers(arrays[1].second), to_integers(read_npy(models + "anomaly/expected_score_int.npy")));
}

TEST(NetworkCommands, MistakesGiveASentenceAndStatusTwo) {
  const std::string net = temporary("never.crn");
  const std::pair<std::string, std::string> mistakes[] = {
      {"import nowhere.onnx -o " + net, "nowhere.onnx: cannot be read"},
      {"import README.md -o " + net, "README.md: not a model that crible knows"},
      {"import " + models + "floatquant_fp8/model.onnx -o " + net, "FloatQuant"},
      {"import " + models + "qkeras_jet3/model.onnx -o " + net, "--input-type x=s16.10"},
      {"import " + models + "qkeras_jet3/model.onnx -o " + net + " --input-type s99.1", "s99.1"},
      {"import " + models + "qkeras_jet3/model.onnx -o " + net + " --input-type z=s8.1",
       "it has no input 'z'"},
      {"import " + models + "qkeras_jet3/model.onnx -o " + net + " --input-step 1/255",
       "give the type of this input"},
      {"eval " + models + "jet_mlp/model.onnx --input " + models + "calo_cnn/inputs.npy --output " +
           temporary("n.npy"),
       "needs an array of shape (events, 16)"},
      {"eval " + models + "calo_cnn/model.onnx --input " + models + "calo_cnn/inputs.npy --output " +
           temporary("n.npy"),
       "is outside s8.0; give integers of that type, or real numbers"},
      {"eval " + models + "jet_mlp/model.onnx --input " + models + "jet_mlp/inputs.npy --output " +
           temporary("n.npy") + " --backend abacus",
       "abacus"},
      {"import", "model is required"},
      {"frobnicate", "crible --help"},
  };
  for (const auto& [arguments, sentence] : mistakes) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments << ": " << outcome.text;
    EXPECT_THAT(outcome.text, HasSubstr(sentence)) << arguments;
  }
  EXPECT_FALSE(std::filesystem::exists(net));
}

TEST(NetworkCommands, HelpTeachesWithExamples) {
  for (const char* command : {"import", "inspect", "eval", "devices"}) {
    const Outcome help = run(std::string(command) + " --help");
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.text, AllOf(HasSubstr("Examples:"), HasSubstr(std::string("crible ") + command),
                                 HasSubstr("--json")));
  }
  EXPECT_THAT(run("--version").text, testing::StartsWith("crible "));
  const Outcome devices = run("devices");
  EXPECT_EQ(devices.status, 0);
  EXPECT_THAT(devices.text, AllOf(HasSubstr("reference"), HasSubstr("cpu:portable"), HasSubstr("opencl")));
}

TEST(NetworkCommands, ABackendWithoutADeviceSaysWhy) {
  setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
  const Outcome devices = run("devices");
  const Outcome eval = run("eval " + models + "jet_mlp/model.onnx --input " + models +
                           "jet_mlp/inputs.npy --output " + temporary("y.npy") + " --backend opencl");
  unsetenv("OCL_ICD_VENDORS");
  EXPECT_EQ(devices.status, 0) << devices.text;
  EXPECT_THAT(devices.text, AllOf(HasSubstr("opencl"), HasSubstr("not usable: "), HasSubstr("install")));
  EXPECT_EQ(eval.status, 2) << eval.text;
  EXPECT_THAT(eval.text, AllOf(HasSubstr("opencl"), HasSubstr("install")));
}

/// Whether the machine has an OpenCL device.
bool has_opencl() {
  return run("devices").text.find("opencl:0") != std::string::npos;
}

TEST(NetworkCommands, OpenclGivesTheGoldenOutputsAndIsNamed) {
  if (!has_opencl()) GTEST_SKIP() << "no OpenCL device here";
  const std::string output = temporary("opencl.npy");
  const Outcome eval =
      run("eval " + models + "jet_mlp/model.onnx --input " + models + "jet_mlp/inputs.npy --output " +
          output + " --backend opencl --json " + temporary("opencl.json"));
  EXPECT_EQ(eval.status, 0) << eval.text;
  EXPECT_EQ(to_integers(read_npy(output)), to_integers(read_npy(models + "jet_mlp/expected_int.npy")));
  EXPECT_THAT(read_file(temporary("opencl.json")), HasSubstr("\"opencl:0\""));
  const Outcome absent = run("eval " + models + "jet_mlp/model.onnx --input " + models +
                             "jet_mlp/inputs.npy --output " + output + " --backend opencl:7");
  EXPECT_EQ(absent.status, 2);
  EXPECT_THAT(absent.text, HasSubstr("it has: opencl:0"));
}

/// A simulator of OpenCL devices that reports accesses outside of arrays, races and uninitialised values.
TEST(NetworkCommands, OclgrindFindsNothingWrongInTheKernels) {
  if (std::system("command -v oclgrind >/dev/null") != 0 || !has_opencl()) GTEST_SKIP() << "no oclgrind here";
  const auto under_oclgrind = [](const std::string& arguments) {
    const std::string log = temporary("oclgrind.log");
    const std::string command = "oclgrind --check-api --data-races --uninitialized " +
                                std::string(CRIBLE_PROGRAM) + " " + arguments + " >" + log + " 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << read_file(log);
    return read_file(log);
  };
  EXPECT_THAT(under_oclgrind("devices"), HasSubstr("Oclgrind Simulator"));
  for (const char* model : {"jet_mlp/", "anomaly/"}) {
    const Array all = read_npy(models + model + "inputs.npy");
    const std::size_t events = 24;
    std::vector<std::size_t> shape = all.shape;
    std::vector<std::int64_t> values = to_integers(all);
    values.resize(values.size() / shape[0] * events);
    shape[0] = events;
    const std::string input = temporary("oclgrind.npy");
    write_npy(input, from_integers(ElementKind::int8, shape, values));
    const std::string log = under_oclgrind("eval " + models + model + "model.onnx --input " + input +
                                           " --output " + temporary("oclgrind.npz") + " --backend opencl:0");
    EXPECT_THAT(log, HasSubstr("24 events on opencl:0"));
    for (const char* finding : {"Invalid", "race", "ninitialized", "rror"}) {
      EXPECT_THAT(log, testing::Not(HasSubstr(finding)));
    }
  }
}

TEST(NetworkCommands, InspectEmitsTheTextOfEveryDialect) {
  const std::string inspect = "inspect " + models + "jet_mlp/model.onnx --emit ";
  EXPECT_THAT(run(inspect + "opencl").text, HasSubstr("__kernel void network("));
  EXPECT_THAT(run(inspect + "cuda").text, HasSubstr("__global__ void network("));
  EXPECT_THAT(run(inspect + "host").text, HasSubstr("void network_ports("));
  EXPECT_EQ(run(inspect + "fortran").status, 2);
}

TEST(NetworkCommands, InspectEmitsEveryFormThatABackendRuns) {
  const std::string inspect = "inspect " + models + "jet_mlp/model.onnx --emit opencl --form ";
  EXPECT_THAT(run(inspect + "item").text, HasSubstr("event += (i32)get_global_size(0)"));
  EXPECT_THAT(run(inspect + "group").text, HasSubstr("first += (i32)get_num_groups(0) * 1)"));
  EXPECT_THAT(run(inspect + "tiles").text, AllOf(HasSubstr("get_num_groups(0) * 32)"), HasSubstr("tile_s(")));
  EXPECT_THAT(run(inspect + "block").text, HasSubstr("const i16x16 x = "));
  EXPECT_THAT(run(inspect + "single").text, HasSubstr("const i16x16*)&"));
  const Outcome refused = run(inspect + "sonnet");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.text, HasSubstr("block"));
  EXPECT_EQ(run("inspect " + models + "jet_mlp/model.onnx --form block").status, 2) << "of what?";
}

}  // namespace
}  // namespace crible
