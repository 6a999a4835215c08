// The answers of one StreamBudgets call, in the order of its budgets, and what the call does next:
// a step function without a network.
//
//   a budget --(Add)--> a place --(Answer, in any order)--> answers in order --(Next)--> writes
//
// Reading stops while too much is unanswered and goes on when answers have left, so that a stream
// costs bounded memory. When the process drains, what was read is answered first. Not thread-safe.
#ifndef FISCAL_SERVICES_SUBMISSION_ANSWER_QUEUE_H_
#define FISCAL_SERVICES_SUBMISSION_ANSWER_QUEUE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace fiscal::services {

class AnswerQueue {
 public:
  struct Options {
    // Unanswered budgets, and their bytes, above which the stream is not read further.
    size_t budgets_max = 256;
    size_t bytes_max = 16 << 20;
  };

  // A call begins with a read under way.
  explicit AnswerQueue(Options options) : options_(options) {}

  // A read ended. True when its frame is taken: it may yet become a budget. False after the end and
  // while draining: its sender sends it again.
  bool BeginFrame();
  // The frame was taken, or not. `last`: it was the end of the stream.
  void EndFrame(bool last);
  // Takes a place for a budget of this frame; returns its index, from 0.
  int64_t Add(size_t bytes);
  // REQUIRES: Add returned `index`; called once for each.
  void Answer(int64_t index, std::string bytes);
  // A write ended; with `ok` false the caller hears no more, and what comes is dropped.
  void EndWrite(bool ok);
  // No frame is taken from now on, and the call ends with `why` when what was taken is answered.
  // The first reason counts.
  void Drain(const absl::Status& why) {
    if (why_.ok()) why_ = why;
  }

  // What is to be started now: each at most once until it has ended.
  struct Start {
    std::optional<std::string> write;
    // Another answer follows this write at once: the two may travel together. Not said of the
    // first, which brings the call's initial metadata: gRPC would keep both back until it writes
    // something else.
    bool more = false;
    bool read = false;
    // The call ends, with OK or the reason of Drain; nothing is under way but a read that ends with
    // it.
    std::optional<absl::Status> end;
  };
  Start Next();

 private:
  struct Place {
    size_t bytes = 0;
    bool answered = false;
    std::string answer;
  };
  void Leave();
  bool draining() const { return !why_.ok(); }

  const Options options_;
  // The budgets that are not written yet; the first has the index `first_`.
  std::deque<Place> places_;
  int64_t first_ = 0;
  size_t bytes_ = 0;
  bool reading_ = true;
  bool taking_ = false;
  bool writing_ = false;
  bool wrote_ = false;
  bool reads_ended_ = false;
  // Not OK once draining.
  absl::Status why_;
  bool broken_ = false;
  bool ended_ = false;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_ANSWER_QUEUE_H_
