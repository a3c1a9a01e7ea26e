#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/unit/record/made_events.hpp"

namespace crible::record {
namespace {

using testing::HasSubstr;

/// Files of this process cannot grow beyond `bytes`: what a full disk looks like to a writer, short writes
/// included. Undone at the end.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : old_handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    set(bytes);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &old_);
    signal(SIGXFSZ, old_handler_);
  }

  void set(rlim_t bytes) {
    const rlimit limit{bytes, old_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

void append_and_wait(Writer& writer, std::uint64_t first, std::size_t count) {
  for (std::uint64_t i = first; i < first + count; ++i) writer.append(0, MadeEvent(i).event(), 0);
  writer.flush(0);
  while (writer.counters().queued > 0) std::this_thread::yield();
}

WriterOptions small_blocks(const std::filesystem::path& file, OnFailure on_failure) {
  return {.file = file,
          .block_bytes = 2048,
          .compression = 0,
          .max_wait_ns = 60'000'000'000,
          .on_failure = on_failure,
          .index_every = 4};
}

TEST(FullDisk, ResumesWhenThereIsRoomAgain) {
  const auto file = fresh_file("resume");
  FullDisk disk(20'000);
  Writer writer(small_blocks(file, OnFailure::resume), made_header());
  append_and_wait(writer, 0, 300);
  const Counters full = writer.counters();
  EXPECT_GT(full.recorded, 0u);
  EXPECT_GT(full.write_failed, 0u);
  EXPECT_EQ(full.recorded + full.write_failed, 300u);
  EXPECT_THAT(writer.failure(), HasSubstr(file.string() + ": the disk refused "));
  EXPECT_THAT(writer.failure(), HasSubstr("File too large"));
  // As it lies on the full disk, the file ends with a complete block.
  EXPECT_EQ(read_all(Reader(file)).size(), full.recorded);
  EXPECT_EQ(Reader(file).damage().cut_bytes, 0u);

  writer.ledger(3, std::string(20'000, ' '));  // more than the disk had when it was empty
  while (writer.counters().failed_blocks == full.failed_blocks) std::this_thread::yield();
  disk.set(RLIM_INFINITY);
  append_and_wait(writer, 1000, 100);
  EXPECT_EQ(writer.counters().recorded, full.recorded + 100);
  EXPECT_TRUE(writer.close());
  const Reader reader(file);
  EXPECT_FALSE(reader.damage().any()) << reader.damage_sentence();
  EXPECT_EQ(read_all(reader).size(), full.recorded + 100);
  EXPECT_EQ(reader.footer()->write_failed, full.write_failed);
  std::size_t ledgers = 0;
  for (const BlockInfo& block : reader.blocks()) ledgers += block.header.kind == BlockKind::ledger;
  EXPECT_EQ(ledgers, 1u);
}

TEST(FullDisk, StopsWhenThatIsDeclared) {
  const auto file = fresh_file("stop");
  FullDisk disk(20'000);
  Writer writer(small_blocks(file, OnFailure::stop), made_header());
  append_and_wait(writer, 0, 300);
  const Counters full = writer.counters();
  EXPECT_GT(full.write_failed, 0u);
  disk.set(RLIM_INFINITY);
  append_and_wait(writer, 1000, 100);
  EXPECT_EQ(writer.counters().recorded, full.recorded);
  EXPECT_EQ(writer.counters().write_failed, full.write_failed + 100);
  writer.close();
  EXPECT_EQ(read_all(Reader(file)).size(), full.recorded);
}

TEST(FullDisk, CloseSaysThatTheFooterIsMissing) {
  const auto file = fresh_file("unfinished");
  FullDisk disk(20'000);
  Writer writer(small_blocks(file, OnFailure::resume), made_header());
  append_and_wait(writer, 0, 300);
  disk.set(std::filesystem::file_size(file));
  EXPECT_FALSE(writer.close());
  EXPECT_TRUE(Reader(file).damage().no_footer);
  EXPECT_EQ(read_all(Reader(file)).size(), writer.counters().recorded);
}

TEST(FullDisk, CloseSaysThatABookIsMissing) {
  const auto file = fresh_file("bookless");
  FullDisk disk(20'000);
  Writer writer({.file = file, .compression = 0}, made_header());
  writer.ledger(3, std::string(30'000, ' '));  // the final block finds room, the book does not
  EXPECT_FALSE(writer.close());
  EXPECT_FALSE(Reader(file).damage().no_footer);
  EXPECT_THAT(writer.failure(), HasSubstr("the disk refused "));
}

/// Compression at the highest level and two small buffers: the writer thread cannot keep up.
TEST(SlowDisk, FullQueueIsCountedAndNeverSilent) {
  const auto file = fresh_file("slow");
  Writer writer({.file = file, .block_bytes = 1024, .buffers = 2, .compression = 19, .max_wait_ns = 0},
                made_header());
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i)
    refused += writer.append(0, MadeEvent(i).event(), 0) == Status::no_buffer;
  EXPECT_TRUE(writer.close());
  const Counters counters = writer.counters();
  EXPECT_GT(refused, 0u) << "the writer thread was never too slow: this test shows nothing";
  EXPECT_EQ(counters.write_failed, refused);
  EXPECT_EQ(counters.recorded, 20'000 - refused);
  EXPECT_EQ(read_all(Reader(file)).size(), counters.recorded);
}

TEST(Crash, KilledWriterLeavesEveryCompleteBlock) {
  for (int compression : {0, 1}) {
    const auto file = fresh_file("killed");
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Writer writer({.file = file,
                     .block_bytes = 4096,
                     .compression = compression,
                     .max_wait_ns = 60'000'000'000,
                     .index_every = 7},
                    made_header());
      for (std::uint64_t i = 0;; ++i) {
        writer.append(0, MadeEvent(i).event(), 0);
        if (i % 64 == 0) {
          const std::uint64_t recorded = writer.counters().recorded;
          if (write(pipe_ends[1], &recorded, sizeof(recorded)) != sizeof(recorded)) _exit(1);
        }
      }
    }
    close(pipe_ends[1]);
    std::uint64_t recorded = 0;
    while (recorded < 5000) ASSERT_EQ(read(pipe_ends[0], &recorded, sizeof(recorded)), 8);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    std::uint64_t later = 0;
    while (read(pipe_ends[0], &later, sizeof(later)) == 8) recorded = later;
    close(pipe_ends[0]);

    const Reader reader(file);
    EXPECT_TRUE(reader.damage().no_footer);
    EXPECT_EQ(reader.damage().skipped_bytes, 0u);
    const auto events = read_all(reader);
    ASSERT_GE(events.size(), recorded);  // what had been counted as recorded is there
    for (std::uint64_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i], i);
  }
}

}  // namespace
}  // namespace crible::record
