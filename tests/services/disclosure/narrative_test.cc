// The figures of a narrative are those of the lines, with shares and the change from a year before.
#include "services/disclosure/narrative.h"

#include <map>
#include <string>
#include <vector>

#include "domain/disclosure/lines_source.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

domain::Line Line(domain::Direction direction, domain::Code functional, domain::Category category,
                  int64_t fen) {
  domain::Line line;
  line.functional = functional;
  line.amount_fen = fen;
  line.attributes.direction = direction;
  line.attributes.fund = domain::Fund::kGeneral;
  line.attributes.category = category;
  line.attributes.funding_year = domain::FundingYear::kThisYear;
  return line;
}

// A statement's lines as a source of cells.
struct Year {
  explicit Year(std::vector<domain::Line> all) : lines(std::move(all)) {
    statement.lines = &lines;
    statement.agency_code = "101001";
    statement.agency_name = "示例局";
    statement.name_of = [](domain::CatalogList, const std::string& code) { return "科目" + code; };
  }
  std::vector<domain::Line> lines;
  disclosure::StatementLines statement;
};

Year ThisYear() {
  using domain::Category;
  using domain::Direction;
  return Year({Line(Direction::kExpenditure, 2050101, Category::kBasic, 10000000),
               Line(Direction::kExpenditure, 2080505, Category::kProject, 30000000),
               Line(Direction::kIncome, 2050101, Category::kNone, 40000000)});
}

TEST(NarrativeTest, SaysWhatTheLinesAddUpTo) {
  Year year = ThisYear();
  disclosure::LinesSource source(year.statement);
  disclosure::v1::Narrative narrative;
  ASSERT_TRUE(FillNarrative("示例局", 2024, source, nullptr, &narrative).ok());
  EXPECT_EQ(narrative.income_fen(), 40000000);
  EXPECT_EQ(narrative.expenditure_fen(), 40000000);
  std::map<std::string, int64_t> shares;
  for (const auto& share : narrative.shares()) shares[share.name()] = share.share_hundredths();
  EXPECT_EQ(shares["基本支出"], 2500);
  EXPECT_EQ(shares["项目支出"], 7500);
  EXPECT_GT(narrative.sentences_size(), 0);
  // Without a year before there is no change.
  EXPECT_FALSE(narrative.has_prior_expenditure_fen());
}

TEST(NarrativeTest, ComparesWithTheYearBefore) {
  Year year = ThisYear();
  Year before({Line(domain::Direction::kExpenditure, 2050101, domain::Category::kBasic, 20000000),
               Line(domain::Direction::kIncome, 2050101, domain::Category::kNone, 20000000)});
  disclosure::LinesSource source(year.statement), prior(before.statement);
  disclosure::v1::Narrative narrative;
  ASSERT_TRUE(FillNarrative("示例局", 2024, source, &prior, &narrative).ok());
  EXPECT_EQ(narrative.prior_expenditure_fen(), 20000000);
}

// A year before without money says nothing of a change.
TEST(NarrativeTest, AYearWithoutMoneyIsNoYearBefore) {
  Year year = ThisYear();
  Year nothing(std::vector<domain::Line>{});
  disclosure::LinesSource source(year.statement), prior(nothing.statement);
  disclosure::v1::Narrative narrative;
  ASSERT_TRUE(FillNarrative("示例局", 2024, source, &prior, &narrative).ok());
  EXPECT_FALSE(narrative.has_prior_expenditure_fen());
}

}  // namespace
}  // namespace fiscal::services
