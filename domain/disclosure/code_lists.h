// The classifications that ship, as names and codes: documents are read against them where there is
// no catalog. Lists of a year: those of 2024, with older names as aliases.
#ifndef FISCAL_DOMAIN_DISCLOSURE_CODE_LISTS_H_
#define FISCAL_DOMAIN_DISCLOSURE_CODE_LISTS_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::disclosure {

class CodeList {
 public:
  struct Entry {
    std::string code, name;
    // Folded, the name first.
    std::vector<std::string> names;
  };

  void Add(std::string code, std::string name, const std::vector<std::string>& aliases);
  // nullptr where there is none.
  const Entry* Find(absl::string_view code) const;
  // Codes with that folded name and so many digits (0: any).
  std::vector<std::string> Named(const std::string& folded, size_t digits) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> by_code_;
  std::unordered_multimap<std::string, size_t> by_name_;
};

struct CodeLists {
  CodeList functional, dept_economic, gov_economic;
};

// Parsed once.
const CodeLists& ShippedLists();

// The 30 类 in the order statutory forms print them.
const std::vector<std::string>& StatutoryClasses();

// True when a folded name is the code's name or an alias of it.
bool SameName(const CodeList& list, absl::string_view code, const std::string& a,
              const std::string& b);

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_CODE_LISTS_H_
