#include "storage/heads.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/item_changes.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

using domain::BudgetKey;
using domain::Line;
using domain::LineSet;
using domain::ProjectEntry;

// A block shorter than this is kept in the head itself: saying where it is costs as much.
constexpr size_t kReferredBytesMin = 64;

std::string KeepHere(uint64_t since, absl::string_view block) {
  HeadBlock here;
  here.since = since;
  here.block = block;
  return EncodeHeadBlock(here);
}

// Takes a block out of the head, by `revision`. It is kept where it stood at a mark.
absl::Status TakeOut(Staged& staged, const BlockKeys& keys, Staged::Item item, uint64_t revision) {
  FISCAL_ASSIGN_OR_RETURN(const HeadBlock block, DecodeHeadBlock(item.second));
  const uint64_t mark = (revision - 1) / kMarkRevisions;
  if (block.since <= mark * kMarkRevisions)
    staged.Put(keys.KeptAt(keys.FirstIdOf(item.first), mark), std::move(item.second));
  staged.Delete(std::move(item.first));
  return absl::OkStatus();
}

// Replaces all blocks that have `keys`.
absl::Status ReplaceBlocks(Staged& staged, const BlockKeys& keys, uint64_t revision,
                           const domain::EncodedBlocks& blocks, domain::Position position,
                           uint64_t offset, bool existed) {
  if (existed) {
    FISCAL_ASSIGN_OR_RETURN(auto items, staged.Scan(keys.all()));
    for (Staged::Item& item : items)
      FISCAL_RETURN_IF_ERROR(TakeOut(staged, keys, std::move(item), revision));
  }
  for (size_t i = 0; i < blocks.places.size(); ++i) {
    const domain::EncodedBlocks::Place& place = blocks.places[i];
    HeadBlock block;
    block.since = revision;
    if (!position.zero() && place.size >= kReferredBytesMin) {
      block.position = position;
      block.offset = offset + place.offset;
      block.size = place.size;
    } else {
      block.block = blocks.block(i);
    }
    staged.Put(keys.At(place.first), EncodeHeadBlock(block));
  }
  return absl::OkStatus();
}

// Walks the blocks among `keys` that ids fall into, each once and in order. There are `count` ids,
// in order; `visit` gets a block, nullopt where there is none at all, and the numbers of the ids it
// is for. It may change or delete that block.
absl::Status VisitBlocks(
    const Staged& staged, const BlockKeys& keys, size_t count,
    absl::FunctionRef<absl::string_view(size_t)> id_at,
    absl::FunctionRef<absl::Status(std::optional<Staged::Item> block, size_t from, size_t to)>
        visit) {
  const KeyRange& all = keys.all();
  for (size_t i = 0; i < count;) {
    // The block this id belongs in: the last that starts at or before it, else the first of all.
    FISCAL_ASSIGN_OR_RETURN(auto block, staged.FindLast(all.lower, keys.At(id_at(i))));
    if (!block.has_value()) {
      FISCAL_ASSIGN_OR_RETURN(block, staged.FindFirst(all.lower, all.upper));
    }
    std::optional<std::string> next_id;
    if (block.has_value()) {
      FISCAL_ASSIGN_OR_RETURN(auto next, staged.FindFirst(Successor(block->first), all.upper));
      if (next.has_value()) next_id = std::string(keys.FirstIdOf(next->first));
    }
    // With it all that fall before the next block.
    const size_t from = i;
    while (i < count && (!next_id.has_value() || id_at(i) < absl::string_view(*next_id))) ++i;
    FISCAL_RETURN_IF_ERROR(visit(std::move(block), from, i));
  }
  return absl::OkStatus();
}

absl::string_view IdOf(const Line& line) { return line.line_id; }
absl::string_view CodeOf(const ProjectEntry& project) { return project.code; }
absl::string_view Itself(absl::string_view id) { return id; }

}  // namespace

absl::StatusOr<std::optional<domain::StatementMeta>> Heads::Meta(const BudgetKey& budget) const {
  absl::StatusOr<std::string> bytes = staged_.Get(HeadKey(budget));
  if (absl::IsNotFound(bytes.status())) return std::optional<domain::StatementMeta>();
  if (!bytes.ok()) return bytes.status();
  FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta meta, DecodeMeta(*bytes));
  return std::optional<domain::StatementMeta>(std::move(meta));
}

absl::StatusOr<LineSet> Heads::Lines(const BudgetKey& budget) const {
  FISCAL_ASSIGN_OR_RETURN(auto items, staged_.Scan(BlockKeys::OfLines(budget).all()));
  LineSet set;
  for (Staged::Item& item : items) FISCAL_RETURN_IF_ERROR(AppendLines(read_, item.second, &set));
  return set;
}

absl::StatusOr<std::vector<ProjectEntry>> Heads::Projects(const BudgetKey& budget) const {
  FISCAL_ASSIGN_OR_RETURN(auto items, staged_.Scan(BlockKeys::OfProjects(budget).all()));
  std::vector<ProjectEntry> projects;
  for (const Staged::Item& item : items) {
    FISCAL_RETURN_IF_ERROR(AppendProjects(read_, item.second, &projects));
  }
  return projects;
}

absl::StatusOr<LineSet> Heads::FindLines(const BudgetKey& budget,
                                         absl::Span<const absl::string_view> ids) const {
  LineSet found;
  auto visit = [&](std::optional<Staged::Item> block, size_t from, size_t to) {
    if (!block.has_value()) return absl::OkStatus();
    LineSet set;
    FISCAL_RETURN_IF_ERROR(AppendLines(read_, block->second, &set));
    const size_t before = found.lines.size();
    auto line = set.lines.begin();
    for (size_t i = from; i < to; ++i) {
      while (line != set.lines.end() && line->line_id < ids[i]) ++line;
      if (line == set.lines.end()) break;
      if (line->line_id != ids[i]) continue;
      found.lines.push_back(*line);
      // The numbers of one block mean something else in another.
      found.lines.back().combination += found.combinations;
    }
    if (found.lines.size() == before) return absl::OkStatus();
    found.combinations += set.combinations;
    found.Keep(set);
    return absl::OkStatus();
  };
  FISCAL_RETURN_IF_ERROR(VisitBlocks(
      staged_, BlockKeys::OfLines(budget), ids.size(), [ids](size_t i) { return ids[i]; }, visit));
  return found;
}

absl::Status Heads::FindProjects(const BudgetKey& budget, absl::Span<const absl::string_view> codes,
                                 absl::FunctionRef<void(ProjectEntry)> found) const {
  auto visit = [&](std::optional<Staged::Item> block, size_t from, size_t to) {
    if (!block.has_value()) return absl::OkStatus();
    std::vector<ProjectEntry> projects;
    FISCAL_RETURN_IF_ERROR(AppendProjects(read_, block->second, &projects));
    auto project = projects.begin();
    for (size_t i = from; i < to; ++i) {
      while (project != projects.end() && absl::string_view(project->code) < codes[i]) ++project;
      if (project == projects.end()) break;
      if (absl::string_view(project->code) == codes[i]) found(std::move(*project++));
    }
    return absl::OkStatus();
  };
  return VisitBlocks(
      staged_, BlockKeys::OfProjects(budget), codes.size(), [codes](size_t i) { return codes[i]; },
      visit);
}

void Heads::SetMeta(const domain::StatementMeta& meta) {
  staged_.Put(HeadKey(meta.key), EncodeMeta(meta));
  std::string position;
  PutU64(&position, meta.position.value());
  staged_.Put(RevisionKey(meta.key, meta.revision), std::move(position));
}

absl::Status Heads::ReplaceLines(const BudgetKey& budget, uint64_t revision,
                                 const domain::EncodedBlocks& blocks, domain::Position position,
                                 uint64_t offset, bool existed) {
  return ReplaceBlocks(staged_, BlockKeys::OfLines(budget), revision, blocks, position, offset,
                       existed);
}

absl::Status Heads::ReplaceProjects(const BudgetKey& budget, uint64_t revision,
                                    const domain::EncodedBlocks& blocks, domain::Position position,
                                    uint64_t offset, bool existed) {
  return ReplaceBlocks(staged_, BlockKeys::OfProjects(budget), revision, blocks, position, offset,
                       existed);
}

absl::Status Heads::PatchLines(const BudgetKey& budget, uint64_t revision,
                               const std::vector<Line>& put,
                               const std::vector<absl::string_view>& removed) {
  const BlockKeys keys = BlockKeys::OfLines(budget);
  const Changes<Line> changes = ChangesOf(put, removed, IdOf, Itself);
  auto visit = [&](std::optional<Staged::Item> block, size_t from, size_t to) {
    LineSet old;
    if (block.has_value()) {
      FISCAL_RETURN_IF_ERROR(AppendLines(read_, block->second, &old));
      FISCAL_RETURN_IF_ERROR(TakeOut(staged_, keys, *std::move(block), revision));
    }
    const std::vector<Line> merged =
        Merged(std::move(old.lines), absl::MakeConstSpan(changes).subspan(from, to - from), IdOf);
    const size_t pieces =
        merged.size() <= 2 * kBlockLines ? 1 : (merged.size() + kBlockLines - 1) / kBlockLines;
    const size_t piece_lines = (merged.size() + pieces - 1) / pieces;
    for (size_t i = 0; i < merged.size(); i += piece_lines) {
      const auto piece = absl::MakeConstSpan(merged).subspan(i, piece_lines);
      staged_.Put(keys.At(piece[0].line_id), KeepHere(revision, EncodeBlock(piece)));
    }
    return absl::OkStatus();
  };
  return VisitBlocks(
      staged_, keys, changes.size(), [&](size_t i) { return changes[i].first; }, visit);
}

absl::Status Heads::PatchProjects(const BudgetKey& budget, uint64_t revision,
                                  const std::vector<ProjectEntry>& put,
                                  const std::vector<ProjectEntry>& removed) {
  const BlockKeys keys = BlockKeys::OfProjects(budget);
  const Changes<ProjectEntry> changes = ChangesOf(put, removed, CodeOf, CodeOf);
  auto visit = [&](std::optional<Staged::Item> block, size_t from, size_t to) {
    std::vector<ProjectEntry> old;
    if (block.has_value()) {
      FISCAL_RETURN_IF_ERROR(AppendProjects(read_, block->second, &old));
      FISCAL_RETURN_IF_ERROR(TakeOut(staged_, keys, *std::move(block), revision));
    }
    const std::vector<ProjectEntry> merged =
        Merged(std::move(old), absl::MakeConstSpan(changes).subspan(from, to - from), CodeOf);
    const domain::EncodedBlocks blocks = EncodeProjects(merged);
    for (size_t i = 0; i < blocks.places.size(); ++i)
      staged_.Put(keys.At(blocks.places[i].first), KeepHere(revision, blocks.block(i)));
    return absl::OkStatus();
  };
  return VisitBlocks(
      staged_, keys, changes.size(), [&](size_t i) { return changes[i].first; }, visit);
}

}  // namespace fiscal::storage
