#include "services/log/log_rpc.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "fiscal/log/v1/event_log_service.pb.h"
#include "services/ledger/moments.h"
#include "services/log/log_stream.h"
#include "services/rpc/service.h"
#include "services/wire/text_wire.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using domain::Position;
using domain::Reason;
namespace pb = fiscal::log::v1;

// A group is never cut: an aggregation process folds each response as it comes. What the caller
// does not see goes out as its hash, by which the chain is checked all the same.
absl::StatusOr<size_t> AppendRecord(const storage::EventLog& log, const LogView& view,
                                    const storage::LogEntry& entry, pb::ReadResponse* response,
                                    bool* more) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                          storage::DecodeHeader(*entry.record, &payload));
  FISCAL_ASSIGN_OR_RETURN(*more, storage::IsContinued(header, payload));
  pb::LogRecord* record = response->add_records();
  record->set_position(domain::Moment(entry.position, log.log_id(), entry.chain_hash).Text());
  wire::ToTimestamp(header.commit_time_us, record->mutable_commit_time());
  record->set_chain_hash(std::string(BytesOf(entry.chain_hash)));
  if (!view.Sees(header, payload)) {
    record->set_leaf_hash(std::string(BytesOf(storage::LeafHashOfHeader(
        absl::string_view(*entry.record).substr(0, entry.record->size() - payload.size())))));
    return record->ByteSizeLong();
  }
  record->set_record(*entry.record);
  return entry.record->size();
}

class EventLogRpc final : public rpc::Service {
 public:
  EventLogRpc(rpc::Calls& calls, LogFeed& feed, const Signer& signer, const Authority& authority,
              LogView::Catalogs catalog)
      : Service(calls),
        feed_(feed),
        log_(feed.log()),
        signer_(signer),
        authority_(authority),
        catalog_(std::move(catalog)) {
    Serve(&EventLogRpc::Read);
    Serve(&EventLogRpc::GetTreeHead);
    Serve(&EventLogRpc::GetKeys);
    Serve(&EventLogRpc::GetInclusionProof);
    Serve(&EventLogRpc::GetConsistencyProof);
  }

  grpc::ServerWriteReactor<pb::ReadResponse>* Read(std::unique_ptr<rpc::Call> call,
                                                   const pb::ReadRequest* request) {
    using Stream = LogStream<pb::ReadResponse>;
    const absl::StatusOr<Position> after =
        Stream::Start(log_, request->after_position(), request->after_chain_hash());
    if (!after.ok()) return new rpc::RefusedStream<Stream::Reactor>(after.status());
    const LogView view(authority_, catalog_, call->caller().principal, authority::Verb::kReplicate);
    return new Stream(
        std::move(call), feed_, *after, request->until_head(),
        [this, view](const storage::LogEntry& entry, pb::ReadResponse* response, bool* more) {
          return AppendRecord(log_, view, entry, response, more);
        });
  }

  void GetTreeHead(rpc::UnaryCall* call, const pb::GetTreeHeadRequest*,
                   pb::GetTreeHeadResponse* response) {
    call->Read([this, response]() -> absl::Status {
      FISCAL_ASSIGN_OR_RETURN(const SigningKey key, signer_.key());
      response->set_public_key_pem(key.public_key_pem());
      return Sign(key, log_.head().position.value(), response->mutable_tree_head());
    });
  }

  void GetKeys(rpc::UnaryCall* call, const pb::GetKeysRequest*, pb::GetKeysResponse* response) {
    call->Read([this, response]() -> absl::Status {
      for (const storage::OperatorEvents::Key& key : log_.operators()->keys()) {
        FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(log_, key.position));
        pb::KeyChange* change = response->add_changes();
        change->set_position(at.Text());
        wire::ToTimestamp(key.commit_time_us, change->mutable_commit_time());
        change->set_principal(key.principal);
        change->set_public_key_pem(key.event.public_key_pem);
        change->set_signature(key.event.signature);
      }
      response->set_log_id(absl::BytesToHexString(log_.log_id()));
      return absl::OkStatus();
    });
  }

  void GetInclusionProof(rpc::UnaryCall* call, const pb::GetInclusionProofRequest* request,
                         pb::GetInclusionProofResponse* response) {
    call->Read([this, request, response] { return ProveInclusion(*request, response); });
  }

  void GetConsistencyProof(rpc::UnaryCall* call, const pb::GetConsistencyProofRequest* request,
                           pb::GetConsistencyProofResponse* response) {
    call->Read([this, request, response] { return ProveConsistency(*request, response); });
  }

 private:
  // The head of an earlier size too: its bytes are always the same, and its signature while the key
  // is.
  absl::Status Sign(const SigningKey& key, uint64_t size, pb::SignedTreeHead* out) const {
    domain::EventHeader last;
    if (size > 0) FISCAL_RETURN_IF_ERROR(log_.ReadRecordHead(Position(size), &last).status());
    FISCAL_ASSIGN_OR_RETURN(const Digest root, log_.tree().Root(size));
    out->set_log_id(absl::BytesToHexString(log_.log_id()));
    out->set_tree_size(static_cast<int64_t>(size));
    out->set_root_hash(std::string(BytesOf(root)));
    wire::ToTimestamp(last.commit_time_us, out->mutable_head_time());
    out->set_signature(
        key.Sign(storage::TreeHeadBytes(log_.log_id(), size, root, last.commit_time_us)));
    return absl::OkStatus();
  }

  // A tree's size as asked for, 0 meaning the head's when `zero_is_head`.
  absl::StatusOr<uint64_t> Size(absl::string_view field, int64_t asked, bool zero_is_head) const {
    const uint64_t head = log_.head().position.value();
    if (asked < 0) {
      return domain::Refuse(
          {{Reason::kQueryInvalid, std::string(field), "", "a size is not negative"}});
    }
    if (asked == 0 && zero_is_head) return head;
    if (static_cast<uint64_t>(asked) > head) {
      return PastHead(log_, absl::StrCat("the log has ", head, " events and not ", asked));
    }
    return static_cast<uint64_t>(asked);
  }

  absl::Status ProveInclusion(const pb::GetInclusionProofRequest& request,
                              pb::GetInclusionProofResponse* response) const {
    FISCAL_ASSIGN_OR_RETURN(const SigningKey key, signer_.key());
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment asked,
                            wire::ParsePosition(request.position(), "position"));
    const Position position = asked.position();
    if (position.zero()) return domain::Refuse(Reason::kPositionInvalid, "positions count from 1");
    FISCAL_RETURN_IF_ERROR(CheckMoment(log_, asked));
    FISCAL_ASSIGN_OR_RETURN(const uint64_t size, Size("tree_size", request.tree_size(), true));
    if (position > Position(size)) {
      return domain::Refuse(
          {{Reason::kQueryInvalid, "tree_size", "",
            absl::StrCat("a tree of ", size, " events ends before ", position.value())}});
    }
    domain::EventHeader header;
    FISCAL_ASSIGN_OR_RETURN(std::string record_header, log_.ReadRecordHead(position, &header));
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Digest> path,
                            log_.tree().InclusionProof(position.Prev().value(), size));
    response->set_record_header(std::move(record_header));
    for (const Digest& hash : path) response->add_hashes(std::string(BytesOf(hash)));
    return Sign(key, size, response->mutable_tree_head());
  }

  absl::Status ProveConsistency(const pb::GetConsistencyProofRequest& request,
                                pb::GetConsistencyProofResponse* response) const {
    FISCAL_ASSIGN_OR_RETURN(const SigningKey key, signer_.key());
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
    FISCAL_RETURN_IF_ERROR(Sign(key, old_size, response->mutable_old_tree_head()));
    return Sign(key, new_size, response->mutable_new_tree_head());
  }

  LogFeed& feed_;
  const storage::EventLog& log_;
  const Signer& signer_;
  const Authority& authority_;
  const LogView::Catalogs catalog_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventLogService(rpc::Calls& calls, LogFeed& feed,
                                                   const Signer& signer, const Authority& authority,
                                                   LogView::Catalogs catalog) {
  return std::make_unique<EventLogRpc>(calls, feed, signer, authority, std::move(catalog));
}

}  // namespace fiscal::services
