#include "engine/base/free_address.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"

namespace crible {
namespace {

int port_of(const std::string& address) {
  const std::string head = "tcp://127.0.0.1:";
  EXPECT_TRUE(address.starts_with(head)) << address;
  return std::stoi(address.substr(head.size()));
}

TEST(FreeAddresses, FewAndManyInARow) {
  EXPECT_GT(port_of(free_addresses(1)), 0);
  // More than lie together among those that the system hands out to everybody.
  const int first = port_of(free_addresses(6'000));
  EXPECT_GE(first, 10'000);
  EXPECT_LE(first + 6'000, 65'536);
}

TEST(FreeAddresses, MoreThanThereAreIsAnError) {
  EXPECT_THROW(free_addresses(60'000), Error);
}

}  // namespace
}  // namespace crible
