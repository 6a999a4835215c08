// Principals, roles, and what a grant covers.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "domain/authority/grants.h"
#include "domain/authority/principal.h"
#include "domain/authority/role.h"
#include "gtest/gtest.h"

namespace fiscal::authority {
namespace {

using domain::Catalog;
using domain::CatalogEntry;
using domain::CatalogEvent;
using domain::CatalogList;
using domain::Position;
using domain::Stage;

TEST(PrincipalTest, ASpiffeIdIsTakenAsItStandsOrNotAtAll) {
  EXPECT_EQ(SpiffePrincipal("spiffe://fiscal.example/agency/141100/035/submit"),
            "spiffe://fiscal.example/agency/141100/035/submit");
  for (const char* wrong :
       {"spiffe://fiscal.example", "spiffe://fiscal.example/", "spiffe:///a",
        "spiffe://A.example/a", "spiffe://fiscal.example/a//b", "spiffe://fiscal.example/a/..",
        "spiffe://x/a/./b", "spiffe://fiscal.example/a b", "spiffe://fiscal.example/a*",
        "https://fiscal.example/a", "spiffe://user@fiscal.example/a",
        "spiffe://fiscal.example:8080/a", "anonymous", ""}) {
    EXPECT_EQ(SpiffePrincipal(wrong), "") << wrong;
  }
  EXPECT_EQ(SpiffePrincipal(absl::StrCat("spiffe://x/", std::string(kPrincipalBytesMax, 'a'))), "");
}

TEST(PrincipalTest, OtherNamesSayWhoVouches) {
  EXPECT_EQ(DnsPrincipal("host.example", "City CA"), "dns:host.example@City CA");
  EXPECT_EQ(CommonNamePrincipal("anonymous", "City CA"), "cn:anonymous@City CA");
  // A name can't pretend to be another authority's.
  EXPECT_EQ(CommonNamePrincipal("a@b", "City CA"), "");
  EXPECT_EQ(CommonNamePrincipal("a", "City@CA"), "");
  EXPECT_EQ(CommonNamePrincipal("", "City CA"), "");
  EXPECT_EQ(CommonNamePrincipal("a\nb", "City CA"), "");
  EXPECT_EQ(CommonNamePrincipal("财政局", "City CA"), "");
  EXPECT_EQ(TrustDomainOf("spiffe://fiscal.example/a"), "fiscal.example");
  EXPECT_EQ(TrustDomainOf("dns:a@b"), "");
}

TEST(PrincipalTest, APatternIsAPrincipalOrAllBelowAPath) {
  for (const char* good :
       {"spiffe://x/a", "spiffe://x/a/*", "spiffe://x/*", "dns:h@CA", "cn:n@CA", "anonymous"}) {
    EXPECT_TRUE(IsPrincipalPattern(good)) << good;
  }
  for (const char* wrong : {"*", "spiffe://*", "spiffe://x*", "spiffe://x/a*", "dns:*@CA", "cn:n",
                            "upstream:city", "fiscal", "system", "proxy:a", "", "Anonymous"}) {
    EXPECT_FALSE(IsPrincipalPattern(wrong)) << wrong;
  }
  EXPECT_TRUE(Matches("spiffe://x/a/*", "spiffe://x/a/b"));
  EXPECT_TRUE(Matches("spiffe://x/a/*", "spiffe://x/a/b/c"));
  EXPECT_FALSE(Matches("spiffe://x/a/*", "spiffe://x/a"));
  EXPECT_FALSE(Matches("spiffe://x/a/*", "spiffe://x/ab"));
  EXPECT_FALSE(Matches("spiffe://x/*", "spiffe://xy/a"));
  EXPECT_FALSE(Matches("spiffe://x/a", "spiffe://x/a/b"));
}

TEST(RoleTest, DutiesAreApart) {
  ASSERT_EQ(Roles().size(), 12u);
  const auto has = [](const char* role, Verb verb) { return FindRole(role)->verbs.Has(verb); };
  // Who grants, and who runs the machine, sees no budgets.
  for (const char* role : {"security-admin", "operator", "audit-admin", "witness"}) {
    for (Verb verb : {Verb::kWrite, Verb::kReadDetail, Verb::kList, Verb::kReadAggregate,
                      Verb::kReadStatus, Verb::kReadDisclosure, Verb::kReplicate, Verb::kRollUp}) {
      EXPECT_FALSE(has(role, verb)) << role << " " << NameOf(verb);
    }
  }
  for (const Role& role : Roles()) {
    EXPECT_EQ(role.verbs.Has(Verb::kGrant), role.id == "security-admin") << role.id;
    EXPECT_FALSE(role.verbs.Has(Verb::kIdentify)) << role.id;
    EXPECT_FALSE(role.name_zh.empty());
  }
  EXPECT_FALSE(has("submitter", Verb::kCertify));
  EXPECT_FALSE(has("auditor", Verb::kWrite));
  EXPECT_FALSE(has("consumer", Verb::kReadDetail));
  EXPECT_EQ(FindRole("root"), nullptr);
}

// 140000 with 141100 and 142300, below 141100 the counties 141102 and 141121; in 2025 the county
// 141121 belongs to 142300, and the agency 118002 to the department 035.
class GrantsTest : public ::testing::Test {
 protected:
  GrantsTest() {
    for (uint16_t year : {2024, 2025}) {
      CatalogEvent divisions{140000, year, CatalogList::kDivision, {}};
      for (const auto& [code, parent] : std::vector<std::pair<const char*, const char*>>{
               {"140000", ""},
               {"141100", "140000"},
               {"142300", "140000"},
               {"141102", "141100"},
               {"141121", year == 2024 ? "141100" : "142300"}}) {
        CatalogEntry entry;
        entry.code = code;
        entry.parent_code = parent;
        divisions.entries.push_back(entry);
      }
      Take(divisions);
      CatalogEvent agencies{141100, year, CatalogList::kAgency, {}};
      for (const auto& [code, department] : std::vector<std::pair<const char*, const char*>>{
               {"035001", "035"},
               {"035002", "035"},
               {"118001", "118"},
               {"118002", year == 2024 ? "118" : "035"}}) {
        CatalogEntry entry;
        entry.code = code;
        entry.department_code = department;
        agencies.entries.push_back(entry);
      }
      Take(agencies);
    }
  }
  void Take(const CatalogEvent& event) {
    catalog_ = catalog_->With(event, catalog_->position().Next());
  }
  bool Within(const Extent& extent, const Asked& asked) { return Covers(extent, asked, *catalog_); }
  static Asked Agency(const char* agency, uint16_t year = 2024) {
    return {141100, true, "", agency, year, Stage::kApproved};
  }

  std::shared_ptr<const Catalog> catalog_ = std::make_shared<const Catalog>();
};

TEST_F(GrantsTest, ADivisionIsItsSubtreeInTheYearAskedAbout) {
  const Extent city{141100, false, {}, {}, 0, 0, {}};
  EXPECT_TRUE(Within(city, {141100, false, "", "", 2024}));
  EXPECT_TRUE(Within(city, {141102, false, "", "", 2024}));
  EXPECT_TRUE(Within(city, {141121, false, "", "", 2024}));
  EXPECT_FALSE(Within(city, {141121, false, "", "", 2025}));
  EXPECT_FALSE(Within(city, {142300, false, "", "", 2024}));
  EXPECT_FALSE(Within(city, {140000, false, "", "", 2024}));
  EXPECT_FALSE(Within(city, {0, false, "", "", 2024}));
  // A year without a list of divisions has nothing below.
  EXPECT_FALSE(Within(city, {141102, false, "", "", 2030}));
  EXPECT_TRUE(Within(city, {141100, false, "", "", 2030}));
  // Without a year it must be so in every one.
  EXPECT_TRUE(Within(city, {141102, false, "", "", 0}));
  EXPECT_FALSE(Within(city, {141121, false, "", "", 0}));
  EXPECT_TRUE(Within({}, {0, false, "", "", 0}));
}

TEST_F(GrantsTest, AnOwnLevelHasNothingBelow) {
  const Extent own{141100, true, {}, {}, 0, 0, {}};
  EXPECT_TRUE(Within(own, {141100, true, "", "", 2024}));
  EXPECT_TRUE(Within(own, {141100, false, "035", "", 2024}));
  EXPECT_TRUE(Within(own, Agency("035001")));
  EXPECT_FALSE(Within(own, {141100, false, "", "", 2024}));
  EXPECT_FALSE(Within(own, {141102, true, "", "", 2024}));
}

TEST_F(GrantsTest, ADepartmentHasTheAgenciesThatTheCatalogSays) {
  const Extent department{141100, false, {"035"}, {}, 0, 0, {}};
  EXPECT_TRUE(Within(department, Agency("035001")));
  EXPECT_TRUE(Within(department, Agency("035002")));
  // A whole department's own statement has its code.
  EXPECT_TRUE(Within(department, Agency("035")));
  EXPECT_FALSE(Within(department, Agency("118001")));
  EXPECT_FALSE(Within(department, Agency("118")));
  EXPECT_TRUE(Within(department, {141100, true, "035", "", 2024}));
  EXPECT_FALSE(Within(department, {141100, true, "118", "", 2024}));
  EXPECT_FALSE(Within(department, {141100, true, "", "", 2024}));
  // What the request says of the department counts for strangers alone.
  EXPECT_FALSE(Within(department, {141100, true, "035", "118001", 2024}));
  EXPECT_TRUE(Within(department, {141100, true, "035", "999", 2024}));
  EXPECT_FALSE(Within(department, Agency("999")));
  // In all years it was of two.
  EXPECT_TRUE(Within(department, Agency("118002", 2025)));
  EXPECT_FALSE(Within(department, Agency("118002", 0)));
  EXPECT_TRUE(Within({141100, false, {"035", "118"}, {}, 0, 0, {}}, Agency("118002", 0)));
  // A county's department of the same code is not the city's.
  EXPECT_FALSE(Within(department, {141102, true, "035", "", 2024}));
  EXPECT_FALSE(Within(department, {141102, true, "035", "035001", 2024}));
}

TEST_F(GrantsTest, AnAgencyIsItself) {
  const Extent agency{141100, false, {}, {"035001"}, 0, 0, {}};
  EXPECT_TRUE(Within(agency, Agency("035001")));
  EXPECT_FALSE(Within(agency, Agency("035002")));
  EXPECT_FALSE(Within(agency, {141100, true, "035", "", 2024}));
  EXPECT_FALSE(Within(agency, {141102, true, "", "035001", 2024}));
  const Extent both{141100, false, {"118"}, {"035001"}, 0, 0, {}};
  EXPECT_TRUE(Within(both, Agency("035001")));
  EXPECT_TRUE(Within(both, Agency("118001")));
  EXPECT_FALSE(Within(both, Agency("035002")));
}

TEST_F(GrantsTest, YearsAndStagesBoundIt) {
  const Extent years{141100, false, {}, {}, 2024, 2025, {}};
  EXPECT_TRUE(Within(years, Agency("035001", 2024)));
  EXPECT_TRUE(Within(years, Agency("035001", 2025)));
  EXPECT_FALSE(Within(years, Agency("035001", 2023)));
  EXPECT_FALSE(Within(years, Agency("035001", 2026)));
  EXPECT_FALSE(Within(years, Agency("035001", 0)));
  const Extent stages{141100, false, {}, {}, 0, 0, {Stage::kApproved, Stage::kAdjustment}};
  Asked asked = Agency("035001");
  EXPECT_TRUE(Within(stages, asked));
  asked.stage = Stage::kExecuted;
  EXPECT_FALSE(Within(stages, asked));
  asked.stage = Stage::kNone;
  EXPECT_FALSE(Within(stages, asked));
  // Several stages at once: each has to be granted.
  asked.stage = Stage::kCurrent;
  EXPECT_FALSE(Within(stages, asked));
  EXPECT_TRUE(Within(
      {141100, false, {}, {}, 0, 0, {Stage::kApproved, Stage::kAdjustment, Stage::kReallocation}},
      asked));
}

TEST_F(GrantsTest, AGrantPermitsWhatItsRoleMayWithinItsExtent) {
  const GrantEvent submitter{
      "spiffe://x/a", "submitter", {141100, false, {"035"}, {}, 2024, 0, {}}, ""};
  const auto may = [&](const GrantEvent& grant, Verb verb, const Asked& part) {
    return Permits(grant, verb, part, *catalog_);
  };
  EXPECT_TRUE(may(submitter, Verb::kWrite, Agency("035001")));
  EXPECT_FALSE(may(submitter, Verb::kWrite, Agency("118001")));
  EXPECT_FALSE(may(submitter, Verb::kCertify, Agency("035001")));
  // Lists are for all of a division, whatever their department.
  EXPECT_TRUE(may(submitter, Verb::kReadCatalog, {141100, true, "", "", 2024}));
  EXPECT_FALSE(may(submitter, Verb::kReadCatalog, {141100, true, "", "", 2023}));
  EXPECT_FALSE(may(submitter, Verb::kReadCatalog, {142300, true, "", "", 2024}));
  EXPECT_FALSE(may(submitter, Verb::kReadCatalog, {141102, true, "", "", 2024}));
  // What is about the system has no extent.
  const GrantEvent operators{"spiffe://x/o", "operator", {141100, false, {}, {}, 0, 0, {}}, ""};
  EXPECT_TRUE(may(operators, Verb::kOperate, {}));
  EXPECT_TRUE(may(operators, Verb::kReadGrants, {}));
  EXPECT_FALSE(may(operators, Verb::kGrant, {}));
  EXPECT_FALSE(may({"spiffe://x/a", "of a newer version", {}, ""}, Verb::kOperate, {}));
}

TEST_F(GrantsTest, WideGrantsTakeTwoPersons) {
  const auto needs = [](const char* role, Extent extent) {
    return NeedsApproval({"spiffe://x/a", role, std::move(extent), ""});
  };
  EXPECT_TRUE(needs("reader", {}));
  EXPECT_TRUE(needs("reader", {140000, false, {}, {}, 0, 0, {}}));
  EXPECT_FALSE(needs("reader", {140000, true, {}, {}, 0, 0, {}}));
  EXPECT_FALSE(needs("submitter", {140000, false, {"035"}, {}, 0, 0, {}}));
  EXPECT_FALSE(needs("reader", {141100, false, {}, {}, 0, 0, {}}));
  EXPECT_TRUE(needs("replica", {141100, false, {}, {}, 0, 0, {}}));
  EXPECT_TRUE(needs("security-admin", {}));
  EXPECT_FALSE(needs("operator", {}));
}

TEST_F(GrantsTest, AGrantIsPendingThenActiveThenRevoked) {
  Grants grants;
  grants.Add({Position(5), 0, "admin", ""}, {"spiffe://x/a/*", "reader", {}, ""});
  const Grant& grant = *grants.Find(Position(5));
  EXPECT_EQ(grant.StateAt(Position(5)), Grant::State::kPending);
  EXPECT_TRUE(grants.Of("spiffe://x/a/b").empty());
  EXPECT_FALSE(grants.Approve(Position(4), {Position(6), 0, "second", ""}));
  EXPECT_TRUE(grants.Approve(Position(5), {Position(7), 0, "second", ""}));
  EXPECT_FALSE(grants.Approve(Position(5), {Position(8), 0, "third", ""}));
  EXPECT_EQ(grant.StateAt(Position(6)), Grant::State::kPending);
  EXPECT_EQ(grant.StateAt(Position(7)), Grant::State::kActive);
  ASSERT_EQ(grants.Of("spiffe://x/a/b").size(), 1u);
  EXPECT_TRUE(grants.Of("spiffe://x/a").empty());
  EXPECT_TRUE(grants.Revoke(Position(5), {Position(9), 0, "admin", ""}));
  EXPECT_FALSE(grants.Revoke(Position(5), {Position(10), 0, "admin", ""}));
  EXPECT_EQ(grant.StateAt(Position(8)), Grant::State::kActive);
  EXPECT_EQ(grant.StateAt(Position(9)), Grant::State::kRevoked);
  EXPECT_TRUE(grants.Of("spiffe://x/a/b").empty());
}

TEST(TextTest, ScopesAreSaid) {
  EXPECT_EQ(TextOf(Extent()), "everything");
  EXPECT_EQ(TextOf(Extent{141100, true, {}, {"035001"}, 2024, 2025, {Stage::kApproved}}),
            "division 141100 without those below, agency 035001, from year 2024, to year 2025, "
            "stage APPROVED");
  EXPECT_EQ(TextOf(Asked{141100, true, "035", "", 2024, Stage::kNone}),
            "division 141100, department 035, year 2024");
}

}  // namespace
}  // namespace fiscal::authority
