#include "domain/catalog.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

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
  const int month = (s[5] - '0') * 10 + (s[6] - '0'), day = (s[8] - '0') * 10 + (s[9] - '0');
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
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

}  // namespace

std::vector<Violation> Catalog::Check(const CatalogEvent& event) const {
  std::vector<Violation> out;
  auto add = [&](Reason reason, size_t i, absl::string_view field, std::string message) {
    if (out.size() < 100)
      out.push_back({reason, absl::StrCat("entries[", i, "].", field), "", std::move(message)});
  };
  const auto existing = lists_.find(KeyOf(event));
  absl::flat_hash_set<absl::string_view> codes;
  for (const CatalogEntry& e : event.entries) codes.insert(e.code);
  absl::flat_hash_set<absl::string_view> seen;
  auto known = [&](absl::string_view code) {
    return codes.contains(code) ||
           (existing != lists_.end() && existing->second->find(code) != existing->second->end());
  };
  for (size_t i = 0; i < event.entries.size(); ++i) {
    const CatalogEntry& e = event.entries[i];
    if (!seen.insert(e.code).second) {
      add(Reason::kDuplicateCode, i, "code",
          absl::StrCat("code ", e.code, " stands twice in the list"));
    }
    if (e.name.empty()) add(Reason::kRequiredFieldMissing, i, "name", "a name is required");
    if (event.list == CatalogList::kFunctionalCrosswalk) {
      const Code to = ParseCode(e.parent_code);
      if (LevelOf(ParseCode(e.code)) == 0 || LevelOf(ParseCode(e.code)) > 3)
        add(Reason::kCodeMalformed, i, "code",
            absl::StrCat("\"", e.code, "\" is no functional code"));
      if (LevelOf(to) == 0 || LevelOf(to) > 3) {
        add(Reason::kCodeMalformed, i, "parent_code",
            absl::StrCat("\"", e.parent_code, "\" is no functional code"));
      } else if (Find(ListsFor(event.division, event.year, CatalogList::kFunctional), to) ==
                 nullptr) {
        add(Reason::kParentUnknown, i, "parent_code",
            absl::StrCat("functional code ", to, " is not in the catalog of ", event.year));
      }
    } else if (IsClassification(event.list)) {
      const Code code = ParseCode(e.code);
      const int level = LevelOf(code);
      if (level == 0 || level > MaxLevel(event.list)) {
        add(Reason::kCodeMalformed, i, "code",
            absl::StrCat("\"", e.code,
                         "\" is no code of this list: 3 digits, then 2 more for each level"));
        continue;
      }
      const std::string parent = level == 1 ? "" : FormatCode(code / 100);
      if (e.parent_code != parent) {
        add(Reason::kCodeMalformed, i, "parent_code",
            absl::StrCat("the parent of ", e.code, " is \"", parent, "\", not \"", e.parent_code,
                         "\""));
      } else if (!parent.empty() && !known(parent)) {
        add(Reason::kParentUnknown, i, "parent_code",
            absl::StrCat("parent ", parent, " is in no list"));
      }
    } else if (event.list == CatalogList::kDivision) {
      if (e.code.size() != 6 || ParseCode(e.code) == 0) {
        add(Reason::kCodeMalformed, i, "code",
            absl::StrCat("\"", e.code, "\" is no division code of 6 digits"));
      } else if (!e.parent_code.empty() && !known(e.parent_code)) {
        add(Reason::kParentUnknown, i, "parent_code",
            absl::StrCat("parent ", e.parent_code, " is in no list"));
      } else if (e.parent_code == e.code) {
        add(Reason::kCodeMalformed, i, "parent_code", "a division is not above itself");
      }
    } else {
      if (e.code.empty() || e.code.size() > 32 || !IsIdentifier(e.code)) {
        add(Reason::kCodeMalformed, i, "code",
            "an agency code has 1 to 32 printable ASCII characters");
      }
      if (e.department_code.empty() || e.department_code.size() > 32 ||
          !IsIdentifier(e.department_code)) {
        add(Reason::kCodeMalformed, i, "department_code",
            "a department code has 1 to 32 printable ASCII characters");
      }
      if (!e.valid_from.empty() && !IsDate(e.valid_from)) {
        add(Reason::kCodeMalformed, i, "valid_from", "a date is YYYY-MM-DD");
      }
      if (!e.valid_to.empty() && !IsDate(e.valid_to)) {
        add(Reason::kCodeMalformed, i, "valid_to", "a date is YYYY-MM-DD");
      }
    }
  }
  if (event.list == CatalogList::kAgency && FindDivision(event.division, event.year) == nullptr) {
    out.push_back(
        {Reason::kDivisionUnknown, "division_code", "",
         absl::StrCat("division ", event.division, " is not in the catalog of ", event.year)});
  }
  if (event.list == CatalogList::kDivision && out.empty()) {
    // No cycles: following parents through the merged list must end.
    auto merged = existing == lists_.end() ? Entries() : *existing->second;
    for (const CatalogEntry& e : event.entries) merged[e.code] = e;
    for (size_t i = 0; i < event.entries.size(); ++i) {
      absl::string_view code = event.entries[i].code;
      int steps = 0;
      while (!code.empty() && steps <= 8) {
        auto it = merged.find(code);
        code = it == merged.end() ? absl::string_view() : absl::string_view(it->second.parent_code);
        ++steps;
      }
      if (steps > 8) {
        add(Reason::kCodeMalformed, i, "parent_code",
            "divisions above it never end or are more than 7");
        break;
      }
    }
  }
  return out;
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
