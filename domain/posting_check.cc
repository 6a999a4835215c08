#include "domain/posting_check.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "domain/fen.h"
#include "domain/shapes.h"
#include "domain/submission.h"

namespace fiscal::domain {
namespace {

constexpr uint64_t kRevisionMax = uint64_t{1} << 40;
// Put and removed: a revision may replace all of them.
constexpr size_t kCellsMax = 2 * kStatementLinesMax;
constexpr size_t kProjectsMax = 2 * kStatementProjectsMax;

std::string KeyFault(const Posting& p) {
  if (!IsDivision(p.key.division))
    return absl::StrCat("division ", p.key.division, " has not 6 digits");
  if (!IsFiscalYear(p.key.year)) return absl::StrCat("year ", p.key.year, " is not 1949 to 2999");
  if (p.key.stage < Stage::kRequested || p.key.stage > Stage::kReallocation)
    return absl::StrCat("stage ", static_cast<int>(p.key.stage), " is none that is stated");
  if (!IsUnitCode(p.key.agency))
    return "the agency code has not 1 to 32 printable ASCII characters";
  if (!IsUnitCode(p.department))
    return "the department code has not 1 to 32 printable ASCII characters";
  if (p.scope != Scope::kOwn && p.scope != Scope::kDepartment) return "the scope is none";
  if (p.scope == Scope::kDepartment && p.department != p.key.agency)
    return "the statement of a whole department has not its code as agency";
  if (p.revision == 0 || p.revision > kRevisionMax)
    return absl::StrCat("revision ", p.revision, " is none");
  return "";
}

std::string CodesFault(const CellKey& key, const Attributes& a) {
  const bool income = a.direction == Direction::kIncome;
  const int functional = LevelOf(key.functional), revenue = LevelOf(key.revenue);
  if (key.functional != 0 && (functional < 1 || functional > 3))
    return absl::StrCat("functional code ", key.functional, " has not 3, 5 or 7 digits");
  if (key.revenue != 0 && revenue == 0)
    return absl::StrCat("revenue code ", key.revenue, " has not 3, 5, 7 or 9 digits");
  if (key.revenue != 0 && !income) return "a revenue code stands at what is no income";
  for (const Code code : {key.dept_economic, key.gov_economic}) {
    if (code == 0) continue;
    if (income) return "an economic code stands at income";
    if (LevelOf(code) < 1 || LevelOf(code) > 2)
      return absl::StrCat("economic code ", code, " has not 3 or 5 digits");
  }
  if (a.analysis == Analysis::kNone && key.functional == 0 && !(income && key.revenue != 0))
    return "a cell that counts has no functional code";
  if (key.receiving_division != 0 && !IsDivision(key.receiving_division))
    return absl::StrCat("receiving division ", key.receiving_division, " has not 6 digits");
  return "";
}

std::string CellFault(const CellTable::Item& item) {
  Attributes a;
  if (!Attributes::Unpack(item.key.attributes, &a)) return "its attributes are none";
  if (a.direction == Direction::kNone) return "its direction is none";
  if (a.direction == Direction::kIncome && a.category != Category::kNone)
    return "a category stands at income";
  if (a.direction == Direction::kIncome && a.procurement != Procurement::kNone)
    return "a kind of procurement stands at income";
  if (item.value.zero()) return "it is empty";
  return CodesFault(item.key, a);
}

std::string CellsFault(const CellTable& cells) {
  if (cells.items.size() > kCellsMax)
    return absl::StrCat(cells.items.size(), " cells are too many");
  if (cells.projects.size() > kProjectsMax)
    return absl::StrCat(cells.projects.size(), " projects are too many");
  for (size_t i = 0; i < cells.projects.size(); ++i) {
    const CellProject& p = cells.projects[i];
    if (!IsItemId(p.code))
      return absl::StrCat("the code of project ", i,
                          " has not 1 to 64 characters without controls");
    if (p.state == CellProject::kNamed &&
        (p.name.empty() || !IsText(p.name, kNameCharactersMax, true)))
      return absl::StrCat("the name of project ", i,
                          " has not 1 to 200 characters without controls");
    if (i > 0 && !(cells.projects[i - 1].code < p.code)) return "its projects are not in order";
  }
  int64_t lines = 0;
  // Nothing is bounded over the history of a division, which an honest one would use up
  // (docs/adr/0011).
  Fen changed = 0;
  for (size_t i = 0; i < cells.items.size(); ++i) {
    const CellTable::Item& item = cells.items[i];
    if (i > 0 && !(cells.items[i - 1].key < item.key)) return "its cells are not in order";
    if (item.key.project > cells.projects.size())
      return absl::StrCat("cell ", i, " has no project");
    const std::string fault = CellFault(item);
    if (!fault.empty()) return absl::StrCat("cell ", i, ": ", fault);
    for (const int64_t n : item.value.counts) {
      // A count that is too large alone is not added up.
      if (n < -int64_t{kCellsMax} || n > int64_t{kCellsMax})
        return absl::StrCat("cell ", i, ": ", n, " lines are too many");
      lines += std::abs(n);
    }
    const Fen amount = item.value.amount_fen;
    changed += amount < -kPostingFenMax  ? Fen{kPostingFenMax} + 1
               : amount > kPostingFenMax ? Fen{kPostingFenMax} + 1
               : amount < 0              ? -amount
                                         : amount;
  }
  if (changed > kPostingFenMax) {
    return absl::StrCat("its amounts change by more than ", kPostingFenMax, " fen");
  }
  if (lines > static_cast<int64_t>(kCellsMax)) return absl::StrCat(lines, " lines are too many");
  return "";
}

}  // namespace

std::string PostingFault(const Posting& posting) {
  const std::string fault = KeyFault(posting);
  if (!fault.empty()) return fault;
  if (posting.control && !posting.cells.empty()) return "a statement that does not count has cells";
  return CellsFault(posting.cells);
}

std::string CatalogFault(const CatalogEvent& event) {
  if (event.list < CatalogList::kFunctional || event.list > CatalogList::kFunctionalCrosswalk)
    return "it is no list";
  if (!IsFiscalYear(event.year)) return absl::StrCat("year ", event.year, " is not 1949 to 2999");
  if (!IsDivision(event.division))
    return absl::StrCat("division ", event.division, " has not 6 digits");
  if (event.entries.size() > kCatalogEntriesMax)
    return absl::StrCat(event.entries.size(), " entries are too many");
  for (size_t i = 0; i < event.entries.size(); ++i) {
    const CatalogEntry& e = event.entries[i];
    auto in = [i](absl::string_view what) { return absl::StrCat("entry ", i, ": ", what); };
    if (!IsUnitCode(e.code)) return in("the code has not 1 to 32 printable ASCII characters");
    if (e.name.empty() || !IsText(e.name, kNameCharactersMax, false))
      return in("the name has not 1 to 200 characters without controls");
    for (const std::string* code :
         {&e.parent_code, &e.department_code, &e.valid_from, &e.valid_to}) {
      if (!code->empty() && !IsUnitCode(*code))
        return in("a code or a date has not at most 32 printable ASCII characters");
    }
    if (e.kind > AgencyKind::kInstitution) return in("its kind is none");
    for (const std::string& alias : e.aliases) {
      if (!IsText(alias, kNameCharactersMax, false))
        return in("an alias has not at most 200 characters without controls");
    }
  }
  return "";
}

}  // namespace fiscal::domain
