#include "services/ledger/compare/digests.h"

#include <algorithm>
#include <map>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "services/ledger/answer/statuses.h"
#include "storage/cell_codec.h"

namespace fiscal::services {
namespace {

using domain::BudgetKey;
using domain::CellTable;
using domain::Code;
using domain::Position;
using domain::Stage;

absl::string_view StageName(Stage stage) {
  static constexpr absl::string_view kNames[] = {
      "", "REQUESTED", "REVIEWED", "APPROVED", "EXECUTED", "FINAL", "ADJUSTMENT", "REALLOCATION"};
  return kNames[static_cast<size_t>(stage)];
}

std::string CellText(const CellTable& table, const domain::CellKey& key) {
  domain::Attributes a;
  domain::Attributes::Unpack(key.attributes, &a);
  std::string text;
  auto add = [&](absl::string_view name, absl::string_view value) {
    if (!value.empty() && value != "0")
      absl::StrAppend(&text, text.empty() ? "" : " ", name, "=", value);
  };
  add("functional", domain::FormatCode(key.functional));
  add("revenue", domain::FormatCode(key.revenue));
  add("dept_economic", domain::FormatCode(key.dept_economic));
  add("gov_economic", domain::FormatCode(key.gov_economic));
  add("receiving_division", domain::FormatCode(key.receiving_division));
  add("project", table.CodeOf(key));
  add("direction", absl::StrCat(static_cast<int>(a.direction)));
  add("fund", absl::StrCat(static_cast<int>(a.fund)));
  add("category", absl::StrCat(static_cast<int>(a.category)));
  add("funding_year", absl::StrCat(static_cast<int>(a.funding_year)));
  add("analysis", absl::StrCat(static_cast<int>(a.analysis)));
  add("procurement", absl::StrCat(static_cast<int>(a.procurement)));
  return text;
}

// An agency's leaf cells at a position: what was written, and what was posted since.
class Leaves {
 public:
  static absl::StatusOr<Leaves> At(const Projector& projector, Position position, Work& work) {
    Leaves leaves(projector, std::min(position, projector.written()));
    std::vector<Projector::Delivered> postings;
    for (Position at = leaves.stored_; at < position;) {
      FISCAL_ASSIGN_OR_RETURN(
          at, projector.ReadPostings(
                  at, position, 256, [](const domain::Posting&) { return true; }, &postings));
      FISCAL_RETURN_IF_ERROR(work.Spend(256));
    }
    for (Projector::Delivered& d : postings)
      leaves.since_[d.posting->key].push_back(std::move(d.posting));
    return leaves;
  }

  absl::Status Read(const BudgetKey& key, domain::LeafCells* cells, Work& work) const {
    FISCAL_ASSIGN_OR_RETURN(const uint64_t read,
                            projector_.store().LoadLeaves(key, stored_, cells));
    const auto since = since_.find(key);
    if (since != since_.end()) {
      for (const auto& posting : since->second) cells->Add(posting->cells);
    }
    // Sorted, encoded and hashed as well.
    return work.Spend(Work::kSeek + read + 4 * cells->size());
  }

 private:
  Leaves(const Projector& projector, Position stored) : projector_(projector), stored_(stored) {}

  const Projector& projector_;
  Position stored_;
  std::map<BudgetKey, Projector::Postings> since_;
};

Digest DigestOfEntries(const std::vector<DigestEntry>& entries) {
  std::string bytes;
  for (const DigestEntry& entry : entries) {
    PutString(&bytes, entry.key);
    bytes.append(BytesOf(entry.digest).data(), entry.digest.size());
  }
  return Sha256({bytes});
}

absl::StatusOr<Digest> AgencyDigest(const Leaves& leaves, const BudgetKey& key,
                                    const domain::StatementStatus& status, Work& work) {
  domain::LeafCells cells;
  FISCAL_RETURN_IF_ERROR(leaves.Read(key, &cells, work));
  std::string head;
  PutVarint(&head, status.revision);
  PutU8(&head,
        static_cast<uint8_t>(status.certified | status.withdrawn << 1 | status.control << 2));
  PutString(&head, status.department);
  return Sha256({head, storage::EncodeCells(cells.Table())});
}

}  // namespace

Digest RootOf(const std::vector<DigestEntry>& entries) { return DigestOfEntries(entries); }

absl::StatusOr<std::vector<DigestEntry>> DigestsAt(const Projector& projector,
                                                   const DigestPlace& place,
                                                   const std::vector<Code>& divisions,
                                                   Position position, Work& work) {
  FISCAL_ASSIGN_OR_RETURN(const Leaves leaves, Leaves::At(projector, position, work));
  std::vector<DigestEntry> out;
  if (!place.agency.empty()) {
    domain::LeafCells cells;
    FISCAL_RETURN_IF_ERROR(
        leaves.Read({place.division, place.year, place.stage, place.agency}, &cells, work));
    const CellTable table = cells.Table();
    for (const CellTable::Item& item : table.items) {
      DigestEntry entry;
      entry.key = CellText(table, item.key);
      entry.value = item.value;
      std::string bytes;
      PutWide(&bytes, item.value.amount_fen);
      for (int64_t n : item.value.counts) PutSigned(&bytes, n);
      entry.digest = Sha256({bytes});
      out.push_back(std::move(entry));
    }
    std::sort(out.begin(), out.end(),
              [](const DigestEntry& a, const DigestEntry& b) { return a.key < b.key; });
    return out;
  }
  std::vector<Code> wanted = divisions;
  if (place.division != 0) {
    wanted = {place.division};
    if (!divisions.empty() &&
        std::find(divisions.begin(), divisions.end(), place.division) == divisions.end())
      return out;
  }
  // Year 0 asks for all of them; divisions are then told apart below.
  FISCAL_ASSIGN_OR_RETURN(
      const Statuses statuses,
      StatusesAt(projector, place.year, place.stage, place.year == 0 ? std::vector<Code>() : wanted,
                 position, work));
  // year and stage, division, agency
  std::map<std::pair<uint16_t, Stage>, std::map<Code, std::vector<DigestEntry>>> tree;
  const absl::flat_hash_set<Code> among(wanted.begin(), wanted.end());
  FISCAL_RETURN_IF_ERROR(work.Expect(statuses.size() * Work::kSeek));
  for (const auto& [key, status] : statuses) {
    if (!among.empty() && !among.contains(key.division)) continue;
    DigestEntry entry;
    entry.key = key.agency;
    FISCAL_ASSIGN_OR_RETURN(entry.digest, AgencyDigest(leaves, key, status, work));
    tree[{key.year, key.stage}][key.division].push_back(std::move(entry));
  }
  for (auto& [when, by_division] : tree) {
    std::vector<DigestEntry> level;
    for (auto& [division, agencies] : by_division) {
      if (place.division != 0) return std::move(agencies);
      DigestEntry entry;
      entry.key = domain::FormatCode(division);
      entry.digest = DigestOfEntries(agencies);
      level.push_back(std::move(entry));
    }
    if (place.year != 0) return level;
    DigestEntry entry;
    entry.key = absl::StrCat(when.first, " ", StageName(when.second));
    entry.year = when.first;
    entry.stage = when.second;
    entry.digest = DigestOfEntries(level);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace fiscal::services
