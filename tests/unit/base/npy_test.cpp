#include "engine/base/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string file_with(const std::string& header, const std::string& data) {
  std::string bytes = "\x93NUMPY";
  bytes += {'\x01', '\x00', static_cast<char>(header.size()), '\x00'};
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    parse_npy(bytes, "x.npy");
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::user);
    return error.what();
  }
  return "accepted";
}

std::filesystem::path temporary(const char* name) {
  return std::filesystem::path(testing::TempDir()) / name;
}

TEST(Npy, EveryKindSurvivesARoundTrip) {
  for (const ElementKind kind :
       {ElementKind::int8, ElementKind::int16, ElementKind::int32, ElementKind::int64}) {
    const Array array = from_integers(kind, {2, 3}, {-128, 127, 0, 1, -1, 5});
    const Array back = parse_npy(to_npy(array), "x.npy");
    EXPECT_EQ(back.kind, kind);
    EXPECT_THAT(back.shape, ElementsAre(2, 3));
    EXPECT_THAT(to_integers(back), ElementsAre(-128, 127, 0, 1, -1, 5));
  }
  for (const ElementKind kind : {ElementKind::uint8, ElementKind::uint16, ElementKind::uint32}) {
    EXPECT_THAT(to_integers(parse_npy(to_npy(from_integers(kind, {3}, {0, 7, 255})), "x.npy")),
                ElementsAre(0, 7, 255));
  }
  for (const ElementKind kind : {ElementKind::float32, ElementKind::float64}) {
    EXPECT_THAT(to_doubles(parse_npy(to_npy(from_doubles(kind, {2}, {-0.5, 3e30f})), "x.npy")),
                ElementsAre(-0.5, 3e30f));
  }
}

TEST(Npy, DataStartsAtAMultipleOf64) {
  for (std::size_t axes = 0; axes < 8; ++axes) {
    const std::string bytes =
        to_npy(from_integers(ElementKind::int8, std::vector<std::size_t>(axes, 1), {1}));
    EXPECT_EQ(bytes.size() % 64, 1u);
    EXPECT_EQ(parse_npy(bytes, "x.npy").shape.size(), axes);
  }
}

TEST(Npy, FortranOrderBecomesCOrder) {
  const std::string bytes =
      file_with("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }\n", {1, 4, 2, 5, 3, 6});
  EXPECT_THAT(to_integers(parse_npy(bytes, "x.npy")), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Npy, RefusesWhatItCannotReadWithASentence) {
  EXPECT_THAT(refusal("PK"), HasSubstr("x.npy: not an .npy file"));
  EXPECT_THAT(refusal(file_with("{'descr': '>i4', 'fortran_order': False, 'shape': (1,), }", "1234")),
              HasSubstr("element type '>i4' is not supported; save it as"));
  EXPECT_THAT(refusal(file_with("{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }", "1234")),
              HasSubstr("the data end early: 4 bytes"));
  EXPECT_THAT(
      refusal(file_with("{'descr': '<i4', 'fortran_order': False, 'shape': (9999999999999999999,), }", "")),
      HasSubstr("'shape' is too large"));
  EXPECT_THAT(refusal(file_with("{'descr': '<i4', 'fortran_order': False, "
                                "'shape': (281474976710655, 281474976710655), }",
                                "")),
              HasSubstr("the data end early"));
  EXPECT_THAT(refusal(file_with("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }", "")),
              HasSubstr("structured element types"));
  EXPECT_THAT(refusal(file_with("{'descr': '<i4', 'fortran_order': Maybe}", "")),
              HasSubstr("neither True nor False"));
  EXPECT_THAT(refusal(file_with("{'descr': '<i4'", "")), HasSubstr("the header ends early"));
}

TEST(Npy, EveryCutIsRefused) {
  const std::string whole = to_npy(from_integers(ElementKind::int32, {5}, {1, 2, 3, 4, 5}));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(refusal(whole.substr(0, length)), "accepted") << length;
}

TEST(Npy, FloatsAreNotTakenForIntegers) {
  EXPECT_THROW(to_integers(from_doubles(ElementKind::float32, {1}, {1.0})), Error);
}

TEST(Npz, RoundTripKeepsNamesAndOrder) {
  const auto path = temporary("crible_npz_test.npz");
  std::vector<std::int64_t> many(100000);
  std::iota(many.begin(), many.end(), -50000);
  write_npz(path, {{"b", from_integers(ElementKind::int32, {100000}, many)},
                   {"a", from_doubles(ElementKind::float64, {1, 1}, {0.25})}});
  const NamedArrays back = read_npz(path);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].first, "b");
  EXPECT_EQ(to_integers(back[0].second), many);
  EXPECT_EQ(back[1].first, "a");
  EXPECT_THAT(to_doubles(back[1].second), ElementsAre(0.25));
}

TEST(Npz, DamageIsASentenceNotACrash) {
  const auto path = temporary("crible_npz_damaged.npz");
  write_npz(path, {{"a", from_integers(ElementKind::int32, {1000}, std::vector<std::int64_t>(1000, 77))}});
  const std::string whole = read_file(path);
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    write_file(path, damaged);
    try {
      read_npz(path);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("crible_npz_damaged.npz"));
    }
  }
  write_file(path, "not a zip");
  EXPECT_THROW(read_npz(path), Error);
  EXPECT_THROW(read_npz(temporary("no_such_file.npz")), Error);
}

}  // namespace
}  // namespace crible
