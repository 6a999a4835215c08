#include "storage/heads.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "storage/event_log.h"
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
enum KeptAs : uint8_t { kHere = 0, kInLog = 1 };

// value := 0 block | 1 position:varint offset:varint size:varint
std::string KeepHere(absl::string_view block) {
  std::string value;
  value.reserve(1 + block.size());
  PutU8(&value, kHere);
  value.append(block.data(), block.size());
  return value;
}

// The block that a stored head block keeps or refers to.
absl::StatusOr<std::string> ReadBlock(const ReadRecordPart& read, std::string value) {
  ByteReader reader(value);
  const uint8_t kind = reader.U8();
  if (kind == kInLog) {
    const uint64_t position = reader.Varint(), offset = reader.Varint(), size = reader.Varint();
    if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("heads: a malformed reference");
    return read(domain::Position(position), offset, size);
  }
  if (kind != kHere || !reader.ok()) return absl::DataLossError("heads: a malformed block");
  value.erase(0, 1);
  return value;
}

absl::Status AppendBlock(const ReadRecordPart& read, std::string value, LineSet* set) {
  FISCAL_ASSIGN_OR_RETURN(std::string block, ReadBlock(read, std::move(value)));
  auto kept = std::make_shared<const std::string>(std::move(block));
  FISCAL_RETURN_IF_ERROR(DecodeBlock(*kept, set));
  set->owners.push_back(std::move(kept));
  return absl::OkStatus();
}

ReadRecordPart From(const EventLog& log) {
  return [&log](domain::Position position, uint64_t offset, uint64_t size) {
    return log.ReadBytes(position, offset, size);
  };
}

absl::Status AppendProjects(const ReadRecordPart& read, std::string value,
                            std::vector<ProjectEntry>* projects) {
  FISCAL_ASSIGN_OR_RETURN(std::string block, ReadBlock(read, std::move(value)));
  return DecodeProjects(block, projects);
}

// Replaces all blocks that have `keys`.
absl::Status ReplaceBlocks(Staged& staged, const BlockKeys& keys,
                           const domain::EncodedBlocks& blocks, domain::Position position,
                           uint64_t offset, bool existed) {
  if (existed) {
    FISCAL_ASSIGN_OR_RETURN(auto items, staged.Scan(keys.all()));
    for (Staged::Item& item : items) staged.Delete(std::move(item.first));
  }
  for (size_t i = 0; i < blocks.places.size(); ++i) {
    const domain::EncodedBlocks::Place& place = blocks.places[i];
    std::string value;
    if (!position.zero() && place.size >= kReferredBytesMin) {
      PutU8(&value, kInLog);
      PutVarint(&value, position.value());
      PutVarint(&value, offset + place.offset);
      PutVarint(&value, place.size);
    } else {
      value = KeepHere(blocks.block(i));
    }
    staged.Put(keys.At(place.first), std::move(value));
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

// Items after a change, in order of their ids: null for one that is removed.
template <typename Item>
using Changes = std::vector<std::pair<absl::string_view, const Item*>>;

// Both ordered by id; an id in both is put.
template <typename Item, typename Removed, typename IdOf, typename RemovedIdOf>
Changes<Item> ChangesOf(const std::vector<Item>& put, const std::vector<Removed>& removed,
                        IdOf id_of, RemovedIdOf removed_id_of) {
  Changes<Item> changes;
  changes.reserve(put.size() + removed.size());
  auto gone = removed.begin();
  for (const Item& item : put) {
    const absl::string_view id = id_of(item);
    for (; gone != removed.end() && removed_id_of(*gone) < id; ++gone)
      changes.emplace_back(removed_id_of(*gone), nullptr);
    if (gone != removed.end() && removed_id_of(*gone) == id) ++gone;
    changes.emplace_back(id, &item);
  }
  for (; gone != removed.end(); ++gone) changes.emplace_back(removed_id_of(*gone), nullptr);
  return changes;
}

// The items of a block, in order, after its changes.
template <typename Item, typename IdOf>
std::vector<Item> Merged(std::vector<Item> old,
                         absl::Span<const std::pair<absl::string_view, const Item*>> changes,
                         IdOf id_of) {
  std::vector<Item> merged;
  merged.reserve(old.size() + changes.size());
  auto item = old.begin();
  for (const auto& [id, put] : changes) {
    while (item != old.end() && id_of(*item) < id) merged.push_back(std::move(*item++));
    if (item != old.end() && id_of(*item) == id) ++item;
    if (put != nullptr) merged.push_back(*put);
  }
  std::move(item, old.end(), std::back_inserter(merged));
  return merged;
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
  for (Staged::Item& item : items)
    FISCAL_RETURN_IF_ERROR(AppendBlock(read_, std::move(item.second), &set));
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
    FISCAL_RETURN_IF_ERROR(AppendBlock(read_, std::move(block->second), &set));
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
    FISCAL_RETURN_IF_ERROR(AppendProjects(read_, std::move(block->second), &projects));
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

absl::Status Heads::ReplaceLines(const BudgetKey& budget, const domain::EncodedBlocks& blocks,
                                 domain::Position position, uint64_t offset, bool existed) {
  return ReplaceBlocks(staged_, BlockKeys::OfLines(budget), blocks, position, offset, existed);
}

absl::Status Heads::ReplaceProjects(const BudgetKey& budget, const domain::EncodedBlocks& blocks,
                                    domain::Position position, uint64_t offset, bool existed) {
  return ReplaceBlocks(staged_, BlockKeys::OfProjects(budget), blocks, position, offset, existed);
}

absl::Status Heads::PatchLines(const BudgetKey& budget, const std::vector<Line>& put,
                               const std::vector<absl::string_view>& removed) {
  const BlockKeys keys = BlockKeys::OfLines(budget);
  const Changes<Line> changes = ChangesOf(put, removed, IdOf, Itself);
  auto visit = [&](std::optional<Staged::Item> block, size_t from, size_t to) {
    LineSet old;
    if (block.has_value()) {
      FISCAL_RETURN_IF_ERROR(AppendBlock(read_, std::move(block->second), &old));
      staged_.Delete(std::move(block->first));
    }
    const std::vector<Line> merged =
        Merged(std::move(old.lines), absl::MakeConstSpan(changes).subspan(from, to - from), IdOf);
    const size_t pieces =
        merged.size() <= 2 * kBlockLines ? 1 : (merged.size() + kBlockLines - 1) / kBlockLines;
    const size_t piece_lines = (merged.size() + pieces - 1) / pieces;
    for (size_t i = 0; i < merged.size(); i += piece_lines) {
      const auto piece = absl::MakeConstSpan(merged).subspan(i, piece_lines);
      staged_.Put(keys.At(piece[0].line_id), KeepHere(EncodeBlock(piece)));
    }
    return absl::OkStatus();
  };
  return VisitBlocks(
      staged_, keys, changes.size(), [&](size_t i) { return changes[i].first; }, visit);
}

absl::Status Heads::PatchProjects(const BudgetKey& budget, const std::vector<ProjectEntry>& put,
                                  const std::vector<ProjectEntry>& removed) {
  const BlockKeys keys = BlockKeys::OfProjects(budget);
  const Changes<ProjectEntry> changes = ChangesOf(put, removed, CodeOf, CodeOf);
  auto visit = [&](std::optional<Staged::Item> block, size_t from, size_t to) {
    std::vector<ProjectEntry> old;
    if (block.has_value()) {
      FISCAL_RETURN_IF_ERROR(AppendProjects(read_, std::move(block->second), &old));
      staged_.Delete(std::move(block->first));
    }
    const std::vector<ProjectEntry> merged =
        Merged(std::move(old), absl::MakeConstSpan(changes).subspan(from, to - from), CodeOf);
    const domain::EncodedBlocks blocks = EncodeProjects(merged);
    for (size_t i = 0; i < blocks.places.size(); ++i)
      staged_.Put(keys.At(blocks.places[i].first), KeepHere(blocks.block(i)));
    return absl::OkStatus();
  };
  return VisitBlocks(
      staged_, keys, changes.size(), [&](size_t i) { return changes[i].first; }, visit);
}

absl::StatusOr<domain::StatementMeta> HeadReader::Meta(const BudgetKey& budget,
                                                       uint64_t revision) const {
  absl::StatusOr<std::string> bytes = kv_.Get(HeadKey(budget));
  if (absl::IsNotFound(bytes.status())) {
    return domain::Refuse(domain::Reason::kBudgetNotFound, "there is no such budget");
  }
  if (!bytes.ok()) return bytes.status();
  FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta head, DecodeMeta(*bytes));
  if (revision == 0 || revision == head.revision) return head;
  absl::StatusOr<std::string> position = kv_.Get(RevisionKey(budget, revision));
  if (absl::IsNotFound(position.status())) {
    return domain::Refuse(
        domain::Reason::kRevisionNotFound,
        absl::StrCat("revision ", revision, " does not exist; ", head.revision, " stands"));
  }
  if (!position.ok()) return position.status();
  ByteReader reader(*position);
  FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log_.Read(domain::Position(reader.U64())));
  FISCAL_ASSIGN_OR_RETURN(domain::Event event, DecodeRecord(entry.record));
  return std::move(event.statement.meta);
}

absl::StatusOr<HeadReader::Statement> HeadReader::Read(const BudgetKey& budget,
                                                       uint64_t revision) const {
  Statement s;
  FISCAL_ASSIGN_OR_RETURN(s.meta, Meta(budget, revision));
  // Taken after the meta was found, so that the head in it is that revision or a later one.
  std::unique_ptr<KvSnapshot> snapshot = kv_.NewSnapshot();
  absl::StatusOr<std::string> head_bytes = snapshot->Get(HeadKey(budget));
  if (!head_bytes.ok()) {
    return absl::IsNotFound(head_bytes.status())
               ? domain::Refuse(domain::Reason::kBudgetNotFound, "there is no such budget")
               : head_bytes.status();
  }
  FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta head, DecodeMeta(*head_bytes));
  if (revision == 0) s.meta = head;

  const ReadRecordPart read = From(log_);
  const BlockKeys blocks = BlockKeys::OfLines(budget);
  std::unique_ptr<KvIterator> it = snapshot->NewIterator(blocks.all().lower, blocks.all().upper);
  for (it->Seek(blocks.all().lower); it->Valid(); it->Next()) {
    FISCAL_RETURN_IF_ERROR(AppendBlock(read, std::string(it->value()), &s.lines));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  const BlockKeys projects = BlockKeys::OfProjects(budget);
  it = snapshot->NewIterator(projects.all().lower, projects.all().upper);
  for (it->Seek(projects.all().lower); it->Valid(); it->Next()) {
    FISCAL_RETURN_IF_ERROR(AppendProjects(read, std::string(it->value()), &s.projects));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  if (s.meta.revision == head.revision) return s;

  // Each event says what it put and, whole, what it removed: undoing them one by one leads back.
  std::map<absl::string_view, Line> lines;
  for (const Line& line : s.lines.lines) lines.emplace(line.line_id, line);
  std::map<std::string, ProjectEntry> entries;
  for (const ProjectEntry& p : s.projects) entries.emplace(p.code, p);
  for (uint64_t r = head.revision; r > s.meta.revision; --r) {
    FISCAL_ASSIGN_OR_RETURN(std::string position, snapshot->Get(RevisionKey(budget, r)));
    ByteReader reader(position);
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log_.Read(domain::Position(reader.U64())));
    FISCAL_ASSIGN_OR_RETURN(domain::Event event, DecodeRecord(entry.record));
    for (const Line& line : event.statement.put.lines) lines.erase(line.line_id);
    for (const Line& line : event.statement.removed.lines) lines.emplace(line.line_id, line);
    s.lines.Keep(event.statement.removed);
    for (const ProjectEntry& p : event.statement.projects_put) entries.erase(p.code);
    for (const ProjectEntry& p : event.statement.projects_removed) entries[p.code] = p;
  }
  s.lines.lines.clear();
  s.lines.combinations = 0;  // they are of many events
  for (const auto& [id, line] : lines) s.lines.lines.push_back(line);
  s.projects.clear();
  for (auto& [code, project] : entries) s.projects.push_back(std::move(project));
  return s;
}

absl::StatusOr<HeadReader::Statement> HeadReader::FromLog(const BudgetKey& budget,
                                                          uint64_t revision) const {
  Statement out;
  std::map<absl::string_view, Line> lines;
  std::map<std::string, domain::ProjectEntry> projects;
  for (uint64_t r = 1; r <= revision; ++r) {
    FISCAL_ASSIGN_OR_RETURN(const std::string position, kv_.Get(RevisionKey(budget, r)));
    ByteReader reader(position);
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log_.Read(domain::Position(reader.U64())));
    FISCAL_ASSIGN_OR_RETURN(domain::Event event, DecodeRecord(entry.record));
    out.meta = event.statement.meta;
    out.lines.Keep(event.statement.put);
    for (const Line& line : event.statement.removed.lines) lines.erase(line.line_id);
    for (const Line& line : event.statement.put.lines) lines[line.line_id] = line;
    for (const domain::ProjectEntry& p : event.statement.projects_removed) projects.erase(p.code);
    for (const domain::ProjectEntry& p : event.statement.projects_put) projects[p.code] = p;
  }
  for (const auto& [id, line] : lines) out.lines.lines.push_back(line);
  for (auto& [code, project] : projects) out.projects.push_back(std::move(project));
  return out;
}

absl::StatusOr<domain::LineSet> HeadReader::Lines(const BudgetKey& budget,
                                                  uint64_t revision) const {
  FISCAL_ASSIGN_OR_RETURN(Statement statement, Standing(budget, revision));
  return std::move(statement.lines);
}

absl::StatusOr<HeadReader::Statement> HeadReader::Standing(const BudgetKey& budget,
                                                           uint64_t revision) const {
  return absl::IsNotFound(kv_.Get(HeadKey(budget)).status()) ? FromLog(budget, revision)
                                                             : Read(budget, revision);
}

absl::StatusOr<std::vector<domain::StatementMeta>> HeadReader::List(domain::Code division,
                                                                    const std::string& after,
                                                                    size_t limit) const {
  KeyRange range = HeadsOf(division);
  if (!after.empty()) range.lower = std::max(range.lower, FromToken(after));
  std::vector<domain::StatementMeta> metas;
  std::unique_ptr<KvIterator> it = kv_.NewIterator(range.lower, range.upper);
  for (it->Seek(range.lower); it->Valid() && metas.size() < limit; it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta meta, DecodeMeta(it->value()));
    metas.push_back(std::move(meta));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return metas;
}

std::string HeadReader::AfterKey(const BudgetKey& budget) {
  return ToToken(Successor(HeadKey(budget)));
}

}  // namespace fiscal::storage
