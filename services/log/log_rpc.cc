#include "services/log/log_rpc.h"

#include <atomic>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using domain::Position;
using domain::Reason;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
namespace pb = fiscal::log::v1;

constexpr size_t kResponseBytesMax = 1 << 20;
constexpr int kResponseRecordsMax = 256;

// One Read call. A thread of its own waits for the log, so that a slow or idle reader holds up nobody.
class ReadStream final : public grpc::ServerWriteReactor<pb::ReadResponse> {
 public:
  ReadStream(const storage::EventLog& log, Position after, bool until_head)
      : log_(log), after_(after), until_head_(until_head) {
    thread_ = std::thread([this] { Run(); });
  }
  ~ReadStream() override { thread_.join(); }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) cancelled_ = true;
  }
  void OnCancel() override {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
  }
  void OnDone() override {
    // The thread calls Finish last; joining it here would join it from within gRPC, which is what the destructor does.
    delete this;
  }

 private:
  bool Cancelled() {
    absl::MutexLock lock(&mu_);
    return cancelled_;
  }

  void Run() {
    absl::Status status;
    while (!Cancelled()) {
      pb::ReadResponse response;
      const Position head = log_.head().position;
      size_t bytes = 0;
      while (after_ < head && bytes < kResponseBytesMax &&
             response.records_size() < kResponseRecordsMax) {
        absl::StatusOr<storage::LogEntry> entry = log_.Read(after_ + 1);
        if (!entry.ok()) {
          status = entry.status();
          break;
        }
        absl::string_view payload;
        const absl::StatusOr<domain::EventHeader> header =
            storage::DecodeHeader(*entry->record, &payload);
        if (!header.ok()) {
          status = header.status();
          break;
        }
        pb::LogRecord* record = response.add_records();
        record->set_position(wire::FormatPosition(entry->position));
        wire::ToTimestamp(header->commit_time_us, record->mutable_commit_time());
        record->set_chain_hash(std::string(BytesOf(entry->chain_hash)));
        record->set_record(*entry->record);
        bytes += entry->record->size();
        ++after_;
      }
      if (!status.ok()) break;
      response.set_head_position(wire::FormatPosition(head));
      response.set_log_id(absl::BytesToHexString(log_.log_id()));
      if (response.records_size() > 0 || first_) {
        first_ = false;
        absl::MutexLock lock(&mu_);
        writing_ = true;
        response_.Swap(&response);
        StartWrite(&response_);
        auto written = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !writing_; };
        mu_.Await(absl::Condition(&written));
        continue;
      }
      if (until_head_) break;
      if (log_.stopped()) {
        status = domain::Refuse(Reason::kDraining, "the service is stopping");
        break;
      }
      // Wakes at every commit, and now and then to see whether the caller is still there.
      log_.WaitPast(after_, absl::Now() + absl::Milliseconds(200));
    }
    Finish(rpc::ToGrpc(status));
  }

  const storage::EventLog& log_;
  Position after_;
  const bool until_head_;
  bool first_ = true;
  absl::Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  pb::ReadResponse response_;
  std::thread thread_;
};

// A call that ends at once with an error.
class Refused final : public grpc::ServerWriteReactor<pb::ReadResponse> {
 public:
  explicit Refused(const absl::Status& status) { Finish(rpc::ToGrpc(status)); }
  void OnDone() override { delete this; }
};

class EventLogRpc final : public pb::EventLogService::CallbackService {
 public:
  EventLogRpc(const storage::EventLog& log, SigningKey key) : log_(log), key_(std::move(key)) {}

  grpc::ServerWriteReactor<pb::ReadResponse>* Read(grpc::CallbackServerContext*,
                                                   const pb::ReadRequest* request) override {
    Position after = 0;
    if (!request->after_position().empty()) {
      const absl::StatusOr<Position> position = wire::ParsePosition(request->after_position());
      if (!position.ok()) return new Refused(position.status());
      after = *position;
    }
    const Position head = log_.head().position;
    if (after > head) {
      return new Refused(domain::Refuse(
          Reason::kPositionAhead, absl::StrCat("the log ends at ", head, ", before ", after)));
    }
    if (!request->after_chain_hash().empty() && after > 0) {
      const absl::StatusOr<storage::LogEntry> entry = log_.Read(after);
      if (!entry.ok()) return new Refused(entry.status());
      if (BytesOf(entry->chain_hash) != absl::string_view(request->after_chain_hash())) {
        return new Refused(domain::Refuse(
            Reason::kHistoryDiffers, absl::StrCat("the hash at ", after, " is another one here")));
      }
    }
    return new ReadStream(log_, after, request->until_head());
  }

  ServerUnaryReactor* GetTreeHead(CallbackServerContext* context, const pb::GetTreeHeadRequest*,
                                  pb::GetTreeHeadResponse* response) override {
    response->set_public_key_pem(key_.public_key_pem());
    return Finish(context, Sign(log_.head().position, response->mutable_tree_head()));
  }

  ServerUnaryReactor* GetInclusionProof(CallbackServerContext* context,
                                        const pb::GetInclusionProofRequest* request,
                                        pb::GetInclusionProofResponse* response) override {
    return Finish(context, ProveInclusion(*request, response));
  }

  ServerUnaryReactor* GetConsistencyProof(CallbackServerContext* context,
                                          const pb::GetConsistencyProofRequest* request,
                                          pb::GetConsistencyProofResponse* response) override {
    return Finish(context, ProveConsistency(*request, response));
  }

 private:
  static ServerUnaryReactor* Finish(CallbackServerContext* context, const absl::Status& status) {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(rpc::ToGrpc(status));
    return reactor;
  }

  // The head of an earlier size too: its bytes, and so its signature, are always the same.
  absl::Status Sign(uint64_t size, pb::SignedTreeHead* out) const {
    domain::EventHeader last;
    if (size > 0) FISCAL_RETURN_IF_ERROR(log_.ReadRecordHead(size, &last).status());
    FISCAL_ASSIGN_OR_RETURN(const Digest root, log_.tree().Root(size));
    out->set_log_id(absl::BytesToHexString(log_.log_id()));
    out->set_tree_size(static_cast<int64_t>(size));
    out->set_root_hash(std::string(BytesOf(root)));
    wire::ToTimestamp(last.commit_time_us, out->mutable_head_time());
    out->set_signature(
        key_.Sign(storage::TreeHeadBytes(log_.log_id(), size, root, last.commit_time_us)));
    return absl::OkStatus();
  }

  // A tree's size as asked for, 0 meaning the head's when `zero_is_head`.
  absl::StatusOr<uint64_t> Size(absl::string_view field, int64_t asked, bool zero_is_head) const {
    const Position head = log_.head().position;
    if (asked < 0) {
      return domain::Refuse(
          {{Reason::kQueryInvalid, std::string(field), "", "a size is not negative"}});
    }
    if (asked == 0 && zero_is_head) return head;
    if (static_cast<uint64_t>(asked) > head) {
      return domain::Refuse(Reason::kPositionAhead,
                            absl::StrCat("the log has ", head, " events and not ", asked));
    }
    return static_cast<uint64_t>(asked);
  }

  absl::Status ProveInclusion(const pb::GetInclusionProofRequest& request,
                              pb::GetInclusionProofResponse* response) const {
    FISCAL_ASSIGN_OR_RETURN(const Position position, wire::ParsePosition(request.position()));
    if (position == 0) return domain::Refuse(Reason::kPositionInvalid, "positions count from 1");
    FISCAL_ASSIGN_OR_RETURN(const uint64_t size, Size("tree_size", request.tree_size(), true));
    // As of now means as of `size`, which was the head.
    if (position > size && request.tree_size() != 0 && position <= log_.head().position) {
      return domain::Refuse({{Reason::kQueryInvalid, "tree_size", "",
                              absl::StrCat("a tree of ", size, " events ends before ", position)}});
    }
    if (position > size) {
      return domain::Refuse(Reason::kPositionAhead, absl::StrCat("the log ends before ", position));
    }
    domain::EventHeader header;
    FISCAL_ASSIGN_OR_RETURN(std::string record_header, log_.ReadRecordHead(position, &header));
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Digest> path,
                            log_.tree().InclusionProof(position - 1, size));
    response->set_record_header(std::move(record_header));
    for (const Digest& hash : path) response->add_hashes(std::string(BytesOf(hash)));
    return Sign(size, response->mutable_tree_head());
  }

  absl::Status ProveConsistency(const pb::GetConsistencyProofRequest& request,
                                pb::GetConsistencyProofResponse* response) const {
    FISCAL_ASSIGN_OR_RETURN(const uint64_t old_size,
                            Size("old_tree_size", request.old_tree_size(), false));
    FISCAL_ASSIGN_OR_RETURN(const uint64_t new_size,
                            Size("new_tree_size", request.new_tree_size(), true));
    if (old_size > new_size) {
      return domain::Refuse({{Reason::kQueryInvalid, "old_tree_size", "",
                              absl::StrCat(old_size, " is more than ", new_size)}});
    }
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Digest> path,
                            log_.tree().ConsistencyProof(old_size, new_size));
    for (const Digest& hash : path) response->add_hashes(std::string(BytesOf(hash)));
    FISCAL_RETURN_IF_ERROR(Sign(old_size, response->mutable_old_tree_head()));
    return Sign(new_size, response->mutable_new_tree_head());
  }

  const storage::EventLog& log_;
  const SigningKey key_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventLogService(const storage::EventLog& log, SigningKey key) {
  return std::make_unique<EventLogRpc>(log, std::move(key));
}

}  // namespace fiscal::services
