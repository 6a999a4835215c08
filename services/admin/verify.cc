#include "services/admin/verify.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/merkle.h"
#include "storage/posting_codec.h"
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
        fold_([](const Fold::NodeId&) { return Fold::NodeChunks(); }) {}

  absl::Status Run() {
    // Most of the log first, with nobody held up; then the rest while the live chunks stand still.
    while (result.position < projector_.folded())
      FISCAL_RETURN_IF_ERROR(Advance(projector_.folded()));
    absl::Status status;
    uint64_t stride = 0;
    Projector::Postings open;
    projector_.ReadLive([&](const Projector::Live& live) {
      status = Advance(live.position);
      stride = live.stride;
      open = live.postings;
      if (!status.ok()) return;
      for (const auto& [node, numbered] : live.chunks) {
        for (const auto& [number, entry] : numbered)
          Compare({node.node, node.year, node.stage, number}, entry->chunk.Table());
      }
    });
    FISCAL_RETURN_IF_ERROR(status);
    // Agencies' cells are in the store as of the last whole stride; what was posted since is taken
    // away again from what was computed.
    for (const auto& posting : open) {
      Chunk& chunk = agencies_[domain::LeafChunkOf(posting->key)];
      domain::CellTable back = posting->cells;
      for (domain::CellTable::Item& item : back.items) {
        result.line_count += item.value.line_count();
        item.value = -item.value;
      }
      chunk.Add(back);
      chunk.Tidy();
    }
    FISCAL_RETURN_IF_ERROR(CompareStatuses(stride));
    FISCAL_RETURN_IF_ERROR(CompareTree());
    // What is not live is in the store, and what is live is there as of the last whole stride.
    FISCAL_RETURN_IF_ERROR(
        projector_.store().ForEach(stride, [&](const ChunkId& id, const domain::CellTable& table) {
          if (seen_.count(id) == 0) Compare(id, table);
        }));
    for (const auto& [node, numbered] : fold_.chunks()) {
      for (const auto& [number, entry] : numbered) {
        const ChunkId id{node.node, node.year, node.stage, number};
        if (seen_.count(id) == 0 && !entry->chunk.Table().items.empty())
          Differ(absl::StrCat(Name(id), ": missing"));
      }
    }
    for (const auto& [id, chunk] : agencies_) {
      if (seen_.count(id) == 0 && !chunk.Table().items.empty())
        Differ(absl::StrCat(Name(id), ": missing"));
      for (const auto& [key, cell] : chunk.cells()) result.line_count += cell.value.line_count();
    }
    return absl::OkStatus();
  }

  VerifyResult result;

 private:
  absl::Status Advance(domain::Position to) {
    std::vector<std::unique_ptr<domain::Posting>> postings;
    while (result.position < to) {
      const domain::Position p = result.position + 1;
      FISCAL_ASSIGN_OR_RETURN(storage::LogEntry entry, projector_.log().Read(p));
      const absl::StatusOr<Digest> leaf = storage::LeafHash(*entry.record);
      if (!leaf.ok()) {
        Differ(absl::StrCat("event ", p, ": ", leaf.status().message()));
      } else {
        chain_ = storage::ChainHash(chain_, *leaf);
        // Full subtrees, the largest first: two of one size become one.
        peaks_.emplace_back(1, *leaf);
        while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].first == peaks_.back().first) {
          const auto right = peaks_.back();
          peaks_.pop_back();
          peaks_.back() = {right.first * 2,
                           storage::MerkleNode(peaks_.back().second, right.second)};
        }
        if (chain_ != entry.chain_hash)
          Differ(absl::StrCat("event ", p, ": the hash chain breaks"));
        chain_ = entry.chain_hash;
      }
      absl::string_view payload;
      FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header,
                              storage::DecodeHeader(*entry.record, &payload));
      if (header.position != p) Differ(absl::StrCat("event ", p, ": says it is ", header.position));
      const bool catalog = header.kind == domain::EventKind::kCatalog;
      if (!catalog) {
        postings.push_back(std::make_unique<domain::Posting>());
        FISCAL_ASSIGN_OR_RETURN(*postings.back(),
                                storage::ReadPosting(header, payload, entry.record));
        auto& history = statuses_[postings.back()->key];
        history[p] = postings.back()->status();
        // Of what is in the store only the last is looked at.
        auto settled = history.upper_bound(projector_.store().StrideAt(p));
        if (settled != history.begin()) history.erase(history.begin(), std::prev(settled));
      }
      result.position = p;
      ++result.event_count;
      if (catalog || postings.size() == 256 || p == to) {
        FISCAL_RETURN_IF_ERROR(Apply(&postings));
        if (catalog) {
          FISCAL_ASSIGN_OR_RETURN(domain::Event event, storage::DecodeRecord(entry.record));
          catalog_ = catalog_->With(event.catalog);
        }
      }
    }
    return absl::OkStatus();
  }

  // Folds postings, after a look whether the store has the same.
  absl::Status Apply(std::vector<std::unique_ptr<domain::Posting>>* postings) {
    if (postings->empty()) return absl::OkStatus();
    std::vector<const domain::Posting*> pointers;
    std::map<domain::Position, std::string> computed;
    const uint64_t stored_to = projector_.store().StrideAt(result.position);
    for (const auto& p : *postings) {
      pointers.push_back(p.get());
      if (!p->cells.empty()) {
        Chunk& chunk = agencies_[domain::LeafChunkOf(p->key)];
        chunk.Add(p->cells);
        chunk.Tidy();
        chunk.Mark();
      }
      if (p->position <= stored_to) computed[p->position] = storage::EncodePosting(*p);
    }
    FISCAL_RETURN_IF_ERROR(projector_.store().ForEachPosting(
        postings->front()->position - 1, std::min(stored_to, postings->back()->position),
        [&](const storage::StoredPosting& stored, absl::string_view bytes) {
          auto it = computed.find(stored.posting.position);
          if (it == computed.end() || it->second != bytes)
            Differ(absl::StrCat("posting of ", stored.posting.position, ": not the same"));
          if (it != computed.end()) computed.erase(it);
          return absl::OkStatus();
        }));
    for (const auto& [position, bytes] : computed)
      Differ(absl::StrCat("posting of ", position, ": missing"));
    FISCAL_RETURN_IF_ERROR(fold_.Apply(pointers, *catalog_));
    postings->clear();
    fold_.Changes();
    fold_.Settle(SIZE_MAX);
    return absl::OkStatus();
  }

  // Which statement of each budget stood when the last whole stride ended.
  absl::Status CompareStatuses(uint64_t stride) {
    FISCAL_RETURN_IF_ERROR(projector_.store().ForEachStatus(
        0, domain::Stage::kNone, 0, stride,
        [&](const domain::BudgetKey& key, const domain::StatementStatus& served) {
          std::map<domain::Position, domain::StatementStatus>& history = statuses_[key];
          auto it = history.upper_bound(stride);
          const std::string name = absl::StrCat("status of ", key.division, " ", key.agency, " ",
                                                key.year, " ", static_cast<int>(key.stage));
          if (it == history.begin() || !(std::prev(it)->second == served))
            Differ(absl::StrCat(name, ": not the same"));
          history.clear();
        }));
    for (const auto& [key, history] : statuses_) {
      if (!history.empty() && history.begin()->first <= stride)
        Differ(absl::StrCat("status of ", key.division, " ", key.agency, ": missing"));
    }
    return absl::OkStatus();
  }

  // The root of all leaves, against the log's tree.
  absl::Status CompareTree() {
    Digest root = storage::EmptyMerkleRoot();
    for (auto it = peaks_.rbegin(); it != peaks_.rend(); ++it)
      root = it == peaks_.rbegin() ? it->second : storage::MerkleNode(it->second, root);
    FISCAL_ASSIGN_OR_RETURN(const Digest served, projector_.log().tree().Root(result.position));
    if (served != root) Differ("the log's tree: another root");
    return absl::OkStatus();
  }

  void Differ(std::string what) {
    if (result.differences.size() < kDifferencesMax) result.differences.push_back(std::move(what));
  }

  void Compare(const ChunkId& id, const domain::CellTable& served) {
    seen_.insert(id);
    domain::CellTable table;
    auto agency = agencies_.find(id);
    auto node = fold_.chunks().find(Fold::NodeId{id.node, id.year, id.stage});
    if (agency != agencies_.end()) {
      table = agency->second.Table();
    } else if (node != fold_.chunks().end()) {
      auto it = node->second.find(id.chunk);
      if (it != node->second.end()) table = it->second->chunk.Table();
    }
    result.cell_count += static_cast<int64_t>(table.items.size());
    // Equal cells have equal bytes, whatever their history.
    if (domain::EncodeCells(table) != domain::EncodeCells(served)) {
      Differ(absl::StrCat(Name(id), ": served ", served.items.size(), " cells, recomputed ",
                          table.items.size(), " cells, not the same"));
    }
  }

  const Projector& projector_;
  Digest chain_{};
  std::shared_ptr<const domain::Catalog> catalog_;
  Fold fold_;
  absl::flat_hash_map<ChunkId, Chunk> agencies_;
  absl::flat_hash_set<ChunkId> seen_;
  std::map<domain::BudgetKey, std::map<domain::Position, domain::StatementStatus>> statuses_;
  // Sizes and roots of the full subtrees of the log so far.
  std::vector<std::pair<uint64_t, Digest>> peaks_;
};

}  // namespace

absl::StatusOr<VerifyResult> Verify(const Projector& projector) {
  Verification verification(projector);
  FISCAL_RETURN_IF_ERROR(verification.Run());
  return std::move(verification.result);
}

}  // namespace fiscal::services
