// Runs a fuzz target's kept corpus as an ordinary test: every file, its truncations, and seeded bit flips
// of it. So each input that ever broke something is tried again by every compiler and sanitizer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

/// The corpus files in the order of their names.
std::vector<std::filesystem::path> corpus_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(CRIBLE_CORPUS)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Hands over an exact-sized copy, so that AddressSanitizer sees a read of one byte too many.
void offer(const std::uint8_t* data, std::size_t size_bytes) {
  const Bytes copy(data, data + size_bytes);
  ASSERT_EQ(LLVMFuzzerTestOneInput(copy.data(), copy.size()), 0);
}

TEST(Corpus, EveryFileIsHandled) {
  const auto files = corpus_files();
  ASSERT_FALSE(files.empty()) << "no file in " << CRIBLE_CORPUS;
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const Bytes bytes = read_bytes(file);
    offer(bytes.data(), bytes.size());
  }
}

TEST(Corpus, EveryFileIsHandledWhenCutShort) {
  constexpr std::size_t cuts = 64;
  for (const auto& file : corpus_files()) {
    SCOPED_TRACE(file.string());
    const Bytes bytes = read_bytes(file);
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / cuts);
    for (std::size_t size_bytes = 0; size_bytes < bytes.size(); size_bytes += step) {
      offer(bytes.data(), size_bytes);
    }
  }
}

TEST(Corpus, EveryFileIsHandledWithBitsFlipped) {
  constexpr int rounds = 64;
  std::mt19937_64 random(1);
  for (const auto& file : corpus_files()) {
    SCOPED_TRACE(file.string());
    const Bytes bytes = read_bytes(file);
    for (int round = 0; round < rounds && !bytes.empty(); ++round) {
      Bytes damaged = bytes;
      for (int flips = 1 + round % 4; flips > 0; --flips) {
        damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1u << (random() % 8));
      }
      offer(damaged.data(), damaged.size());
    }
  }
}

}  // namespace
