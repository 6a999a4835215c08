// The codes a generated budget may use: a table of its own, so that a fault in a shipped list
// cannot hide here.
#ifndef FISCAL_TESTS_CORPUS_CODES_H_
#define FISCAL_TESTS_CORPUS_CODES_H_

#include <string>
#include <vector>

namespace fiscal::corpus {

struct Named {
  const char* code;
  const char* name;
};

// The 30 类 of the statutory form, in printed order.
const std::vector<Named>& Classes();
// 项 of general money that projects may stand under; their 款 and 类 have names too.
const std::vector<Named>& ProjectItems();
const std::vector<Named>& FundItems();   // 政府性基金
const std::vector<Named>& StateItems();  // 国有资本经营
const std::vector<Named>& FundRevenues();
const std::vector<Named>& StateRevenues();
// The name of any functional code above, of 类, 款 or 项. REQUIRES: the code is known.
std::string FunctionalName(const std::string& code);

// What a department does: the 项 of its administration, its general affairs, its institutions, its
// other business.
struct Theme {
  const char* agency;
  const char* administration;
  const char* affairs;
  const char* institution;
  const char* other;
};
const std::vector<Theme>& Themes();

// A 款 of the departments' economic list with the 款 of the governments' list beside it.
struct Economic {
  const char* code;
  const char* name;
  const char* government;              // of an administration
  const char* government_institution;  // of an institution
};
const std::vector<Economic>& Economics();
const Economic& EconomicOf(const std::string& code);
std::string EconomicClassName(const std::string& code3);

// 一、 二、 … 三十
std::string Ordinal(int number);

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_CODES_H_
