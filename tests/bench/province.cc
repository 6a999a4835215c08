#include "tests/bench/province.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/read/csv.h"

namespace fiscal::bench {
namespace {

namespace cat = fiscal::catalog::v1;
namespace pb = fiscal::budget::v1;

std::vector<cat::CatalogEntry> ReadList(const std::string& path, cat::CatalogList list) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  auto entries = cli::ReadEntries(text.str(), list);
  if (!file || !entries.ok()) {
    std::fprintf(stderr, "fiscal-bench: %s can't be read; run it in the root of the source tree\n",
                 path.c_str());
    std::exit(1);
  }
  return *std::move(entries);
}

uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

Province::Province(const std::string& source_dir) {
  const std::string data = source_dir + "/domain/data/";
  divisions_ = ReadList(data + "divisions.csv", cat::CATALOG_LIST_DIVISION);
  functional_ = ReadList(data + "functional.csv", cat::CATALOG_LIST_FUNCTIONAL);
  dept_ = ReadList(data + "dept_economic.csv", cat::CATALOG_LIST_DEPT_ECONOMIC);
  gov_ = ReadList(data + "gov_economic.csv", cat::CATALOG_LIST_GOV_ECONOMIC);
  for (const auto& e : functional_) {
    if (e.code().size() == 7) items_.push_back(e.code());
  }
  auto split = [](const std::vector<cat::CatalogEntry>& list, const char* first, const char* second,
                  std::vector<std::string>* a, std::vector<std::string>* b,
                  std::vector<std::string>* rest) {
    for (const auto& e : list) {
      if (e.code().size() != 5) continue;
      (absl::StartsWith(e.code(), first)    ? a
       : absl::StartsWith(e.code(), second) ? b
                                            : rest)
          ->push_back(e.code());
    }
  };
  split(dept_, "301", "302", &personnel_, &goods_, &other_);
  split(gov_, "501", "502", &gov_personnel_, &gov_goods_, &gov_other_);
  // Departments of five agencies, spread over all divisions.
  const size_t divisions = divisions_.size();
  for (int i = 0; i < kAgencies; ++i) {
    const size_t d = static_cast<size_t>(i) * divisions / kAgencies;
    const int k = i - static_cast<int>((d * kAgencies + divisions - 1) / divisions);
    Agency a;
    a.division = divisions_[d].code();
    a.department = absl::StrFormat("%03d", 101 + k / 5);
    a.code = absl::StrFormat("%s%03d", a.department, 1 + k % 5);
    agencies_.push_back(std::move(a));
  }
  for (uint32_t i = 0; i < kAgencies; ++i) {
    shuffled_.push_back(i);
    std::swap(shuffled_.back(), shuffled_[Mix(i) % (i + 1)]);
  }
}

std::vector<cat::ImportCatalogRequest> Province::Catalog(int year) const {
  std::vector<cat::ImportCatalogRequest> requests;
  auto add = [&](cat::CatalogList list, const std::string& division) {
    requests.emplace_back();
    requests.back().set_request_id(absl::StrCat("bench-catalog-", year, "-", requests.size()));
    requests.back().set_division_code(division);
    requests.back().set_fiscal_year(year);
    requests.back().set_list(list);
    return &requests.back();
  };
  auto whole = [&](cat::CatalogList list, const std::vector<cat::CatalogEntry>& entries) {
    cat::ImportCatalogRequest* r = add(list, divisions_[0].code());
    for (const auto& e : entries) *r->add_entries() = e;
  };
  whole(cat::CATALOG_LIST_DIVISION, divisions_);
  whole(cat::CATALOG_LIST_FUNCTIONAL, functional_);
  whole(cat::CATALOG_LIST_DEPT_ECONOMIC, dept_);
  whole(cat::CATALOG_LIST_GOV_ECONOMIC, gov_);
  cat::ImportCatalogRequest* r = nullptr;
  for (const Agency& a : agencies_) {
    if (r == nullptr || r->division_code() != a.division)
      r = add(cat::CATALOG_LIST_AGENCY, a.division);
    cat::CatalogEntry* e = r->add_entries();
    e->set_code(a.code);
    e->set_name(absl::StrCat("单位", a.code));
    e->set_department_code(a.department);
  }
  return requests;
}

uint64_t Province::Nth(uint64_t n, Arrival arrival) const {
  const uint64_t place = n % kAgencies;
  switch (arrival) {
    case Arrival::kByCounty:
      return n;
    case Arrival::kByStreams:
      return n - place + place % kStreams * (kAgencies / kStreams) + place / kStreams;
    case Arrival::kRandom:
      return n - place + shuffled_[place];
  }
  return n;
}

int Province::LinesOf(uint64_t n) {
  const uint64_t x = Mix(n * 3 + 1);
  const uint64_t u = x % 1000, v = (x >> 20) % 1000;
  // The product of two even distributions: many small ones, few large.
  return 5 + static_cast<int>((u * v * 195 + (u + v) * 20000) / (1000 * 1000) * 195 / 235);
}

void Province::Fill(uint64_t n, int lines, uint64_t salt,
                    submission::v1::SubmitBudgetRequest* out) const {
  const Agency& agency = agencies_[n % kAgencies];
  const uint64_t turn = n / kAgencies;
  out->set_request_id(absl::StrCat("b", n, "-", salt));
  out->mutable_budget()->set_division_code(agency.division);
  out->mutable_budget()->set_agency_code(agency.code);
  out->mutable_budget()->set_fiscal_year(kYear + static_cast<int>(turn / kStages));
  out->mutable_budget()->set_stage(static_cast<pb::Stage>(1 + turn % kStages));
  uint64_t x = Mix(n ^ salt << 40);
  auto next = [&x](size_t bound) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return static_cast<size_t>((x >> 11) % bound);
  };
  // An agency has its own subjects and a few everybody has.
  const uint64_t own = Mix(n % kAgencies);
  const size_t subjects = 3 + own % 6;
  const int projects = lines < 10 ? 0 : 1 + lines / 12;
  std::string project_prefix = absl::StrCat("P", agency.department, "-");
  for (int p = 0; p < projects; ++p) {
    pb::Project* project = out->add_projects();
    project->set_project_code(absl::StrCat(project_prefix, p));
    project->set_name(absl::StrCat("项目", p));
  }
  const std::string prefix = absl::StrCat(agency.division, "-", agency.code, "-");
  char number[8];
  out->mutable_line_items()->Reserve(lines);
  for (int i = 0; i < lines; ++i) {
    pb::LineItem* line = out->add_line_items();
    for (int k = 4, v = i; k >= 0; --k, v /= 10) number[k] = static_cast<char>('0' + v % 10);
    std::string* id = line->mutable_line_id();
    id->reserve(prefix.size() + 5);
    id->append(prefix);
    id->append(number, 5);
    line->set_direction(pb::DIRECTION_EXPENDITURE);
    const size_t subject = next(subjects);
    line->set_functional_code(items_[(own + subject * 7) % items_.size()]);
    // A departments' subject has its governments' one.
    auto economic = [&](const std::vector<std::string>& dept, const std::vector<std::string>& gov) {
      const size_t e = next(dept.size());
      line->set_dept_economic_code(dept[e]);
      line->set_gov_economic_code(gov[e % gov.size()]);
    };
    const size_t kind = next(100);
    if (kind < 35) {
      line->set_category(pb::CATEGORY_PERSONNEL);
      economic(personnel_, gov_personnel_);
    } else if (kind < 60 || projects == 0) {
      line->set_category(pb::CATEGORY_PUBLIC);
      economic(goods_, gov_goods_);
    } else {
      line->set_category(pb::CATEGORY_SPECIFIC_TARGET);
      economic(kind < 85 ? goods_ : other_, kind < 85 ? gov_goods_ : gov_other_);
      line->set_project_code(absl::StrCat(project_prefix, next(static_cast<size_t>(projects))));
    }
    line->set_fund(subject < 4   ? pb::FUND_GENERAL
                   : subject < 6 ? pb::FUND_GOVERNMENT_FUND
                                 : pb::FUND_UNIT);
    line->set_funding_year(next(20) == 0 ? pb::FUNDING_YEAR_CARRYOVER : pb::FUNDING_YEAR_THIS_YEAR);
    line->set_amount_fen(static_cast<int64_t>(next(100000000)));
  }
}

}  // namespace fiscal::bench
