#pragma once

#include <cstddef>
#include <vector>

/// Private to engine/codegen.
namespace crible::codegen {

/// Shares one block of memory between tensors that are not needed at the same time. Steps are numbered as
/// they are rendered; what a loop uses and somebody outside has made is needed until the loop ends.
class Arena {
 public:
  /// A block that is written in this step. After assign() the same blocks come again, in the same order.
  int define(std::size_t size_bytes);
  void use(int block);
  void next_step() { ++step_; }
  void begin_loop() { loops_.push_back({step_, blocks_.size()}); }
  void end_loop();

  /// Gives every block its offset, a multiple of 16; after the last step.
  void assign();
  std::size_t offset(int block) const;
  std::size_t total_bytes() const { return total_bytes_; }
  std::size_t sum_bytes() const;

 private:
  struct Block {
    std::size_t size_bytes = 0;
    int first_step = 0;
    int last_step = 0;
    std::size_t offset = 0;
  };
  struct Loop {
    int first_step;
    std::size_t first_block;
  };

  std::vector<Block> blocks_;
  std::vector<Loop> loops_;
  int step_ = 0;
  std::size_t total_bytes_ = 0;
  bool assigned_ = false;
  int next_block_ = 0;
};

}  // namespace crible::codegen
