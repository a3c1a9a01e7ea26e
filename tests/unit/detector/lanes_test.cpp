#include "engine/detector/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

namespace crible::detector {
namespace {

using Wide = Transform<std::int64_t>;

constexpr std::int64_t low_16 = std::numeric_limits<std::int16_t>::min();
constexpr std::int64_t high_16 = std::numeric_limits<std::int16_t>::max();
const network::Interval i16{low_16, high_16};
const network::Interval u16{0, 65535};

std::int64_t transformed(std::int64_t x, const Wide& t) {
  return std::clamp((x - t.offset) >> t.right, t.low, t.high);
}

Wide transform(std::int64_t offset, int right, std::int64_t low, std::int64_t high) {
  return {offset, low, high, static_cast<std::uint8_t>(right), 0};
}

/// A run of i16 whose rows have so many elements.
Run run_of(std::uint32_t count, FieldType type = FieldType::i16) {
  Run run;
  run.type = type;
  run.count = count;
  return run;
}

/// Rows of random integers, and the same run done by two kernels.
struct Case {
  Run run;
  std::vector<Wide> transforms;  // of a row, or one
  std::vector<std::vector<std::byte>>
      sources;  // rows, each in memory of its own, so that sanitizers see its end
  std::vector<const std::byte*> objects;

  std::vector<std::byte> run_with(RunKernel kernel, const void* data) const {
    const std::size_t bytes = (run.repeat - 1) * run.place_step_bytes + run.count;
    std::vector<std::byte> target(bytes, std::byte{0x77});
    const Rows rows = objects.empty() ? Rows{sources.front().data(), nullptr} : Rows{nullptr, objects.data()};
    kernel(run, data, rows, target.data());
    return target;
  }

  std::vector<std::byte> fast() const {
    const RunKernel kernel = lanes_kernel(run, 1);
    const std::vector<Lanes> lanes = make_lanes(run.count, transforms);
    return run_with(kernel, lanes.data());
  }

  std::vector<std::byte> general() const {
    return run_with(copy_kernel(run.type, Arithmetic::wide, 1), transforms.data());
  }
};

Wide random_transform(std::mt19937& random, FieldType type) {
  const bool is_signed = (random() & 1) != 0;
  for (;;) {
    const std::int64_t low = is_signed ? -128 : 0;
    Wide t = transform(0, static_cast<int>(random() % 15), low, low + 255);
    if (random() % 2 == 0) t.offset = static_cast<std::int64_t>(random() % 65536) + low_16;
    if (random() % 3 == 0) {
      t.low = low + static_cast<std::int64_t>(random() % 256);
      t.high = t.low + static_cast<std::int64_t>(random() % static_cast<unsigned>(low + 256 - t.low));
    }
    if (fits_lanes(range_of(type), t)) return t;
  }
}

Case random_case(std::mt19937& random) {
  Case made;
  made.run.type = random() % 2 == 0 ? FieldType::i16 : FieldType::u16;
  made.run.count = 2 + random() % 30;
  made.run.repeat = 1 + random() % 5;
  made.run.uniform = random() % 2 == 0;
  made.run.place_step_bytes = made.run.count + random() % 3;
  for (std::uint32_t i = 0; i < (made.run.uniform ? 1 : made.run.count); ++i)
    made.transforms.push_back(random_transform(random, made.run.type));
  const bool scattered = random() % 2 == 0;
  const std::uint32_t row_bytes = 2 * made.run.count;
  made.run.step_bytes = row_bytes + random() % 5;
  made.run.offset_bytes = scattered ? random() % 7 : 0;
  const std::size_t parts = scattered ? made.run.repeat : 1;
  const std::size_t bytes =
      scattered ? made.run.offset_bytes + row_bytes : (made.run.repeat - 1) * made.run.step_bytes + row_bytes;
  for (std::size_t p = 0; p < parts; ++p) {
    std::vector<std::byte>& source = made.sources.emplace_back(bytes);
    const bool small = random() % 2 == 0;  // near zero, where nothing is clipped
    for (std::byte& byte : source) byte = static_cast<std::byte>(random());
    for (std::size_t i = made.run.offset_bytes; small && i + 1 < bytes; i += 2)
      source[i + 1] = (source[i] & std::byte{0x80}) != std::byte{0} ? std::byte{0xff} : std::byte{0};
    if (scattered) made.objects.push_back(source.data());
  }
  return made;
}

class LanesOnThisMachine : public testing::Test {
 protected:
  void SetUp() override {
    if (lanes_kernel(run_of(2), 1) == nullptr) GTEST_SKIP() << "no lanes on this processor";
  }
};

TEST_F(LanesOnThisMachine, GiveWhatTheGeneralKernelGives) {
  std::mt19937 random(20);
  for (int i = 0; i < 20000; ++i) {
    const Case made = random_case(random);
    ASSERT_EQ(made.fast(), made.general())
        << "case " << i << ": " << made.run.repeat << " rows of " << made.run.count << " "
        << to_string(made.run.type) << (made.run.uniform ? ", one transform" : "");
  }
}

/// The byte that two lanes make of x, as an integer of the bounds' sign.
std::int64_t lane(FieldType type, std::int64_t x, const Wide& t, bool uniform) {
  Run run = run_of(2, type);
  run.uniform = uniform;
  const std::vector<Wide> transforms(uniform ? 1 : 2, t);
  const auto raw = static_cast<std::uint16_t>(x);
  const std::uint16_t source[] = {raw, raw};
  std::int8_t bytes[2] = {};
  lanes_kernel(run, 1)(run, make_lanes(2, transforms).data(),
                       {reinterpret_cast<const std::byte*>(source), nullptr},
                       reinterpret_cast<std::byte*>(bytes));
  EXPECT_EQ(bytes[0], bytes[1]);
  return t.low < 0 ? bytes[0] : static_cast<std::uint8_t>(bytes[0]);
}

TEST_F(LanesOnThisMachine, GiveTheTransformForEveryShortInteger) {
  for (const int right : {0, 1, 2, 7, 8, 14}) {
    for (const std::int64_t offset :
         {std::int64_t{0}, std::int64_t{72}, std::int64_t{-300}, low_16, high_16}) {
      const Wide t = transform(offset, right, -128, 127);
      if (!fits_lanes(i16, t)) continue;
      for (std::int64_t x = low_16; x <= high_16; x += 7) {
        ASSERT_EQ(lane(FieldType::i16, x, t, x % 2 == 0), transformed(x, t))
            << x << " - " << offset << " >> " << right;
      }
    }
  }
  const Wide t = transform(0, 7, 0, 255);
  for (std::int64_t x = 0; x <= 65535; x += 3)
    ASSERT_EQ(lane(FieldType::u16, x, t, x % 2 == 0), transformed(x, t)) << x;
}

TEST(Lanes, FitWhereSaturationOnlyHitsWhatIsClipped) {
  EXPECT_TRUE(fits_lanes(u16, transform(0, 0, 0, 255)));
  EXPECT_TRUE(fits_lanes(u16, transform(0, 7, 0, 255)));
  EXPECT_FALSE(fits_lanes(u16, transform(0, 8, 0, 255))) << "32768 >> 8 is 128, but what is left gives 127";
  EXPECT_FALSE(fits_lanes(u16, transform(0, 8, 0, 128))) << "likewise, and one too few";
  EXPECT_TRUE(fits_lanes(u16, transform(0, 8, 0, 127)));
  EXPECT_FALSE(fits_lanes(i16, transform(1, 8, -129, 127))) << "-32769 >> 8 is -129";
  EXPECT_TRUE(fits_lanes(i16, transform(1, 8, -128, 127)));
  EXPECT_FALSE(fits_lanes(i16, transform(0, 15, -1, 0))) << "too far";
  EXPECT_FALSE(fits_lanes(i16, transform(40000, 0, -128, 127)));
  EXPECT_FALSE(fits_lanes(i16, transform(-40000, 0, -128, 127)));
  EXPECT_FALSE(fits_lanes(i16, transform(1, 9, -128, 127)));
  EXPECT_FALSE(fits_lanes(i16, {0, -128, 127, 0, 1})) << "a shift to the left";
}

TEST(Lanes, AreForShortIntegersToBytesOnly) {
  EXPECT_EQ(lanes_kernel(run_of(1), 1), nullptr);
  EXPECT_EQ(lanes_kernel(run_of(8), 2), nullptr);
  for (const FieldType type : {FieldType::u8, FieldType::i8, FieldType::u32, FieldType::i32, FieldType::i64})
    EXPECT_EQ(lanes_kernel(run_of(8, type), 1), nullptr);
}

}  // namespace
}  // namespace crible::detector
