#include "services/submission/answer_queue.h"

#include <utility>

namespace fiscal::services {

bool AnswerQueue::BeginFrame() {
  taking_ = !ended_ && !draining();
  return taking_;
}

void AnswerQueue::EndFrame(bool last) {
  reading_ = taking_ = false;
  if (last && !draining()) reads_ended_ = true;
}

int64_t AnswerQueue::Add(size_t bytes) {
  places_.push_back({bytes, false, ""});
  bytes_ += bytes;
  return first_ + static_cast<int64_t>(places_.size()) - 1;
}

void AnswerQueue::Answer(int64_t index, std::string bytes) {
  Place& place = places_[static_cast<size_t>(index - first_)];
  place.answered = true;
  place.answer = std::move(bytes);
}

void AnswerQueue::EndWrite(bool ok) {
  writing_ = false;
  if (!ok) broken_ = true;
}

void AnswerQueue::Leave() {
  bytes_ -= places_.front().bytes;
  places_.pop_front();
  ++first_;
}

AnswerQueue::Start AnswerQueue::Next() {
  Start start;
  if (ended_) return start;
  if (broken_) {
    while (!places_.empty() && places_.front().answered) Leave();
  }
  if (!writing_ && !places_.empty() && places_.front().answered) {
    start.write = std::move(places_.front().answer);
    Leave();
    writing_ = true;
    start.more = wrote_ && !places_.empty() && places_.front().answered;
    wrote_ = true;
  }
  if (!reading_ && !reads_ended_ && !draining() && places_.size() < options_.budgets_max &&
      bytes_ < options_.bytes_max)
    reading_ = start.read = true;
  // When draining, the read that is under way ends with the call.
  const bool no_more = draining() || (reads_ended_ && !reading_);
  if (!no_more || taking_ || writing_ || !places_.empty()) return start;
  ended_ = true;
  start.end = reads_ended_ ? absl::OkStatus() : why_;
  return start;
}

}  // namespace fiscal::services
