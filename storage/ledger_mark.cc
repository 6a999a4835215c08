#include "storage/ledger_mark.h"

#include "absl/strings/str_cat.h"
#include "base/coding.h"

namespace fiscal::storage {
namespace {

// The format of the ledger: 1 had no kept blocks, nor since when a block stands.
constexpr uint8_t kVersion = 2;

}  // namespace

std::string EncodeLedgerMark(const LedgerMark& mark) {
  std::string out;
  PutU8(&out, kVersion);
  out += mark.log_id;
  PutVarint(&out, mark.group);
  absl::StrAppend(&out, BytesOf(mark.groups_hash));
  PutVarint(&out, mark.position.value());
  return out;
}

absl::StatusOr<LedgerMark> DecodeLedgerMark(absl::string_view bytes) {
  ByteReader reader(bytes);
  LedgerMark mark;
  if (reader.U8() != kVersion)
    return absl::DataLossError("ledger: it is of another version's format");
  mark.log_id = std::string(reader.Bytes(16));
  mark.group = reader.Varint();
  const absl::string_view hash = reader.Bytes(32);
  mark.position = domain::Position(reader.Varint());
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("ledger: its mark is malformed");
  mark.groups_hash = DigestOf(hash);
  return mark;
}

}  // namespace fiscal::storage
