#include "storage/head_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "storage/event_log.h"
#include "storage/head_blocks.h"
#include "storage/heads.h"
#include "storage/item_changes.h"
#include "storage/line_blocks.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

using domain::BudgetKey;
using domain::Line;
using domain::LineSet;
using domain::Position;
using domain::ProjectEntry;
using domain::StatementMeta;

constexpr uint64_t kEventUnits = 64;
constexpr uint64_t kBlockUnits = 32;
// More than the bytes of a size in front of a text, and less than a meta has.
constexpr uint64_t kSizeBytes = 5;
// Each time more is taken than was said, so many times more is made ready.
constexpr size_t kWindowGrowth = 4;

template <typename Event>
absl::Status ReadEvent(const EventLog& log, Position position, Event read) {
  FISCAL_ASSIGN_OR_RETURN(const LogEntry entry, log.Read(position));
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header, DecodeHeader(*entry.record, &payload));
  if (header.kind != domain::EventKind::kStatement)
    return absl::DataLossError(absl::StrCat("heads: event ", position.value(), " is no statement"));
  FISCAL_ASSIGN_OR_RETURN(const StatementParts parts, SplitStatement(payload));
  return read(parts);
}

absl::Status NoBudget() {
  return domain::Refuse(domain::Reason::kBudgetNotFound, "there is no such budget");
}

// What is read of a statement: its lines.
struct LinesPart {
  using Item = Line;
  using Items = LineSet;

  static BlockKeys Keys(const BudgetKey& budget) { return BlockKeys::OfLines(budget); }
  static absl::string_view IdOf(const Line& line) { return line.line_id; }
  static std::vector<Line>& ListOf(LineSet& set) { return set.lines; }
  static absl::Status Append(const ReadRecordPart& read, absl::string_view value, LineSet* set) {
    return AppendLines(read, value, set);
  }
  static absl::string_view Put(const StatementParts& parts) { return parts.put; }
  static absl::string_view Removed(const StatementParts& parts) { return parts.removed; }
  // Of an event: views point into `bytes`.
  static absl::Status Decode(absl::string_view bytes, absl::string_view after,
                             absl::string_view until, LineSet* set) {
    return DecodeBlocksWithin(bytes, after, until, set);
  }
  // The same lines with bytes of their own: events are large, and few of their lines are kept.
  static absl::StatusOr<LineSet> Own(const std::vector<Line>& lines) {
    LineSet set;
    auto bytes = std::make_shared<const std::string>(EncodeBlock(lines));
    FISCAL_RETURN_IF_ERROR(DecodeBlock(*bytes, &set));
    set.owners.push_back(std::move(bytes));
    return set;
  }
  static void Keep(const LineSet& from, LineSet* set) { set->Keep(from); }
  // Lines of several events: their numbers say nothing.
  static void Mixed(LineSet* set) {
    set->combinations = 0;
    for (Line& line : set->lines) line.combination = 0;
  }
};

// Its projects.
struct ProjectsPart {
  using Item = ProjectEntry;
  using Items = std::vector<ProjectEntry>;

  static BlockKeys Keys(const BudgetKey& budget) { return BlockKeys::OfProjects(budget); }
  static absl::string_view IdOf(const ProjectEntry& project) { return project.code; }
  static Items& ListOf(Items& projects) { return projects; }
  static absl::Status Append(const ReadRecordPart& read, absl::string_view value, Items* projects) {
    return AppendProjects(read, value, projects);
  }
  static absl::string_view Put(const StatementParts& parts) { return parts.projects_put; }
  static absl::string_view Removed(const StatementParts& parts) { return parts.projects_removed; }
  static absl::Status Decode(absl::string_view bytes, absl::string_view, absl::string_view,
                             Items* projects) {
    return DecodeProjects(bytes, projects);
  }
  static absl::StatusOr<Items> Own(const Items& projects) { return projects; }
  static void Keep(const Items&, Items*) {}
  static void Mixed(Items*) {}
};

// Drops the items up to `after`.
template <typename Part>
void DropUpTo(absl::string_view after, std::vector<typename Part::Item>* items) {
  const auto behind = std::upper_bound(
      items->begin(), items->end(), after,
      [](absl::string_view id, const auto& item) { return id < Part::IdOf(item); });
  items->erase(items->begin(), behind);
}

}  // namespace

absl::StatusOr<StatementMeta> HeadReader::MetaAt(Position position) const {
  domain::EventHeader header;
  FISCAL_ASSIGN_OR_RETURN(const std::string head, log_.ReadRecordHead(position, &header));
  if (header.kind != domain::EventKind::kStatement)
    return absl::DataLossError(absl::StrCat("heads: event ", position.value(), " is no statement"));
  // The payload begins with the meta, its size before it.
  FISCAL_ASSIGN_OR_RETURN(const std::string start,
                          log_.ReadBytes(position, head.size(), kSizeBytes));
  ByteReader reader(start);
  const uint64_t size = reader.Varint();
  if (!reader.ok()) return absl::DataLossError("heads: a statement's meta has no size");
  FISCAL_ASSIGN_OR_RETURN(
      const std::string meta,
      log_.ReadBytes(position, head.size() + start.size() - reader.remaining(), size));
  return DecodeMeta(meta);
}

absl::StatusOr<HeadReader::Opened> HeadReader::Open(const BudgetKey& budget,
                                                    uint64_t revision) const {
  Opened opened;
  opened.budget = budget;
  opened.snapshot = kv_.NewSnapshot();
  const absl::StatusOr<std::string> bytes = opened.snapshot->Get(HeadKey(budget));
  if (absl::IsNotFound(bytes.status())) return NoBudget();
  if (!bytes.ok()) return bytes.status();
  FISCAL_ASSIGN_OR_RETURN(opened.meta, DecodeMeta(*bytes));
  const uint64_t last = opened.meta.revision;
  opened.base = last;
  if (revision == 0 || revision == last) return opened;
  const absl::StatusOr<std::string> position = opened.snapshot->Get(RevisionKey(budget, revision));
  if (absl::IsNotFound(position.status())) {
    return domain::Refuse(
        domain::Reason::kRevisionNotFound,
        absl::StrCat("revision ", revision, " does not exist; ", last, " stands"));
  }
  if (!position.ok()) return position.status();
  FISCAL_ASSIGN_OR_RETURN(opened.meta, MetaAt(Position(ByteReader(*position).U64())));
  const uint64_t mark = (revision + kMarkRevisions - 1) / kMarkRevisions;
  if (mark * kMarkRevisions >= last) return opened;
  opened.mark = mark;
  opened.base = mark * kMarkRevisions;
  return opened;
}

absl::StatusOr<StatementMeta> HeadReader::Meta(const BudgetKey& budget, uint64_t revision) const {
  FISCAL_ASSIGN_OR_RETURN(Opened opened, Open(budget, revision));
  return std::move(opened.meta);
}

template <typename Part>
absl::Status HeadReader::Undo(const Opened& opened, absl::string_view after,
                              absl::string_view until, typename Part::Items* items,
                              SpendWork spend) const {
  using Item = typename Part::Item;
  using Items = typename Part::Items;
  const auto within = [&](absl::string_view id) {
    return id > after && (until.empty() || id <= until);
  };
  // What stood of each id that changed: the first event that concerns it says so.
  std::map<std::string, std::optional<Item>> stood;
  Items kept;
  for (uint64_t r = opened.meta.revision + 1; r <= opened.base; ++r) {
    FISCAL_RETURN_IF_ERROR(spend(kEventUnits));
    FISCAL_ASSIGN_OR_RETURN(const std::string position,
                            opened.snapshot->Get(RevisionKey(opened.budget, r)));
    FISCAL_RETURN_IF_ERROR(ReadEvent(
        log_, Position(ByteReader(position).U64()),
        [&](const StatementParts& parts) -> absl::Status {
          Items removed, put;
          FISCAL_RETURN_IF_ERROR(Part::Decode(Part::Removed(parts), after, until, &removed));
          FISCAL_RETURN_IF_ERROR(Part::Decode(Part::Put(parts), after, until, &put));
          FISCAL_RETURN_IF_ERROR(spend(Part::ListOf(removed).size() + Part::ListOf(put).size()));
          std::vector<Item> fresh;
          for (const Item& item : Part::ListOf(removed)) {
            const absl::string_view id = Part::IdOf(item);
            if (within(id) && stood.count(std::string(id)) == 0) fresh.push_back(item);
          }
          if (!fresh.empty()) {
            FISCAL_ASSIGN_OR_RETURN(Items own, Part::Own(fresh));
            for (const Item& item : Part::ListOf(own))
              stood.emplace(std::string(Part::IdOf(item)), item);
            Part::Keep(own, &kept);
          }
          for (const Item& item : Part::ListOf(put)) {
            const absl::string_view id = Part::IdOf(item);
            if (within(id)) stood.emplace(std::string(id), std::nullopt);
          }
          return absl::OkStatus();
        }));
  }
  if (stood.empty()) return absl::OkStatus();
  Changes<Item> changes;
  changes.reserve(stood.size());
  for (const auto& [id, item] : stood)
    changes.emplace_back(absl::string_view(id), item.has_value() ? &*item : nullptr);
  std::vector<Item>& list = Part::ListOf(*items);
  list = Merged(std::move(list), absl::MakeConstSpan(changes), Part::IdOf);
  Part::Keep(kept, items);
  Part::Mixed(items);
  return absl::OkStatus();
}

template <typename Part>
absl::Status HeadReader::Visit(const Opened& opened, const Place& place,
                               absl::FunctionRef<absl::StatusOr<bool>(typename Part::Items&)> visit,
                               SpendWork spend) const {
  const ReadRecordPart read = [this](Position position, uint64_t offset, uint64_t size) {
    return log_.ReadBytes(position, offset, size);
  };
  HeadBlockWalk walk(*opened.snapshot, Part::Keys(opened.budget), opened.mark);
  FISCAL_RETURN_IF_ERROR(walk.Seek(place.after));
  std::string after(place.after);
  size_t window = std::max<size_t>(place.count, 1);
  for (bool end = false; !end;) {
    typename Part::Items items;
    auto& list = Part::ListOf(items);
    while (!end && list.size() < window) {
      FISCAL_ASSIGN_OR_RETURN(const std::optional<std::string> value, walk.Next());
      end = !value.has_value();
      if (end) break;
      const size_t before = list.size();
      FISCAL_RETURN_IF_ERROR(Part::Append(read, *value, &items));
      FISCAL_RETURN_IF_ERROR(spend(kBlockUnits + list.size() - before));
    }
    const std::string until(end || list.empty() ? "" : Part::IdOf(list.back()));
    DropUpTo<Part>(after, &list);
    // Else all of these lie before the place.
    if (end || absl::string_view(until) > absl::string_view(after)) {
      if (opened.base > opened.meta.revision)
        FISCAL_RETURN_IF_ERROR(Undo<Part>(opened, after, until, &items, spend));
      if (!list.empty()) {
        FISCAL_ASSIGN_OR_RETURN(const bool more, visit(items));
        if (!more) return absl::OkStatus();
      }
      after = until;
    }
    window = window > SIZE_MAX / kWindowGrowth ? SIZE_MAX : window * kWindowGrowth;
  }
  return absl::OkStatus();
}

absl::StatusOr<StatementMeta> HeadReader::VisitLines(
    const BudgetKey& budget, const Place& place,
    absl::FunctionRef<absl::StatusOr<bool>(const std::vector<Line>&)> visit,
    SpendWork spend) const {
  FISCAL_ASSIGN_OR_RETURN(Opened opened, Open(budget, place.revision));
  FISCAL_RETURN_IF_ERROR(Visit<LinesPart>(
      opened, place, [&](LineSet& set) { return visit(set.lines); }, spend));
  return std::move(opened.meta);
}

absl::StatusOr<StatementMeta> HeadReader::VisitProjects(
    const BudgetKey& budget, const Place& place,
    absl::FunctionRef<absl::StatusOr<bool>(const std::vector<ProjectEntry>&)> visit,
    SpendWork spend) const {
  FISCAL_ASSIGN_OR_RETURN(Opened opened, Open(budget, place.revision));
  FISCAL_RETURN_IF_ERROR(Visit<ProjectsPart>(
      opened, place, [&](std::vector<ProjectEntry>& projects) { return visit(projects); }, spend));
  return std::move(opened.meta);
}

absl::StatusOr<HeadReader::Statement> HeadReader::Read(const BudgetKey& budget, uint64_t revision,
                                                       SpendWork spend) const {
  FISCAL_ASSIGN_OR_RETURN(Opened opened, Open(budget, revision));
  Statement s;
  // All at once.
  const Place whole{revision, "", SIZE_MAX};
  FISCAL_RETURN_IF_ERROR(Visit<LinesPart>(
      opened, whole,
      [&](LineSet& set) -> absl::StatusOr<bool> {
        s.lines = std::move(set);
        return true;
      },
      spend));
  FISCAL_RETURN_IF_ERROR(Visit<ProjectsPart>(
      opened, whole,
      [&](std::vector<ProjectEntry>& projects) -> absl::StatusOr<bool> {
        s.projects = std::move(projects);
        return true;
      },
      spend));
  s.meta = std::move(opened.meta);
  return s;
}

absl::StatusOr<HeadReader::Statement> HeadReader::FromLog(const BudgetKey& budget,
                                                          uint64_t revision,
                                                          SpendWork spend) const {
  Statement out;
  std::map<absl::string_view, Line> lines;
  std::map<std::string, ProjectEntry> projects;
  for (uint64_t r = 1; r <= revision; ++r) {
    FISCAL_RETURN_IF_ERROR(spend(kEventUnits));
    FISCAL_ASSIGN_OR_RETURN(const std::string position, kv_.Get(RevisionKey(budget, r)));
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log_.Read(Position(ByteReader(position).U64())));
    FISCAL_ASSIGN_OR_RETURN(domain::Event event, DecodeRecord(entry.record));
    const domain::StatementEvent& said = event.statement;
    FISCAL_RETURN_IF_ERROR(spend(said.put.lines.size() + said.removed.lines.size()));
    out.meta = said.meta;
    out.lines.Keep(said.put);
    for (const Line& line : said.removed.lines) lines.erase(line.line_id);
    for (const Line& line : said.put.lines) lines[line.line_id] = line;
    for (const ProjectEntry& p : said.projects_removed) projects.erase(p.code);
    for (const ProjectEntry& p : said.projects_put) projects[p.code] = p;
  }
  for (const auto& [id, line] : lines) out.lines.lines.push_back(line);
  for (auto& [code, project] : projects) out.projects.push_back(std::move(project));
  return out;
}

absl::StatusOr<HeadReader::Statement> HeadReader::Standing(const BudgetKey& budget,
                                                           uint64_t revision,
                                                           SpendWork spend) const {
  return absl::IsNotFound(kv_.Get(HeadKey(budget)).status()) ? FromLog(budget, revision, spend)
                                                             : Read(budget, revision, spend);
}

absl::StatusOr<std::vector<StatementMeta>> HeadReader::List(domain::Code division,
                                                            const std::string& after,
                                                            size_t limit) const {
  KeyRange range = HeadsOf(division);
  if (!after.empty()) range.lower = std::max(range.lower, FromToken(after));
  std::vector<StatementMeta> metas;
  std::unique_ptr<KvIterator> it = kv_.NewIterator(range.lower, range.upper);
  for (it->Seek(range.lower); it->Valid() && metas.size() < limit; it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(StatementMeta meta, DecodeMeta(it->value()));
    metas.push_back(std::move(meta));
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return metas;
}

std::string HeadReader::AfterKey(const BudgetKey& budget) {
  return ToToken(Successor(HeadKey(budget)));
}

}  // namespace fiscal::storage
