#include "engine/menu/prescale.hpp"

#include <bit>

#include "engine/base/sha256.hpp"

namespace crible::menu {

namespace {

/// The four words of SipHash's state and its round.
struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void rounds(int count) noexcept {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }

  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
};

std::uint64_t little_endian(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | bytes[i];
  return word;
}

constexpr std::uint64_t message_bytes = 16;

}  // namespace

PrescaleKey prescale_key(const std::string& purpose, const std::string& name) {
  const auto digest = sha256("crible " + purpose + " " + name);
  return {little_endian(digest.data()), little_endian(digest.data() + 8)};
}

std::uint64_t event_hash(PrescaleKey key, std::uint64_t run, std::uint64_t event) noexcept {
  SipState state{key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
                 key.k1 ^ 0x7465646279746573};
  state.absorb(run);
  state.absorb(event);
  state.absorb(message_bytes << 56);
  state.v2 ^= 0xff;
  state.rounds(4);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace crible::menu
