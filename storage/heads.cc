#include "storage/heads.h"

#include <algorithm>
#include <functional>
#include <map>

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

// The block that a stored head block keeps or refers to; `get` reads what the head was read from.
absl::StatusOr<std::string> ReadBlock(const GetValue& get, std::string value) {
  ByteReader reader(value);
  const uint8_t kind = reader.U8();
  if (kind == kInLog) {
    const uint64_t position = reader.Varint(), offset = reader.Varint(), size = reader.Varint();
    if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("heads: a malformed reference");
    return ReadRecordBytes(get, position, offset, size);
  }
  if (kind != kHere || !reader.ok()) return absl::DataLossError("heads: a malformed block");
  value.erase(0, 1);
  return value;
}

absl::Status AppendBlock(const GetValue& get, std::string value, LineSet* set) {
  FISCAL_ASSIGN_OR_RETURN(std::string block, ReadBlock(get, std::move(value)));
  auto kept = std::make_shared<const std::string>(std::move(block));
  FISCAL_RETURN_IF_ERROR(DecodeBlock(*kept, set));
  set->owners.push_back(std::move(kept));
  return absl::OkStatus();
}

GetValue From(const Staged& staged) {
  return [&staged](const std::string& key) { return staged.Get(key); };
}
GetValue From(const KvSnapshot& snapshot) {
  return [&snapshot](const std::string& key) { return snapshot.Get(key); };
}
GetValue From(const Kv& kv) {
  return [&kv](const std::string& key) { return kv.Get(key); };
}

absl::Status AppendProjects(const GetValue& get, std::string value,
                            std::vector<ProjectEntry>* projects) {
  FISCAL_ASSIGN_OR_RETURN(std::string block, ReadBlock(get, std::move(value)));
  return DecodeProjects(block, projects);
}

// Replaces all blocks below `prefix`, which ends where a first id begins.
absl::Status ReplaceBlocks(Staged& staged, const std::string& prefix,
                           const domain::EncodedBlocks& blocks, domain::Position position,
                           uint64_t offset, bool existed) {
  if (existed) {
    FISCAL_ASSIGN_OR_RETURN(auto items, staged.Scan(prefix, AfterPrefix(prefix)));
    for (Staged::Item& item : items) staged.Delete(std::move(item.first));
  }
  for (size_t i = 0; i < blocks.places.size(); ++i) {
    const domain::EncodedBlocks::Place& place = blocks.places[i];
    std::string value;
    if (position != 0 && place.size >= kReferredBytesMin) {
      PutU8(&value, kInLog);
      PutVarint(&value, position);
      PutVarint(&value, offset + place.offset);
      PutVarint(&value, place.size);
    } else {
      value = KeepHere(blocks.block(i));
    }
    std::string key = prefix;
    key.append(place.first.data(), place.first.size());
    staged.Put(std::move(key), std::move(value));
  }
  return absl::OkStatus();
}

// Puts and removes single items of the blocks below `prefix`, reading and writing only the blocks
// they stand in. `changes` says what stands afterwards, null for nothing; `merge` gets an old block's
// value, empty when there is none, and the changes that fall into it, and gives the new blocks.
template <typename Item>
using Changes = std::map<absl::string_view, const Item*>;
template <typename Item>
absl::Status PatchBlocks(
    Staged& staged, const std::string& prefix, const Changes<Item>& changes,
    const std::function<
        absl::Status(std::string old, typename Changes<Item>::const_iterator from,
                     typename Changes<Item>::const_iterator to,
                     const std::function<void(absl::string_view, std::string)>& put)>& merge) {
  const std::string end_key = AfterPrefix(prefix);
  auto key_of = [&prefix](absl::string_view id) {
    std::string key = prefix;
    key.append(id.data(), id.size());
    return key;
  };
  for (auto change = changes.begin(); change != changes.end();) {
    // The block this id belongs in: the last that starts at or before it, else the first of all.
    FISCAL_ASSIGN_OR_RETURN(auto block, staged.FindLast(prefix, key_of(change->first)));
    if (!block.has_value()) {
      FISCAL_ASSIGN_OR_RETURN(block, staged.FindFirst(prefix, end_key));
    }
    std::string next_key = end_key;
    if (block.has_value()) {
      FISCAL_ASSIGN_OR_RETURN(auto next, staged.FindFirst(block->first + '\0', end_key));
      if (next.has_value()) next_key = next->first;
      staged.Delete(block->first);
    }
    // All changes that fall before the next block are merged into this one.
    const auto from = change;
    while (change != changes.end() && key_of(change->first) < next_key) ++change;
    FISCAL_RETURN_IF_ERROR(merge(block.has_value() ? std::move(block->second) : std::string(), from,
                                 change, [&](absl::string_view first, std::string value) {
                                   staged.Put(key_of(first), KeepHere(value));
                                 }));
  }
  return absl::OkStatus();
}

bool ByLineId(const Line& line, absl::string_view id) { return line.line_id < id; }

}  // namespace

absl::StatusOr<std::optional<domain::StatementMeta>> Heads::Meta(const BudgetKey& budget) const {
  absl::StatusOr<std::string> bytes = staged_.Get(HeadKey(budget));
  if (absl::IsNotFound(bytes.status())) return std::optional<domain::StatementMeta>();
  if (!bytes.ok()) return bytes.status();
  FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta meta, DecodeMeta(*bytes));
  return std::optional<domain::StatementMeta>(std::move(meta));
}

absl::StatusOr<LineSet> Heads::Lines(const BudgetKey& budget) const {
  const std::string prefix = HeadBlockKey(budget, "");
  FISCAL_ASSIGN_OR_RETURN(auto items, staged_.Scan(prefix, AfterPrefix(prefix)));
  LineSet set;
  for (Staged::Item& item : items)
    FISCAL_RETURN_IF_ERROR(AppendBlock(From(staged_), std::move(item.second), &set));
  return set;
}

absl::StatusOr<std::vector<ProjectEntry>> Heads::Projects(const BudgetKey& budget) const {
  const std::string prefix = HeadProjectKey(budget, "");
  FISCAL_ASSIGN_OR_RETURN(auto items, staged_.Scan(prefix, AfterPrefix(prefix)));
  std::vector<ProjectEntry> projects;
  for (const Staged::Item& item : items) {
    FISCAL_RETURN_IF_ERROR(AppendProjects(From(staged_), item.second, &projects));
  }
  return projects;
}

absl::StatusOr<std::optional<Line>> Heads::FindLine(const BudgetKey& budget,
                                                    absl::string_view line_id,
                                                    LineSet* owner) const {
  FISCAL_ASSIGN_OR_RETURN(
      auto block, staged_.FindLast(HeadBlockKey(budget, ""), HeadBlockKey(budget, line_id)));
  if (!block.has_value()) return std::optional<Line>();
  LineSet set;
  FISCAL_RETURN_IF_ERROR(AppendBlock(From(staged_), std::move(block->second), &set));
  auto it = std::lower_bound(set.lines.begin(), set.lines.end(), line_id, ByLineId);
  if (it == set.lines.end() || it->line_id != line_id) return std::optional<Line>();
  owner->Keep(set);
  return std::optional<Line>(*it);
}

absl::StatusOr<std::optional<ProjectEntry>> Heads::FindProject(const BudgetKey& budget,
                                                               const std::string& code) const {
  FISCAL_ASSIGN_OR_RETURN(
      auto block, staged_.FindLast(HeadProjectKey(budget, ""), HeadProjectKey(budget, code)));
  if (!block.has_value()) return std::optional<ProjectEntry>();
  std::vector<ProjectEntry> projects;
  FISCAL_RETURN_IF_ERROR(AppendProjects(From(staged_), std::move(block->second), &projects));
  for (ProjectEntry& p : projects) {
    if (p.code == code) return std::optional<ProjectEntry>(std::move(p));
  }
  return std::optional<ProjectEntry>();
}

void Heads::SetMeta(const domain::StatementMeta& meta) {
  staged_.Put(HeadKey(meta.key), EncodeMeta(meta));
  std::string position;
  PutU64(&position, meta.position);
  staged_.Put(RevisionKey(meta.key, meta.revision), std::move(position));
}

absl::Status Heads::ReplaceLines(const BudgetKey& budget, const domain::EncodedBlocks& blocks,
                                 domain::Position position, uint64_t offset, bool existed) {
  return ReplaceBlocks(staged_, HeadBlockKey(budget, ""), blocks, position, offset, existed);
}

absl::Status Heads::ReplaceProjects(const BudgetKey& budget, const domain::EncodedBlocks& blocks,
                                    domain::Position position, uint64_t offset, bool existed) {
  return ReplaceBlocks(staged_, HeadProjectKey(budget, ""), blocks, position, offset, existed);
}

absl::Status Heads::PatchLines(const BudgetKey& budget, const std::vector<Line>& put,
                               const std::vector<absl::string_view>& removed) {
  using Iterator = Changes<Line>::const_iterator;
  Changes<Line> changes;
  for (absl::string_view id : removed) changes[id] = nullptr;
  for (const Line& line : put) changes[line.line_id] = &line;
  return PatchBlocks<Line>(
      staged_, HeadBlockKey(budget, ""), changes,
      [this](std::string old_value, Iterator from, Iterator to, const auto& put_block) {
        LineSet old;
        if (!old_value.empty())
          FISCAL_RETURN_IF_ERROR(AppendBlock(From(staged_), std::move(old_value), &old));
        std::vector<Line> merged;
        merged.reserve(old.lines.size() + 4);
        auto line = old.lines.begin();
        for (auto change = from; change != to; ++change) {
          while (line != old.lines.end() && line->line_id < change->first)
            merged.push_back(*line++);
          if (line != old.lines.end() && line->line_id == change->first) ++line;
          if (change->second != nullptr) merged.push_back(*change->second);
        }
        merged.insert(merged.end(), line, old.lines.end());
        const size_t pieces =
            merged.size() <= 2 * kBlockLines ? 1 : (merged.size() + kBlockLines - 1) / kBlockLines;
        const size_t piece_lines = (merged.size() + pieces - 1) / pieces;
        for (size_t i = 0; i < merged.size(); i += piece_lines) {
          const auto piece = absl::MakeConstSpan(merged).subspan(i, piece_lines);
          put_block(piece[0].line_id, EncodeBlock(piece));
        }
        return absl::OkStatus();
      });
}

absl::Status Heads::PatchProjects(const BudgetKey& budget, const std::vector<ProjectEntry>& put,
                                  const std::vector<ProjectEntry>& removed) {
  using Iterator = Changes<ProjectEntry>::const_iterator;
  Changes<ProjectEntry> changes;
  for (const ProjectEntry& p : removed) changes[p.code] = nullptr;
  for (const ProjectEntry& p : put) changes[p.code] = &p;
  return PatchBlocks<ProjectEntry>(
      staged_, HeadProjectKey(budget, ""), changes,
      [this](std::string old_value, Iterator from, Iterator to, const auto& put_block) {
        std::vector<ProjectEntry> old, merged;
        if (!old_value.empty())
          FISCAL_RETURN_IF_ERROR(AppendProjects(From(staged_), std::move(old_value), &old));
        auto project = old.begin();
        for (auto change = from; change != to; ++change) {
          while (project != old.end() && project->code < change->first)
            merged.push_back(*project++);
          if (project != old.end() && project->code == change->first) ++project;
          if (change->second != nullptr) merged.push_back(*change->second);
        }
        merged.insert(merged.end(), project, old.end());
        const domain::EncodedBlocks blocks = EncodeProjects(merged);
        for (size_t i = 0; i < blocks.places.size(); ++i)
          put_block(blocks.places[i].first, std::string(blocks.block(i)));
        return absl::OkStatus();
      });
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
  FISCAL_ASSIGN_OR_RETURN(LogEntry entry, ReadRecord(From(kv_), reader.U64()));
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

  const std::string blocks = HeadBlockKey(budget, "");
  std::unique_ptr<KvIterator> it = snapshot->NewIterator(blocks, AfterPrefix(blocks));
  for (it->Seek(blocks); it->Valid(); it->Next()) {
    FISCAL_RETURN_IF_ERROR(AppendBlock(From(*snapshot), std::string(it->value()), &s.lines));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  const std::string projects = HeadProjectKey(budget, "");
  it = snapshot->NewIterator(projects, AfterPrefix(projects));
  for (it->Seek(projects); it->Valid(); it->Next()) {
    FISCAL_RETURN_IF_ERROR(AppendProjects(From(*snapshot), std::string(it->value()), &s.projects));
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
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, ReadRecord(From(*snapshot), reader.U64()));
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
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, ReadRecord(From(kv_), reader.U64()));
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
  BudgetKey first;
  first.division = division;
  std::string lower = HeadKey(first);
  lower.resize(5);
  const std::string upper = AfterPrefix(lower);
  if (after > lower) lower = after;
  std::vector<domain::StatementMeta> metas;
  std::unique_ptr<KvIterator> it = kv_.NewIterator(lower, upper);
  for (it->Seek(lower); it->Valid() && metas.size() < limit; it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(domain::StatementMeta meta, DecodeMeta(it->value()));
    metas.push_back(std::move(meta));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return metas;
}

std::string HeadReader::AfterKey(const BudgetKey& budget) { return HeadKey(budget) + '\0'; }

}  // namespace fiscal::storage
