// Decoders of keys, records, receipts, cells, postings and positions: any bytes are decoded or
// refused, and what is decoded encodes to the same bytes.
#include <cstdint>
#include <cstdlib>

#include "domain/cells.h"
#include "domain/moment.h"
#include "storage/cell_codec.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

constexpr fiscal::domain::Position kPosition(1);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto encoded = fiscal::storage::KeyView::Encoded(bytes);
  fiscal::storage::NameOf(encoded);
  switch (data[0] % 7) {
    case 0: {
      auto event = fiscal::storage::DecodeRecord(std::make_shared<const std::string>(bytes));
      fiscal::storage::LeafHash(bytes).IgnoreError();
      break;
    }
    case 1: {
      fiscal::Digest body;
      auto receipt = fiscal::storage::DecodeReceipt(bytes, &body);
      if (receipt.ok() && fiscal::storage::EncodeReceipt(body, *receipt) != std::string(bytes))
        std::abort();
      break;
    }
    case 2: {
      fiscal::domain::CellTable table, again;
      if (fiscal::storage::DecodeCells(bytes, &table).ok()) {
        fiscal::domain::LeafCells cells;
        cells.Add(table);
        const std::string encoded = fiscal::storage::EncodeCells(cells.Table());
        if (!fiscal::storage::DecodeCells(encoded, &again).ok() ||
            fiscal::storage::EncodeCells(again) != encoded)
          std::abort();
      }
      fiscal::domain::NodeCells node, same;
      if (fiscal::storage::DecodeNode(bytes, &node).ok()) {
        const std::string encoded = fiscal::storage::EncodeNode(node);
        if (!fiscal::storage::DecodeNode(encoded, &same).ok() ||
            fiscal::storage::EncodeNode(same) != encoded)
          std::abort();
      }
      fiscal::domain::LineSet lines;
      fiscal::storage::DecodeBlocks(bytes, &lines).IgnoreError();
      break;
    }
    case 3: {
      auto key = fiscal::storage::DecodeCellsKey(encoded);
      if (key.ok() && fiscal::storage::CellsKey(key->id, key->position) != encoded) std::abort();
      break;
    }
    case 4: {
      auto posting = fiscal::storage::DecodeWholePosting(kPosition, bytes, nullptr);
      if (posting.ok()) {
        const std::string again = fiscal::storage::EncodePosting(*posting);
        if (!fiscal::storage::DecodeWholePosting(kPosition, again, nullptr).ok()) std::abort();
      }
      auto status = fiscal::storage::DecodeStatusKey(encoded);
      if (status.ok() && fiscal::storage::StatusKey(status->key, status->position) != encoded)
        std::abort();
      break;
    }
    case 5: {
      auto upstream = fiscal::storage::DecodeUpstream(bytes);
      if (upstream.ok() && fiscal::storage::EncodeUpstream(*upstream) != std::string(bytes))
        std::abort();
      const auto moment = fiscal::domain::Moment::Parse(bytes);
      if (moment.has_value() && !(fiscal::domain::Moment::Parse(moment->Text()) == moment))
        std::abort();
      break;
    }
    default: {
      auto meta = fiscal::storage::DecodeMeta(bytes);
      if (meta.ok() && fiscal::storage::EncodeMeta(*meta) != std::string(bytes)) std::abort();
    }
  }
  return 0;
}
