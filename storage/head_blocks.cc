#include "storage/head_blocks.h"

#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/heads.h"
#include "storage/line_blocks.h"
#include "storage/record_codec.h"

namespace fiscal::storage {
namespace {

enum KeptAs : uint8_t { kHere = 0, kInLog = 1 };

// The block itself.
absl::StatusOr<std::string> ReadBlock(const ReadRecordPart& read, absl::string_view value) {
  FISCAL_ASSIGN_OR_RETURN(const HeadBlock block, DecodeHeadBlock(value));
  if (block.position.zero()) return std::string(block.block);
  return read(block.position, block.offset, block.size);
}

}  // namespace

std::string EncodeHeadBlock(const HeadBlock& block) {
  std::string value;
  value.reserve(12 + block.block.size());
  PutVarint(&value, block.since);
  if (block.position.zero()) {
    PutU8(&value, kHere);
    value.append(block.block.data(), block.block.size());
    return value;
  }
  PutU8(&value, kInLog);
  PutVarint(&value, block.position.value());
  PutVarint(&value, block.offset);
  PutVarint(&value, block.size);
  return value;
}

absl::StatusOr<HeadBlock> DecodeHeadBlock(absl::string_view value) {
  ByteReader reader(value);
  HeadBlock block;
  block.since = reader.Varint();
  const uint8_t kind = reader.U8();
  if (kind == kInLog) {
    block.position = domain::Position(reader.Varint());
    block.offset = reader.Varint();
    block.size = reader.Varint();
    if (!reader.ok() || !reader.AtEnd() || block.position.zero())
      return absl::DataLossError("heads: a malformed reference");
    return block;
  }
  if (kind != kHere || !reader.ok()) return absl::DataLossError("heads: a malformed block");
  block.block = reader.Bytes(reader.remaining());
  return block;
}

absl::Status AppendLines(const ReadRecordPart& read, absl::string_view value,
                         domain::LineSet* set) {
  FISCAL_ASSIGN_OR_RETURN(std::string block, ReadBlock(read, value));
  auto kept = std::make_shared<const std::string>(std::move(block));
  FISCAL_RETURN_IF_ERROR(DecodeBlock(*kept, set));
  set->owners.push_back(std::move(kept));
  return absl::OkStatus();
}

absl::Status AppendProjects(const ReadRecordPart& read, absl::string_view value,
                            std::vector<domain::ProjectEntry>* projects) {
  FISCAL_ASSIGN_OR_RETURN(const std::string block, ReadBlock(read, value));
  return DecodeProjects(block, projects);
}

HeadBlockWalk::HeadBlockWalk(const KvSnapshot& snapshot, BlockKeys keys,
                             std::optional<uint64_t> mark)
    : keys_(std::move(keys)),
      kept_range_(keys_.kept()),
      mark_(mark),
      standing_(snapshot.NewIterator(keys_.all().lower, keys_.all().upper)),
      kept_(mark.has_value() ? snapshot.NewIterator(kept_range_.lower, kept_range_.upper)
                             : nullptr) {}

absl::StatusOr<bool> HeadBlockWalk::StoodSince(absl::string_view value) const {
  if (!mark_.has_value()) return true;
  FISCAL_ASSIGN_OR_RETURN(const HeadBlock block, DecodeHeadBlock(value));
  return block.since <= *mark_ * kMarkRevisions;
}

absl::string_view HeadBlockWalk::StandingId() const { return keys_.FirstIdOf(standing_->key()); }

absl::StatusOr<absl::string_view> HeadBlockWalk::KeptId() const {
  FISCAL_ASSIGN_OR_RETURN(const BlockKeys::Kept kept, keys_.KeptOf(kept_->key()));
  return kept.first_id;
}

absl::Status HeadBlockWalk::SettleStanding() {
  for (; standing_->Valid(); standing_->Next()) {
    FISCAL_ASSIGN_OR_RETURN(const bool stood, StoodSince(standing_->value()));
    if (stood) return absl::OkStatus();
  }
  return standing_->status();
}

// Of the blocks of one id, the one that stood at a mark is the first that stood as late.
absl::Status HeadBlockWalk::SettleKept() {
  while (kept_->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(const BlockKeys::Kept kept, keys_.KeptOf(kept_->key()));
    const std::string id(kept.first_id);
    if (kept.mark < *mark_) {
      kept_->Seek(keys_.KeptAt(id, *mark_));
      continue;
    }
    FISCAL_ASSIGN_OR_RETURN(const bool stood, StoodSince(kept_->value()));
    if (stood) return absl::OkStatus();
    kept_->Seek(keys_.BehindKept(id));
  }
  return kept_->status();
}

absl::StatusOr<bool> HeadBlockWalk::FindKept(absl::string_view id) {
  kept_->SeekForPrev(keys_.KeptAt(id, UINT64_MAX));
  while (kept_->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(const absl::string_view at, KeptId());
    const std::string candidate(at);
    kept_->Seek(keys_.KeptAt(candidate, *mark_));
    if (kept_->Valid()) {
      FISCAL_ASSIGN_OR_RETURN(const absl::string_view found, KeptId());
      FISCAL_ASSIGN_OR_RETURN(const bool stood, StoodSince(kept_->value()));
      if (found == candidate && stood) return true;
    }
    FISCAL_RETURN_IF_ERROR(kept_->status());
    // Marks count from 1: no key is this one.
    kept_->SeekForPrev(keys_.KeptAt(candidate, 0));
  }
  FISCAL_RETURN_IF_ERROR(kept_->status());
  return false;
}

absl::StatusOr<bool> HeadBlockWalk::FindStanding(absl::string_view id, absl::string_view least) {
  for (standing_->SeekForPrev(keys_.At(id)); standing_->Valid() && StandingId() >= least;
       standing_->Prev()) {
    FISCAL_ASSIGN_OR_RETURN(const bool stood, StoodSince(standing_->value()));
    if (stood) return true;
  }
  FISCAL_RETURN_IF_ERROR(standing_->status());
  return false;
}

absl::Status HeadBlockWalk::Seek(absl::string_view id) {
  // Where the block begins; what else there is begins behind it.
  std::string from;
  if (kept_ != nullptr) {
    FISCAL_ASSIGN_OR_RETURN(const bool kept, FindKept(id));
    if (kept) {
      FISCAL_ASSIGN_OR_RETURN(const absl::string_view kept_id, KeptId());
      from = std::string(kept_id);
    }
  }
  FISCAL_ASSIGN_OR_RETURN(const bool standing, FindStanding(id, from));
  if (standing) {
    from = std::string(StandingId());
  } else {
    standing_->Seek(keys_.At(from));
  }
  FISCAL_RETURN_IF_ERROR(SettleStanding());
  if (kept_ == nullptr) return absl::OkStatus();
  kept_->Seek(keys_.KeptAt(from, 0));
  return SettleKept();
}

absl::StatusOr<std::optional<std::string>> HeadBlockWalk::Next() {
  const bool kept = kept_ != nullptr && kept_->Valid();
  bool first = kept;
  if (kept && standing_->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(const absl::string_view kept_id, KeptId());
    first = kept_id < StandingId();
  }
  if (!first && !standing_->Valid()) return std::optional<std::string>();
  KvIterator& at = first ? *kept_ : *standing_;
  std::optional<std::string> value(std::string(at.value()));
  at.Next();
  FISCAL_RETURN_IF_ERROR(first ? SettleKept() : SettleStanding());
  return value;
}

}  // namespace fiscal::storage
