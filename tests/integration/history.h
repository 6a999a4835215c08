// A city and two counties in two years, and short ways to state, withdraw and ask about them.
#ifndef FISCAL_TESTS_INTEGRATION_HISTORY_H_
#define FISCAL_TESTS_INTEGRATION_HISTORY_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {

constexpr char kCity[] = "141100";
constexpr char kCounty[] = "141121";
constexpr char kOtherCounty[] = "141122";

// Entries of catalog lists.
catalog::v1::CatalogEntry Code(const std::string& code, const std::string& parent);
catalog::v1::CatalogEntry Agency(const std::string& code, const std::string& department,
                                 bool must_report = true);

// Line items.
budget::v1::LineItem Expenditure(const std::string& id, const std::string& functional,
                                 int64_t amount, budget::v1::Fund fund = budget::v1::FUND_GENERAL);
budget::v1::LineItem TransferTo(const std::string& receiver, const std::string& id,
                                const std::string& functional, int64_t amount,
                                budget::v1::Fund fund = budget::v1::FUND_GENERAL);
budget::v1::LineItem Income(const std::string& id, const std::string& revenue, int64_t amount,
                            budget::v1::Fund fund = budget::v1::FUND_GENERAL);

aggregation::v1::TotalFilter Filter(
    const std::string& division, int year = 2024,
    budget::v1::Stage stage = budget::v1::STAGE_APPROVED,
    budget::v1::Direction direction = budget::v1::DIRECTION_EXPENDITURE);

int64_t ToNumber(const std::string& position);
// As rows name an event: by its number alone.
std::string InRow(const std::string& position);

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest();
  // In 2025 agency 301002 is in department 302 and part of the functional codes are others.
  void SetUp() override;

  catalog::v1::ImportCatalogResponse Import(catalog::v1::CatalogList list,
                                            const std::string& division, int year,
                                            const std::vector<catalog::v1::CatalogEntry>& entries);
  // Which codes of 2024 became which of 2025.
  void ImportCrosswalk();

  std::string NewId();
  submission::v1::SubmitBudgetRequest Budget(const std::string& division, const std::string& agency,
                                             int year, budget::v1::Stage stage,
                                             const std::vector<budget::v1::LineItem>& lines);
  // These return the position.
  std::string Submit(const std::string& division, const std::string& agency, int year,
                     budget::v1::Stage stage, const std::vector<budget::v1::LineItem>& lines);
  std::string Withdraw(const std::string& division, const std::string& agency, int year,
                       budget::v1::Stage stage);
  std::string Head();

  aggregation::v1::Total Total(const aggregation::v1::TotalFilter& filter,
                               const std::string& position);
  aggregation::v1::ListTotalsResponse List(const aggregation::v1::TotalFilter& filter,
                                           std::vector<aggregation::v1::Dimension> by,
                                           const std::string& position, int depth = 0);
  aggregation::v1::TotalSide Side(const aggregation::v1::TotalFilter& filter,
                                  const std::string& position);

  aggregation::v1::GetCoverageRequest CoverageOf(const std::string& division,
                                                 const std::string& position);
  aggregation::v1::GetCoverageResponse Coverage(const aggregation::v1::GetCoverageRequest& request);

  Deployment d_;

 private:
  int ids_ = 0;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_INTEGRATION_HISTORY_H_
