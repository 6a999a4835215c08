// Submits many budgets over StreamBudgets and survives broken streams: what was not answered is
// sent again with the same request_id, so nothing doubles.
//
//   Next (the caller's budgets) --> frames of at most 900 KB --> stream --> Answered (in order)
#ifndef FISCAL_CLIENTS_CPP_STREAM_SUBMITTER_H_
#define FISCAL_CLIENTS_CPP_STREAM_SUBMITTER_H_

#include <cstddef>
#include <functional>
#include <optional>

#include "clients/cpp/connection.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::client {

// A message of a call has at most as many bytes; a larger budget goes by a stream, in parts.
constexpr size_t kUnaryBytesMax = 16 << 20;

struct StreamCallbacks {
  // The next budget, nullopt at the end. Called from one thread at a time.
  std::function<std::optional<submission::v1::SubmitBudgetRequest>()> next;
  // The outcome of the nth budget, from 0, in order.
  std::function<void(int64_t, const submission::v1::StreamBudgetsResponse&)> answered;
  // May be empty. A stream ended with this before everything was answered; what is not answered is
  // sent again.
  std::function<void(const grpc::Status&)> broken = nullptr;
};

// OK when every budget was answered. Gives up when nothing is answered for
// Connection::Options::retry_for. At most `unanswered_max` budgets are kept in memory.
grpc::Status SubmitStream(const Connection& connection, const StreamCallbacks& callbacks,
                          size_t unanswered_max = 256);

}  // namespace fiscal::client

#endif  // FISCAL_CLIENTS_CPP_STREAM_SUBMITTER_H_
