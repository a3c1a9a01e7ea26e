#include "tests/support/eformat.hpp"

#include <array>
#include <cstring>
#include <span>
#include <string>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::testing {

namespace {

constexpr std::uint32_t rob_marker = 0xdd1234dd;
/// The levels above the ROB, outermost first.
constexpr std::array<std::uint32_t, 4> markers = {0xaa1234aa, 0xbb1234bb, 0xcc1234cc, rob_marker};

class Reader {
 public:
  explicit Reader(std::span<const std::uint32_t> words) : words_(words) {}

  std::vector<RawEvent> file() {
    std::vector<RawEvent> events;
    while (at_ < words_.size()) {
      switch (word(at_)) {
        case 0x1234aaaa:
          at_ += 8;
          break;
        case 0x1234aabb:
          ++at_;
          for (int name = 0; name < 2; ++name) at_ += 1 + (word(at_) + 3) / 4;
          break;
        case 0x1234bbbb:
          at_ += 9;
          break;
        case 0x1234cccc: {
          const std::size_t bytes = word(at_ + 3);
          at_ += 4;
          events.push_back(event());
          require(bytes % 4 == 0, "an event's length is no multiple of four");
          break;
        }
        case 0x1234dddd:
          at_ += 10;
          break;
        default:
          require(false, "no record begins here");
      }
    }
    return events;
  }

 private:
  std::uint32_t word(std::size_t index) const {
    if (index >= words_.size()) throw Error("the file ends before word " + std::to_string(index));
    return words_[index];
  }

  void require(bool holds, const std::string& what) const {
    if (!holds) throw Error("word " + std::to_string(at_) + ": " + what);
  }

  RawEvent event() {
    RawEvent event;
    const std::size_t status_words = word(at_ + 5);
    const std::size_t specific = at_ + 7 + status_words;
    event.number = word(specific + 1);
    event.run = word(specific + 2);
    level(0, event);
    return event;
  }

  /// Reads the structure that begins here and, unless it is a ROB, those inside it.
  void level(std::size_t depth, RawEvent& event) {
    require(word(at_) == markers[depth], "another marker than that of level " + std::to_string(depth));
    const std::size_t begin = at_;
    const std::size_t end = begin + word(begin + 1);
    require(end <= words_.size(), "a structure is longer than the file");
    if (markers[depth] == rob_marker) {
      const auto bytes = std::as_bytes(words_.subspan(begin, end - begin));
      event.fragments.push_back({word(begin + 4), {bytes.begin(), bytes.end()}});
      at_ = end;
      return;
    }
    at_ = begin + word(begin + 2);
    while (at_ < end) level(depth + 1, event);
    require(at_ == end, "a structure is not filled exactly");
  }

  std::span<const std::uint32_t> words_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<RawEvent> read_bes3(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  std::vector<std::uint32_t> words(text.size() / sizeof(std::uint32_t));
  std::memcpy(words.data(), text.data(), words.size() * sizeof(std::uint32_t));
  return Reader(words).file();
}

}  // namespace crible::testing
