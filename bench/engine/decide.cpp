#include "bench/engine/decide.hpp"

#include <array>
#include <vector>

#include "bench/pipeline/setup.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/pipeline/decider.hpp"

namespace crible::bench {

namespace {

pipeline::Trigger load() {
  const TemporaryFolder folder("crible-bench");
  return pipeline::load_trigger(write_config(folder.path()));
}

}  // namespace

class DecideStage::State final : private pipeline::DecisionSink {
 public:
  explicit State(builder::EventBuilder& builder)
      : builder_(builder),
        decider_(trigger_, pipeline::compile(trigger_, trigger_.run.batch), {.run = trigger_.run.number}),
        frame_(128 << 10) {}

  void add(builder::Event& event) noexcept {
    for (std::size_t i = 0; i < payloads_.size(); ++i) payloads_[i] = event.fragments[i].bytes();
    pipeline::DeciderEvent input;
    input.event = event.number;
    input.luminosity_block = event.luminosity_block;
    input.fragments = payloads_;
    input.cookie = &event;
    decider_.add(input, 0, *this);
    if (decider_.any_full()) decider_.pump(0, batching::Urgency::due, *this);
  }

  std::uint64_t finish() noexcept {
    while (decider_.open_events() != 0) decider_.pump(0, batching::Urgency::now, *this);
    return std::exchange(decided_, 0);
  }

 private:
  void decided(const pipeline::Decided& event) noexcept override {
    const std::size_t bytes = menu::encoded_bytes(event.decision, trigger_.layout, event.answers);
    if (used_ + bytes > frame_.size()) used_ = 0;
    menu::encode(event.decision, trigger_.layout, event.answers, frame_.data() + used_);
    used_ += bytes;
    ++decided_;
    builder_.release(*static_cast<builder::Event*>(event.cookie), builder::Outcome::rejected);
  }

  builder::EventBuilder& builder_;
  pipeline::Trigger trigger_ = load();
  pipeline::Decider decider_;
  std::array<detector::Payload, 8> payloads_;
  std::vector<std::byte> frame_;  // of decisions, filled again and again
  std::size_t used_ = 0;
  std::uint64_t decided_ = 0;
};

DecideStage::DecideStage(builder::EventBuilder& builder) : state_(std::make_unique<State>(builder)) {}

DecideStage::~DecideStage() = default;

void DecideStage::add(builder::Event& event) noexcept {
  state_->add(event);
}

std::uint64_t DecideStage::finish() noexcept {
  return state_->finish();
}

}  // namespace crible::bench
