#include "services/admin/verify.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using domain::Chunk;
using domain::ChunkId;
using domain::Fold;

constexpr size_t kDifferencesMax = 100;

std::string Name(const ChunkId& id) {
  return absl::StrCat("year ", id.year, " stage ", static_cast<int>(id.stage), " division ",
                      id.node.division, " node ", static_cast<int>(id.node.type), " ", id.node.code,
                      " chunk ", id.chunk);
}

class Verification {
 public:
  explicit Verification(const Projector& projector)
      : projector_(projector),
        catalog_(std::make_shared<const domain::Catalog>()),
        fold_([](const ChunkId&) { return Chunk(); }) {}

  absl::Status Run() {
    // Most of the log first, with nobody held up; then the rest while the live chunks stand still.
    while (result.position < projector_.folded())
      FISCAL_RETURN_IF_ERROR(Advance(projector_.folded()));
    absl::Status status;
    uint64_t stride = 0;
    projector_.ReadLive([&](const Projector::Live& live) {
      status = Advance(live.position);
      stride = live.stride;
      if (!status.ok()) return;
      for (const auto& [node, numbered] : live.chunks) {
        for (const auto& [number, entry] : numbered)
          Compare({node.node, node.year, node.stage, number}, entry->chunk);
      }
    });
    FISCAL_RETURN_IF_ERROR(status);
    // What is not live is in the store, and what is live is there as of the last whole stride.
    FISCAL_RETURN_IF_ERROR(
        projector_.store().ForEach(stride, [&](const ChunkId& id, const Chunk& chunk) {
          if (seen_.count(id) == 0) Compare(id, chunk);
        }));
    for (const auto& [node, numbered] : fold_.chunks()) {
      for (const auto& [number, entry] : numbered) {
        const ChunkId id{node.node, node.year, node.stage, number};
        if (seen_.count(id) == 0 && !entry->chunk.empty())
          Differ(absl::StrCat(Name(id), ": missing"));
        if (node.node.type != domain::OrgType::kAgency) continue;
        for (const auto& [key, value] : entry->chunk.cells())
          result.line_count += value.line_count();
      }
    }
    return absl::OkStatus();
  }

  VerifyResult result;

 private:
  absl::Status Advance(domain::Position to) {
    while (result.position < to) {
      const domain::Position p = result.position + 1;
      FISCAL_ASSIGN_OR_RETURN(storage::LogEntry entry, projector_.log().Read(p));
      const absl::StatusOr<Digest> leaf = storage::LeafHash(*entry.record);
      if (!leaf.ok()) {
        Differ(absl::StrCat("event ", p, ": ", leaf.status().message()));
      } else {
        chain_ = storage::ChainHash(chain_, *leaf);
        if (chain_ != entry.chain_hash)
          Differ(absl::StrCat("event ", p, ": the hash chain breaks"));
        chain_ = entry.chain_hash;
      }
      FISCAL_ASSIGN_OR_RETURN(domain::Event event, storage::DecodeRecord(entry.record));
      if (event.header.position != p)
        Differ(absl::StrCat("event ", p, ": says it is ", event.header.position));
      if (event.header.kind == domain::EventKind::kCatalog) {
        catalog_ = catalog_->With(event.catalog);
      } else {
        FISCAL_RETURN_IF_ERROR(fold_.Apply(event.statement, *catalog_));
      }
      result.position = p;
      ++result.event_count;
    }
    return absl::OkStatus();
  }

  void Differ(std::string what) {
    if (result.differences.size() < kDifferencesMax) result.differences.push_back(std::move(what));
  }

  void Compare(const ChunkId& id, const Chunk& served) {
    seen_.insert(id);
    static const Chunk* const kNone = new Chunk();
    const Chunk* computed = kNone;
    auto node = fold_.chunks().find(Fold::NodeId{id.node, id.year, id.stage});
    if (node != fold_.chunks().end()) {
      auto it = node->second.find(id.chunk);
      if (it != node->second.end()) computed = &it->second->chunk;
    }
    result.cell_count += static_cast<int64_t>(computed->cells().size());
    // Equal cells have equal bytes, whatever their history.
    if (computed->Encode() != served.Encode()) {
      Differ(absl::StrCat(Name(id), ": served ", served.cells().size(), " cells, recomputed ",
                          computed->cells().size(), " cells, not the same"));
    }
  }

  const Projector& projector_;
  Digest chain_{};
  std::shared_ptr<const domain::Catalog> catalog_;
  Fold fold_;
  std::set<ChunkId> seen_;
};

}  // namespace

absl::StatusOr<VerifyResult> Verify(const Projector& projector) {
  Verification verification(projector);
  FISCAL_RETURN_IF_ERROR(verification.Run());
  return std::move(verification.result);
}

}  // namespace fiscal::services
