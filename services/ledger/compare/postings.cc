#include "services/ledger/compare/postings.h"

#include "base/status_macros.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::services {

absl::StatusOr<domain::UpstreamRecords::Record> ToUpstreamRecord(
    const storage::LogEntry& entry, const storage::OperatorEvents& operators, bool* more) {
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                          storage::DecodeHeader(*entry.record, &payload));
  domain::UpstreamRecords::Record record;
  record.position = entry.position;
  record.commit_time_us = operators.TimeOf(entry.position, header.commit_time_us);
  record.leaf_hash = storage::LeafHashOfHeader(
      absl::string_view(*entry.record).substr(0, entry.record->size() - payload.size()));
  record.chain_hash = entry.chain_hash;
  *more = false;
  if (header.kind == domain::EventKind::kCatalog) {
    record.catalog = std::string(payload);
    return record;
  }
  FISCAL_ASSIGN_OR_RETURN(const storage::Foldable what,
                          storage::ReadFoldable(header, payload, entry.record, operators));
  *more = what.more;
  if (what.posting != nullptr) record.posting = storage::EncodePosting(*what.posting);
  return record;
}

}  // namespace fiscal::services
