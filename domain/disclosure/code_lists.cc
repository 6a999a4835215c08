#include "domain/disclosure/code_lists.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/csv.h"
#include "domain/data/shipped.h"
#include "domain/disclosure/names.h"

namespace fiscal::disclosure {
namespace {

void Load(absl::string_view file, CodeList* list) {
  const auto rows = ParseCsv(domain::ShippedFile(file));
  FISCAL_CHECK(rows.ok() && rows->size() > 1, "a shipped list is unsound");
  size_t aliases = (*rows)[0].cells.size();
  for (size_t i = 0; i < (*rows)[0].cells.size(); ++i) {
    if ((*rows)[0].cells[i] == "aliases") aliases = i;
  }
  for (size_t i = 1; i < rows->size(); ++i) {
    const std::vector<std::string>& c = (*rows)[i].cells;
    std::vector<std::string> others;
    if (aliases < c.size()) others = absl::StrSplit(c[aliases], ';', absl::SkipEmpty());
    list->Add(c[0], c[1], others);
  }
}

}  // namespace

void CodeList::Add(std::string code, std::string name, const std::vector<std::string>& aliases) {
  Entry entry;
  entry.names.push_back(FoldName(name));
  for (const std::string& alias : aliases) entry.names.push_back(FoldName(alias));
  by_code_.emplace(code, entries_.size());
  for (const std::string& n : entry.names) by_name_.emplace(n, entries_.size());
  entry.code = std::move(code);
  entry.name = std::move(name);
  entries_.push_back(std::move(entry));
}

const CodeList::Entry* CodeList::Find(absl::string_view code) const {
  auto it = by_code_.find(std::string(code));
  return it == by_code_.end() ? nullptr : &entries_[it->second];
}

std::vector<std::string> CodeList::Named(const std::string& folded, size_t digits) const {
  std::vector<std::string> codes;
  auto [from, to] = by_name_.equal_range(folded);
  for (auto it = from; it != to; ++it) {
    const std::string& code = entries_[it->second].code;
    if (digits == 0 || code.size() == digits) codes.push_back(code);
  }
  std::sort(codes.begin(), codes.end());
  return codes;
}

const CodeLists& ShippedLists() {
  static const auto* const lists = [] {
    auto* out = new CodeLists();
    Load("functional.csv", &out->functional);
    Load("dept_economic.csv", &out->dept_economic);
    Load("gov_economic.csv", &out->gov_economic);
    return out;
  }();
  return *lists;
}

const std::vector<std::string>& StatutoryClasses() {
  static const auto* const classes = new std::vector<std::string>{
      "201", "202", "203", "204", "205", "206", "207", "208", "209", "210",
      "211", "212", "213", "214", "215", "216", "217", "219", "220", "221",
      "222", "223", "224", "227", "229", "230", "231", "232", "233", "234"};
  return *classes;
}

bool SameName(const CodeList& list, absl::string_view code, const std::string& a,
              const std::string& b) {
  if (a == b) return true;
  const CodeList::Entry* entry = list.Find(code);
  if (entry == nullptr) return false;
  auto known = [entry](const std::string& name) {
    return std::find(entry->names.begin(), entry->names.end(), name) != entry->names.end();
  };
  return known(a) && known(b);
}

}  // namespace fiscal::disclosure
