#include "tests/support/catalog.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "grpcpp/grpcpp.h"

namespace fiscal::testing {
namespace {

namespace pb = fiscal::catalog::v1;

bool Import(pb::CatalogService::Stub& stub, pb::CatalogList list, const std::string& id,
            std::vector<pb::CatalogEntry> entries) {
  grpc::ClientContext context;
  pb::ImportCatalogRequest request;
  request.set_request_id(id);
  request.set_division_code("141100");
  request.set_fiscal_year(2024);
  request.set_list(list);
  for (pb::CatalogEntry& e : entries) *request.add_entries() = std::move(e);
  pb::ImportCatalogResponse response;
  return stub.ImportCatalog(&context, request, &response).ok();
}

pb::CatalogEntry Entry(const std::string& code, const std::string& name,
                       const std::string& parent) {
  pb::CatalogEntry e;
  e.set_code(code);
  e.set_name(name);
  e.set_parent_code(parent);
  return e;
}

}  // namespace

std::string DepartmentCode(int n) { return absl::StrFormat("%03d", 101 + n / 10); }
std::string AgencyCode(int n) { return absl::StrFormat("%s%03d", DepartmentCode(n), n % 10 + 1); }

bool ImportSmallCatalog(const std::shared_ptr<grpc::Channel>& channel, int agencies) {
  const auto stub = pb::CatalogService::NewStub(channel);
  std::vector<pb::CatalogEntry> units;
  for (int i = 0; i < agencies; ++i) {
    pb::CatalogEntry e = Entry(AgencyCode(i), absl::StrCat("单位", i), "");
    e.set_department_code(DepartmentCode(i));
    units.push_back(std::move(e));
  }
  return Import(*stub, pb::CATALOG_LIST_DIVISION, "support-divisions",
                {Entry("141100", "吕梁市", ""), Entry("141121", "文水县", "141100")}) &&
         Import(*stub, pb::CATALOG_LIST_FUNCTIONAL, "support-functional",
                {Entry("208", "社会保障和就业支出", ""), Entry("210", "卫生健康支出", ""),
                 Entry("217", "金融支出", "")}) &&
         Import(*stub, pb::CATALOG_LIST_AGENCY, "support-agencies", std::move(units));
}

fiscal::submission::v1::SubmitBudgetRequest MakeBudget(int agency, int lines, uint64_t salt,
                                                       const std::string& request_id) {
  static constexpr const char* kFunctional[] = {"2080505", "2080506", "2101101",
                                                "2101103", "2170101", "2170102"};
  static constexpr const char* kDept[] = {"30101", "30102", "30201", "30207", "30299"};
  static constexpr const char* kGov[] = {"50101", "50101", "50201", "50201", "50299"};
  fiscal::submission::v1::SubmitBudgetRequest r;
  r.set_request_id(request_id);
  r.mutable_budget()->set_division_code("141100");
  r.mutable_budget()->set_agency_code(AgencyCode(agency));
  r.mutable_budget()->set_fiscal_year(2024);
  r.mutable_budget()->set_stage(budget::v1::STAGE_APPROVED);
  uint64_t x = salt * 0x9e3779b97f4a7c15u + 1;
  for (int i = 0; i < lines; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    budget::v1::LineItem* line = r.add_line_items();
    line->set_line_id(absl::StrFormat("L%06d", i));
    line->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    line->set_functional_code(kFunctional[x % 6]);
    line->set_dept_economic_code(kDept[(x >> 8) % 5]);
    line->set_gov_economic_code(kGov[(x >> 8) % 5]);
    line->set_fund(budget::v1::FUND_GENERAL);
    line->set_category((x >> 16) % 2 == 0 ? budget::v1::CATEGORY_PERSONNEL
                                          : budget::v1::CATEGORY_PUBLIC);
    line->set_funding_year(budget::v1::FUNDING_YEAR_THIS_YEAR);
    line->set_amount_fen(static_cast<int64_t>((x >> 24) % 100000000));
  }
  return r;
}

}  // namespace fiscal::testing
