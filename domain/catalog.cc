#include "domain/catalog.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "domain/shapes.h"

namespace fiscal::domain {
namespace {

bool IsClassification(CatalogList list) {
  return list >= CatalogList::kFunctional && list <= CatalogList::kGovEconomic;
}

// Divisions are one list per year, whichever division's import brought them.
ListKey KeyOf(const CatalogEvent& event) {
  return {event.list == CatalogList::kDivision ? 0 : event.division, event.year, event.list};
}

bool IsDate(absl::string_view s) {
  if (s.size() != 10 || s[4] != '-' || s[7] != '-') return false;
  for (size_t i = 0; i < s.size(); ++i) {
    if (i != 4 && i != 7 && (s[i] < '0' || s[i] > '9')) return false;
  }
  absl::CivilDay day;
  return absl::ParseCivilTime(s, &day);
}

int MaxLevel(CatalogList list) {
  switch (list) {
    case CatalogList::kFunctional:
      return 3;
    case CatalogList::kRevenue:
      return 4;
    default:
      return 2;
  }
}

// Levels of divisions below the top; a chain of parents that is longer has no end.
constexpr int kDivisionChainMax = 8;

// Checks an import entry by entry.
class EntriesCheck {
 public:
  // `existing`: what the list has already; null when it has nothing.
  EntriesCheck(const Catalog& catalog, const CatalogEvent& event, const Catalog::Entries* existing)
      : catalog_(catalog), event_(event), existing_(existing) {
    for (const CatalogEntry& e : event.entries) codes_.insert(e.code);
  }

  std::vector<Violation> Run() {
    absl::flat_hash_set<absl::string_view> seen;
    for (at_ = 0; at_ < event_.entries.size(); ++at_) {
      const CatalogEntry& e = event_.entries[at_];
      if (!seen.insert(e.code).second) {
        Add(Reason::kDuplicateCode, "code",
            {absl::StrCat("code ", e.code, " stands twice in the list"),
             absl::StrCat("编码", e.code, "在列表中出现了两次")});
      }
      if (e.name.empty())
        Add(Reason::kRequiredFieldMissing, "name", {"a name is required", "名称必填"});
      if (event_.list == CatalogList::kFunctionalCrosswalk) {
        CheckCrosswalk(e);
      } else if (IsClassification(event_.list)) {
        CheckClassification(e);
      } else if (event_.list == CatalogList::kDivision) {
        CheckDivision(e);
      } else {
        CheckAgency(e);
      }
    }
    if (event_.list == CatalogList::kAgency &&
        catalog_.FindDivision(event_.division, event_.year) == nullptr) {
      out_.push_back(
          {Reason::kDivisionUnknown, "division_code", "",
           Sentence{absl::StrCat("division ", event_.division, " is not in the catalog of ",
                                 event_.year),
                    absl::StrCat("区划", event_.division, "不在", event_.year, "年目录中")}});
    }
    if (event_.list == CatalogList::kDivision && out_.empty()) CheckChains();
    return std::move(out_);
  }

 private:
  void Add(Reason reason, absl::string_view field, Sentence message) {
    if (out_.size() >= kViolationsMax) return;
    out_.push_back({reason, absl::StrCat("entries[", at_, "].", field), "", std::move(message)});
  }
  bool Known(absl::string_view code) const {
    return codes_.contains(code) ||
           (existing_ != nullptr && existing_->find(code) != existing_->end());
  }
  void AddUnknownParent(absl::string_view parent) {
    Add(Reason::kParentUnknown, "parent_code",
        {absl::StrCat("parent ", parent, " is in no list"),
         absl::StrCat("上级", parent, "不在任何列表中")});
  }

  void CheckCrosswalk(const CatalogEntry& e) {
    const int level = LevelOf(ParseCode(e.code));
    if (level == 0 || level > 3) {
      Add(Reason::kCodeMalformed, "code",
          {absl::StrCat("\"", e.code, "\" is no functional code"),
           absl::StrCat("“", e.code, "”不是功能分类科目")});
    }
    const Code to = ParseCode(e.parent_code);
    if (LevelOf(to) == 0 || LevelOf(to) > 3) {
      Add(Reason::kCodeMalformed, "parent_code",
          {absl::StrCat("\"", e.parent_code, "\" is no functional code"),
           absl::StrCat("“", e.parent_code, "”不是功能分类科目")});
      return;
    }
    const auto lists = catalog_.ListsFor(event_.division, event_.year, CatalogList::kFunctional);
    if (Catalog::Find(lists, to) == nullptr) {
      Add(Reason::kParentUnknown, "parent_code",
          {absl::StrCat("functional code ", to, " is not in the catalog of ", event_.year),
           absl::StrCat("功能分类科目", to, "不在", event_.year, "年目录中")});
    }
  }

  void CheckClassification(const CatalogEntry& e) {
    const Code code = ParseCode(e.code);
    const int level = LevelOf(code);
    if (level == 0 || level > MaxLevel(event_.list)) {
      Add(Reason::kCodeMalformed, "code",
          {absl::StrCat("\"", e.code,
                        "\" is no code of this list: 3 digits, then 2 more for each level"),
           absl::StrCat("“", e.code, "”不是该列表的编码：首级3位，每级加2位")});
      return;
    }
    const std::string parent = level == 1 ? "" : FormatCode(code / 100);
    if (e.parent_code != parent) {
      Add(Reason::kCodeMalformed, "parent_code",
          {absl::StrCat("the parent of ", e.code, " is \"", parent, "\", not \"", e.parent_code,
                        "\""),
           absl::StrCat(e.code, "的上级是“", parent, "”，而不是“", e.parent_code, "”")});
    } else if (!parent.empty() && !Known(parent)) {
      AddUnknownParent(parent);
    }
  }

  void CheckDivision(const CatalogEntry& e) {
    if (!IsDivision(ParseCode(e.code))) {
      Add(Reason::kCodeMalformed, "code",
          {absl::StrCat("\"", e.code, "\" is no division code of 6 digits"),
           absl::StrCat("“", e.code, "”不是6位区划代码")});
    } else if (!e.parent_code.empty() && !Known(e.parent_code)) {
      AddUnknownParent(e.parent_code);
    } else if (e.parent_code == e.code) {
      Add(Reason::kCodeMalformed, "parent_code",
          {absl::StrCat("division ", e.code, " is not above itself"),
           absl::StrCat("区划", e.code, "不能是自身的上级")});
    }
  }

  void CheckAgency(const CatalogEntry& e) {
    if (!IsUnitCode(e.code)) Add(Reason::kCodeMalformed, "code", kAgencyCodeShape.Not(e.code));
    if (!IsUnitCode(e.department_code))
      Add(Reason::kCodeMalformed, "department_code", kDepartmentCodeShape.Not(e.department_code));
    const bool from = CheckDate(e.valid_from, "valid_from"), to = CheckDate(e.valid_to, "valid_to");
    if (from && to && e.valid_to < e.valid_from) {
      Add(Reason::kCodeMalformed, "valid_to",
          {absl::StrCat(e.valid_to, " is before valid_from, ", e.valid_from),
           absl::StrCat("终止日期", e.valid_to, "早于起始日期", e.valid_from)});
    }
  }

  // True when there is one and it is good.
  bool CheckDate(const std::string& text, absl::string_view field) {
    if (text.empty()) return false;
    if (IsDate(text)) return true;
    Add(Reason::kCodeMalformed, field,
        {absl::StrCat("\"", text, "\" is no day of the calendar, YYYY-MM-DD"),
         absl::StrCat("“", text, "”不是有效日期，格式为YYYY-MM-DD")});
    return false;
  }

  // No cycles: following parents through the merged list must end.
  void CheckChains() {
    auto merged = existing_ == nullptr ? Catalog::Entries() : *existing_;
    for (const CatalogEntry& e : event_.entries) merged[e.code] = e;
    for (at_ = 0; at_ < event_.entries.size(); ++at_) {
      absl::string_view code = event_.entries[at_].code;
      int steps = 0;
      while (!code.empty() && steps <= kDivisionChainMax) {
        auto it = merged.find(code);
        code = it == merged.end() ? absl::string_view() : absl::string_view(it->second.parent_code);
        ++steps;
      }
      if (steps <= kDivisionChainMax) continue;
      Add(Reason::kCodeMalformed, "parent_code",
          {"divisions above it never end or are more than 7", "上级区划形成循环或超过7级"});
      return;
    }
  }

  const Catalog& catalog_;
  const CatalogEvent& event_;
  const Catalog::Entries* const existing_;
  absl::flat_hash_set<absl::string_view> codes_;
  // The entry that is looked at.
  size_t at_ = 0;
  std::vector<Violation> out_;
};

}  // namespace

std::vector<Violation> Catalog::Check(const CatalogEvent& event) const {
  const auto existing = lists_.find(KeyOf(event));
  return EntriesCheck(*this, event, existing == lists_.end() ? nullptr : existing->second.get())
      .Run();
}

Catalog::Difference Catalog::Diff(const CatalogEvent& event, CatalogEvent* changed) const {
  Difference d;
  changed->division = event.division;
  changed->year = event.year;
  changed->list = event.list;
  changed->entries.clear();
  const auto existing = lists_.find(KeyOf(event));
  for (const CatalogEntry& e : event.entries) {
    if (existing != lists_.end()) {
      auto it = existing->second->find(e.code);
      if (it != existing->second->end()) {
        if (it->second == e) {
          ++d.unchanged;
          continue;
        }
        ++d.changed;
        changed->entries.push_back(e);
        continue;
      }
    }
    ++d.added;
    changed->entries.push_back(e);
  }
  return d;
}

std::shared_ptr<const Catalog> Catalog::With(const CatalogEvent& event, Position position) const {
  auto next = std::make_shared<Catalog>(*this);
  next->position_ = position;
  const ListKey key = KeyOf(event);
  const auto existing = lists_.find(key);
  auto entries = existing == lists_.end() ? std::make_shared<Entries>()
                                          : std::make_shared<Entries>(*existing->second);
  for (const CatalogEntry& e : event.entries) (*entries)[e.code] = e;
  if (IsClassification(event.list) || event.list == CatalogList::kFunctionalCrosswalk) {
    // The map points into `entries`, which the deleter keeps alive with it.
    auto* numbers = new CodeNames();
    for (const auto& [code, entry] : *entries) numbers->emplace(ParseCode(code), &entry);
    std::shared_ptr<const Entries> keep = entries;
    next->numbers_[key] =
        std::shared_ptr<const CodeNames>(numbers, [keep](const CodeNames* n) { delete n; });
  } else if (event.list == CatalogList::kDivision) {
    auto children = std::make_shared<Children>();
    for (const auto& [code, entry] : *entries)
      (*children)[ParseCode(entry.parent_code)].push_back(ParseCode(code));
    next->children_[event.year] = std::move(children);
  } else if (event.list == CatalogList::kAgency) {
    auto departments = std::make_shared<std::map<std::string, size_t, std::less<>>>();
    for (const auto& [code, entry] : *entries) ++(*departments)[entry.department_code];
    next->departments_[key] = std::move(departments);
  }
  next->lists_[key] = std::move(entries);
  return next;
}

const Catalog::Entries* Catalog::DivisionsOf(uint16_t year) const {
  auto it = lists_.find({0, year, CatalogList::kDivision});
  return it == lists_.end() ? nullptr : it->second.get();
}

const CatalogEntry* Catalog::FindDivision(Code division, uint16_t year) const {
  const Entries* divisions = DivisionsOf(year);
  if (divisions == nullptr) return nullptr;
  auto it = divisions->find(FormatCode(division));
  return it == divisions->end() ? nullptr : &it->second;
}

Code Catalog::ParentOf(Code division, uint16_t year) const {
  const CatalogEntry* entry = FindDivision(division, year);
  return entry == nullptr ? 0 : ParseCode(entry->parent_code);
}

const std::vector<Code>& Catalog::ChildrenOf(Code division, uint16_t year) const {
  static const auto* none = new std::vector<Code>();
  const auto of_year = children_.find(year);
  if (of_year == children_.end()) return *none;
  const auto it = of_year->second->find(division);
  return it == of_year->second->end() ? *none : it->second;
}

std::vector<Code> Catalog::SubtreeOf(Code division, uint16_t year) const {
  std::vector<Code> divisions = {division};
  for (size_t i = 0; i < divisions.size(); ++i) {
    const std::vector<Code>& children = ChildrenOf(divisions[i], year);
    divisions.insert(divisions.end(), children.begin(), children.end());
  }
  return divisions;
}

std::vector<Code> Catalog::ChainOf(Code division, uint16_t year) const {
  std::vector<Code> chain;
  for (Code d = division; d != 0 && chain.size() < 8; d = ParentOf(d, year)) chain.push_back(d);
  return chain;
}

const Catalog::Entries* Catalog::AgenciesOf(Code division, uint16_t year) const {
  auto it = lists_.find({division, year, CatalogList::kAgency});
  return it == lists_.end() ? nullptr : it->second.get();
}

const CatalogEntry* Catalog::FindAgency(Code division, uint16_t year,
                                        absl::string_view code) const {
  const Entries* agencies = AgenciesOf(division, year);
  if (agencies == nullptr) return nullptr;
  auto it = agencies->find(code);
  return it == agencies->end() ? nullptr : &it->second;
}

bool Catalog::HasDepartment(Code division, uint16_t year, absl::string_view department) const {
  auto it = departments_.find({division, year, CatalogList::kAgency});
  return it != departments_.end() && it->second->find(department) != it->second->end();
}

std::vector<std::shared_ptr<const Catalog::CodeNames>> Catalog::ListsFor(Code division,
                                                                         uint16_t year,
                                                                         CatalogList list) const {
  std::vector<std::shared_ptr<const CodeNames>> out;
  for (Code d : ChainOf(division, year)) {
    auto it = numbers_.find({d, year, list});
    if (it != numbers_.end()) out.push_back(it->second);
  }
  return out;
}

const CatalogEntry* Catalog::Find(const std::vector<std::shared_ptr<const CodeNames>>& lists,
                                  Code code) {
  for (const auto& list : lists) {
    auto it = list->find(code);
    if (it != list->end()) return it->second;
  }
  return nullptr;
}

Code Catalog::Crosswalk(Code division, uint16_t from, uint16_t to, Code functional) const {
  for (uint16_t year = from + 1; year <= to; ++year) {
    const CatalogEntry* became =
        Find(ListsFor(division, year, CatalogList::kFunctionalCrosswalk), functional);
    if (became != nullptr) {
      functional = ParseCode(became->parent_code);
    } else if (Find(ListsFor(division, year, CatalogList::kFunctional), functional) == nullptr) {
      return 0;
    }
  }
  return functional;
}

absl::string_view Catalog::NameOf(Code division, uint16_t year, CatalogList list, Code code) const {
  const CatalogEntry* entry = Find(ListsFor(division, year, list), code);
  return entry == nullptr ? absl::string_view() : absl::string_view(entry->name);
}

}  // namespace fiscal::domain
