#include "storage/event_log.h"

#include <utility>

#include "base/status_macros.h"
#include "storage/operator_events.h"
#include "storage/record_codec.h"

namespace fiscal::storage {

absl::StatusOr<domain::Position> EventLog::AsOf(int64_t time_us) const {
  // Corrected times never decrease along the log. The head first: a correction that comes between
  // is of no event before it that is looked at too early.
  domain::Position low, high = head().position;
  const std::shared_ptr<const OperatorEvents> operators = this->operators();
  while (low < high) {
    const domain::Position middle = low + (high - low + 1) / 2;
    domain::EventHeader header;
    FISCAL_RETURN_IF_ERROR(ReadRecordHead(middle, &header).status());
    if (operators->TimeOf(middle, header.commit_time_us) <= time_us) {
      low = middle;
    } else {
      high = middle.Prev();
    }
  }
  return low;
}

LogEntry NextEntry(domain::EventHeader header, std::string payload, EventLog::Head* head) {
  const size_t payload_size = payload.size();
  header.position = head->position.Next();
  LogEntry entry;
  entry.position = header.position;
  entry.record = std::make_shared<const std::string>(EncodeRecord(header, std::move(payload)));
  const size_t head_size = entry.record->size() - payload_size;
  entry.leaf_hash = LeafHashOfHeader(absl::string_view(*entry.record).substr(0, head_size));
  entry.chain_hash = ChainHash(head->chain_hash, entry.leaf_hash);
  head->position = entry.position;
  head->chain_hash = entry.chain_hash;
  head->commit_time_us = header.commit_time_us;
  return entry;
}

}  // namespace fiscal::storage
