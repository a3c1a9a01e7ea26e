#include "engine/menu/prescale.hpp"

#include <gtest/gtest.h>

namespace crible::menu {
namespace {

// The reference vector of SipHash-2-4 for a message of 16 bytes: key 00..0f, message 00..0f.
TEST(Prescale, HashIsSipHash24) {
  const PrescaleKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(event_hash(key, 0x0706050403020100, 0x0f0e0d0c0b0a0908), 0x3f2acc7f57c29bdbU);
}

TEST(Prescale, KeyIsTheDigestOfPurposeAndName) {
  // printf 'crible prescale single_jet' | sha256sum
  const PrescaleKey key = prescale_key("prescale", "single_jet");
  EXPECT_EQ(key.k0, 0xc983683224f7e0aeU);
  EXPECT_NE(key.k0, prescale_key("random", "single_jet").k0);
}

TEST(Prescale, KeepsWhereTheProductsHighWordIsZero) {
  __extension__ using Wide = unsigned __int128;
  for (const std::uint32_t n : {1U, 2U, 3U, 7U, 1000U, 0xFFFFFFFFU}) {
    for (const std::uint64_t h :
         {prescale_limit(n), prescale_limit(n) + 1, std::uint64_t{0}, ~std::uint64_t{0}}) {
      EXPECT_EQ(h <= prescale_limit(n), (Wide{h} * n) >> 64 == 0) << n << " " << h;
    }
  }
}

TEST(Prescale, ZeroKeepsNothingAndOneEverything) {
  const PrescaleKey key = prescale_key("prescale", "a");
  for (std::uint64_t event = 0; event < 100; ++event) {
    EXPECT_FALSE(keeps(key, 0, 1, event));
    EXPECT_TRUE(keeps(key, 1, 1, event));
  }
}

TEST(Prescale, KeepsOneInN) {
  const PrescaleKey key = prescale_key("prescale", "a");
  int kept = 0;
  int kept_in_other_run = 0;
  int both = 0;
  for (std::uint64_t event = 0; event < 100'000; ++event) {
    const bool one = keeps(key, 10, 1, event);
    const bool other = keeps(key, 10, 2, event);
    kept += one ? 1 : 0;
    kept_in_other_run += other ? 1 : 0;
    both += one && other ? 1 : 0;
  }
  EXPECT_NEAR(kept, 10'000, 500);
  EXPECT_NEAR(kept_in_other_run, 10'000, 500);
  EXPECT_NEAR(both, 1'000, 150) << "runs are independent";
}

}  // namespace
}  // namespace crible::menu
