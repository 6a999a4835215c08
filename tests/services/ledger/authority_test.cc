// Who may write what, decided where requests are: by grants of the log, group by group.
#include "services/ledger/authority.h"

#include <map>
#include <string>

#include "domain/reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ledger/compare/visible.h"
#include "services/ledger/decide/grant_orders.h"
#include "services/ledger/decide/permitted.h"
#include "storage/record_codec.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using authority::Asked;
using authority::Verb;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two administrators by configuration; a catalog owner of the province; two agencies.
class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest() {
    EXPECT_SCRIPT(script_, R"(
      grant cn:c@ca catalog-owner 140000 by=cn:one@ca    => created @1
      approve 1 by=cn:two@ca                             => created @2
      divisions 140000 141100<140000 142300<140000 by=cn:c@ca   => revised @3, 3 added
      agencies  141100 035001/035 035002/035 118001/118 by=cn:c@ca   => revised @4, 3 added
      codes     140000 205 20502 by=cn:c@ca              => revised @5, 2 added
      grant cn:a@ca submitter 141100 department=035 by=cn:one@ca   => created @6
      grant cn:b@ca submitter 141100 department=118 by=cn:one@ca   => created @7
    )");
  }

  LedgerScript script_{services::CheckRules, {}, {"cn:one@ca", "cn:two@ca"}};
};

TEST_F(AuthorityTest, AnAgencyStatesItsOwnAndNoOther) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca     => created r1 @8, 1 line
    submit r1 141100/118001 l1=20502:7 by=cn:b@ca      => created r1 @9, 1 line
    submit r2 141100/118001 l1=20502:1 by=cn:a@ca      => RIGHT_NOT_GRANTED
    submit r3 142300/118001 l1=20502:1 by=cn:b@ca      => RIGHT_NOT_GRANTED
    submit r4 141100/035001 l1=20502:1 by=cn:x@ca      => RIGHT_NOT_GRANTED
    withdraw r5 141100/035001 by=cn:b@ca               => RIGHT_NOT_GRANTED
    validate r6 141100/035001 l1=20502:1 by=cn:b@ca    => RIGHT_NOT_GRANTED
    total 141100                                       => 17.00 @9
  )");
}

// Whether somebody else's budget exists is not told, nor at which revision it stands.
TEST_F(AuthorityTest, WhatIsForeignAndWhatIsMissingAnswerAlike) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca            => created r1 @8, 1 line
    submit r2 141100/035001 l1=20502:1 expect=9 by=cn:b@ca    => RIGHT_NOT_GRANTED
    submit r3 141100/035002 l1=20502:1 expect=9 by=cn:b@ca    => RIGHT_NOT_GRANTED
    submit r4 141100/999999 l1=20502:1 by=cn:b@ca             => RIGHT_NOT_GRANTED
    submit r5 141100/035001 patch -nothing by=cn:b@ca         => RIGHT_NOT_GRANTED
  )");
}

TEST_F(AuthorityTest, ARequestThatWasAnsweredIsNotAnsweredAgainToWhoLostTheRight) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca   => created r1 @8, 1 line
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca   => created r1 @8, 1 line
    revoke 6 by=cn:one@ca                            => created @9
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca   => RIGHT_NOT_GRANTED
  )");
}

TEST_F(AuthorityTest, ToCertifyAndToControlAreRightsOfTheirOwn) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=20502:10 certify by=cn:a@ca   => RIGHT_NOT_GRANTED
    submit r2 141100/035001 l1=20502:10 control by=cn:a@ca   => RIGHT_NOT_GRANTED
    grant cn:r@ca reviewer 141100 by=cn:one@ca               => created @8
    submit r3 141100/035001 l1=20502:10 certify by=cn:r@ca   => created r1 @9, 1 line
  )");
}

TEST_F(AuthorityTest, AReallocationIsOfAllItsPartsOrNone) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca   => created r1 @8, 1 line
    reallocate r2 141100/035001 l1=20502:-3 | 141100/118001 l1=20502:3 by=cn:a@ca   => RIGHT_NOT_GRANTED
    reallocate r3 141100/035001 l1=20502:-3 | 141100/035002 l1=20502:3 by=cn:a@ca   => created r1 @10, 1 line | created r1 @9, 1 line | created r1 @10, 1 line
  )");
}

// An agency of no catalog is whose statement stands, not who says so.
TEST_F(AuthorityTest, NobodyClaimsAnAgencyByNamingHisDepartment) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/118 department=118 l1=20502:10 by=cn:b@ca   => created r1 @8, 1 line
    submit r2 141100/118 department=035 l1=20502:1 by=cn:a@ca    => RIGHT_NOT_GRANTED
  )");
}

// Nor is it told whether there is one of another's whole department.
TEST_F(AuthorityTest, ARefusalSaysTheSameWhateverStands) {
  const auto refusal = [&] {
    domain::Submission s;
    s.principal = "cn:a@ca";
    s.request_id = "r9";
    s.key = {141100, 2024, domain::Stage::kApproved, "118"};
    s.scope = domain::Scope::kDepartment;
    s.department_code = "035";
    services::Intake::Request request(std::move(s));
    return script_.intake().Commit({&request})[0].status();
  };
  const absl::Status missing = refusal();
  EXPECT_SCRIPT(script_,
                "submit r1 141100/118 department=118 l1=20502:10 by=cn:b@ca => "
                "created r1 @8, 1 line");
  EXPECT_EQ(missing, refusal());
  EXPECT_TRUE(absl::IsPermissionDenied(missing));
}

TEST_F(AuthorityTest, ListsAreTheirDivisionsOwners) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:d@ca catalog-owner 141100 by=cn:one@ca                => created @8
    agencies  141100 035003/035 by=cn:d@ca                         => revised @9, 1 added
    agencies  142300 035003/035 by=cn:d@ca                         => RIGHT_NOT_GRANTED
    codes     140000 207 by=cn:d@ca                                => RIGHT_NOT_GRANTED
    divisions 141100<140000 141102<141100 by=cn:d@ca               => revised @10, 1 added
    divisions 141100<140000 141121<141102 by=cn:d@ca               => revised @11, 1 added
    divisions 141100<140000 142300<141100 by=cn:d@ca               => RIGHT_NOT_GRANTED
    divisions 141100<140000 142301<142300 by=cn:d@ca               => RIGHT_NOT_GRANTED
    divisions 141100<142300 by=cn:d@ca                             => RIGHT_NOT_GRANTED
    divisions 141100<140000 141102<142300 by=cn:d@ca               => RIGHT_NOT_GRANTED
    agencies  141100 035004/035 by=cn:a@ca                         => RIGHT_NOT_GRANTED
  )");
}

// A list of another year is no way around it: a division stands where the latest list has it.
TEST_F(AuthorityTest, ANewYearsListIsJudgedByTheOneBefore) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:d@ca catalog-owner 141100 by=cn:one@ca                   => created @8
    divisions 141100<142300 year=2030 by=cn:d@ca                      => RIGHT_NOT_GRANTED
    divisions 141100 year=2030 by=cn:d@ca                             => RIGHT_NOT_GRANTED
    divisions 141100 142300<141100 year=2030 by=cn:d@ca               => RIGHT_NOT_GRANTED
    divisions 141109 year=2030 by=cn:d@ca                             => RIGHT_NOT_GRANTED
    divisions 141100<140000 141109 by=cn:d@ca                         => RIGHT_NOT_GRANTED
    divisions 140000 141100<140000 142300<140000 year=2030 by=cn:c@ca => revised @9, 3 added
    divisions 141100<140000 141109<141100 year=2030 by=cn:d@ca        => revised @10, 1 added
  )");
}

TEST_F(AuthorityTest, OrdersAboutGrantsAreAdministrators) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:b@ca reader 141100 by=cn:a@ca              => RIGHT_NOT_GRANTED
    revoke 7 by=cn:a@ca                                 => RIGHT_NOT_GRANTED
    grant cn:one@ca reader 141100 by=cn:one@ca          => SECOND_PERSON_NEEDED
    grant cn:b@ca reader 141100 by=cn:one@ca            => created @8
    grant cn:b@ca reader 141100 by=cn:two@ca            => unchanged @8
    grant cn:b@ca emperor 141100 by=cn:one@ca           => ROLE_UNKNOWN role
    grant upstream:city reader 141100 by=cn:one@ca      => PRINCIPAL_MALFORMED principal
    revoke 99 by=cn:one@ca                              => GRANT_NOT_FOUND
    revoke 5 by=cn:one@ca                               => GRANT_NOT_FOUND
    revoke 8 by=cn:one@ca                               => created @9
    revoke 8 by=cn:two@ca                               => unchanged @9
    approve 8 by=cn:two@ca                              => GRANT_NOT_PENDING
  )");
}

TEST_F(AuthorityTest, AWideGrantTakesTwo) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:p@ca submitter 140000 by=cn:one@ca        => created @8
    submit r1 142300/118001 l1=20502:1 by=cn:p@ca      => RIGHT_NOT_GRANTED
    approve 8 by=cn:one@ca                             => SECOND_PERSON_NEEDED
    approve 8 by=cn:p@ca                               => RIGHT_NOT_GRANTED
    approve 8 by=cn:two@ca                             => created @9
    approve 8 by=cn:two@ca                             => unchanged @9
    agencies 142300 118001/118 by=cn:c@ca              => revised @10, 1 added
    submit r1 142300/118001 l1=20502:1 by=cn:p@ca      => created r1 @11, 1 line
    grant cn:three@ca security-admin 0 by=cn:one@ca    => created @12
    grant cn:q@ca reader 141100 by=cn:three@ca         => RIGHT_NOT_GRANTED
    approve 12 by=cn:two@ca                            => created @13
    grant cn:q@ca reader 141100 by=cn:three@ca         => created @14
    grant cn:two@ca reader 140000 by=cn:one@ca         => created @15
    approve 15 by=cn:two@ca                            => SECOND_PERSON_NEEDED
    approve 15 by=cn:three@ca                          => created @16
  )");
}

// The right of one grant and the extent of another are no grant.
TEST_F(AuthorityTest, OneGrantHasTheRightAndCoversThePart) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:a@ca reader 142300 by=cn:one@ca            => created @8
    agencies 142300 035001/035 by=cn:c@ca               => revised @9, 1 added
    submit r1 142300/035001 l1=20502:1 by=cn:a@ca       => RIGHT_NOT_GRANTED
    submit r2 141100/035001 l1=20502:1 by=cn:a@ca       => created r1 @10, 1 line
  )");
}

// Neither of what stands, nor of how he asked.
TEST_F(AuthorityTest, AFaultyRequestOfAStrangerIsAnsweredAsAnyOther) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=99999:10 by=cn:a@ca      => CODE_UNKNOWN line_items[0].functional_code
    submit r1 141100/035001 l1=99999:10 by=cn:b@ca      => RIGHT_NOT_GRANTED
  )");
  domain::CatalogImport import;
  import.request_id = "r2";
  import.event = {141100, 2024, domain::CatalogList::kAgency, {}};
  import.violations.push_back({domain::Reason::kCodeMalformed, "entries[0].code", "", "digits"});
  for (const auto& [principal, said] : std::map<std::string, std::string>{
           {"cn:c@ca", "CODE_MALFORMED entries[0].code"}, {"cn:b@ca", "RIGHT_NOT_GRANTED"}}) {
    import.principal = principal;
    services::Intake::Request request = import;
    services::Intake::Request* group[] = {&request};
    EXPECT_EQ(SayAnswer(script_.intake().Commit(group)[0]), said);
  }
}

TEST_F(AuthorityTest, UnitsAndOwnLevelsAreThoseOfADivision) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:x@ca reader 0 department=035 by=cn:one@ca  => REQUIRED_FIELD_MISSING scope.division_code
    grant cn:x@ca reader 0 agency=035001 by=cn:one@ca   => REQUIRED_FIELD_MISSING scope.division_code
    grant cn:x@ca reader 0 own by=cn:one@ca             => REQUIRED_FIELD_MISSING scope.division_code
  )");
}

TEST_F(AuthorityTest, OperatorsOrdersNeedTheirRight) {
  EXPECT_SCRIPT(script_, "grant cn:o@ca operator 0 by=cn:one@ca   => created @8");
  const auto ordered = [&](services::Intake::Request order) {
    services::Intake::Request* group[] = {&order};
    return SayAnswer(script_.intake().Commit(group)[0]);
  };
  domain::QuarantineOrder quarantine;
  quarantine.position = domain::Position(3);
  quarantine.reason = "a try";
  domain::KeyOrder key;
  for (const char* stranger : {"cn:a@ca", "cn:one@ca"}) {
    quarantine.principal = key.principal = stranger;
    EXPECT_EQ(ordered(domain::ClockOrder{stranger, ""}), "RIGHT_NOT_GRANTED");
    EXPECT_EQ(ordered(quarantine), "RIGHT_NOT_GRANTED");
    EXPECT_EQ(ordered(key), "RIGHT_NOT_GRANTED");
  }
  quarantine.principal = "cn:o@ca";
  EXPECT_NE(ordered(quarantine), "RIGHT_NOT_GRANTED");
}

// What comes after an order in one group is decided by it.
TEST_F(AuthorityTest, AnOrderCountsForWhatFollowsInItsGroup) {
  services::Intake::Request revoke =
      domain::RevocationOrder{"cn:one@ca", {domain::Position(6), ""}};
  const std::string row = "submit r1 141100/035001 l1=20502:10 by=cn:a@ca";
  services::Intake::Request before = script_.PreparedStatement(row),
                            after = script_.PreparedStatement(row);
  std::get<domain::Submission>(after).request_id = "r2";
  services::Intake::Request* group[] = {&before, &revoke, &after};
  const auto outcomes = script_.intake().Commit(group);
  EXPECT_EQ(SayAnswer(outcomes[0]), "created r1 @8, 1 line");
  EXPECT_EQ(SayAnswer(outcomes[1]), "created @9");
  EXPECT_EQ(SayAnswer(outcomes[2]), "RIGHT_NOT_GRANTED");
}

TEST_F(AuthorityTest, ARefusalSaysWhatIsMissing) {
  const absl::Status status = script_.authority().May(
      "cn:b@ca", Verb::kWrite, {{141100, true, "", "035001", 2024, domain::Stage::kApproved}},
      *script_.intake().catalog());
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  const domain::Refusal refusal = domain::Explain(status).refusal;
  EXPECT_EQ(refusal.message,
            "cn:b@ca has no grant of WRITE for division 141100, agency 035001, year 2024, stage "
            "APPROVED; roles with it: submitter, reviewer");
  EXPECT_EQ(refusal.metadata[1], std::make_pair(std::string("right"), std::string("WRITE")));
}

TEST_F(AuthorityTest, InLogModeEachRightThatWouldBeDeniedIsSaidOnce) {
  std::vector<std::string> said;
  services::Authority::Options options;
  options.mode = services::Authority::Mode::kLog;
  options.would_deny = [&](absl::string_view principal, const absl::Status& refusal) {
    said.push_back(
        absl::StrCat(principal, " ", domain::Explain(refusal).refusal.metadata[1].second));
  };
  const services::Authority authority(script_.log(), options);
  const domain::Catalog& catalog = *script_.intake().catalog();
  const Asked theirs{141100, true, "", "118001", 2024, domain::Stage::kApproved};
  // The first gate is asked again for open streams.
  for (const char* principal : {"cn:a@ca", "cn:x@ca"})
    EXPECT_TRUE(authority.MayEver(principal, Verb::kWrite).ok());
  EXPECT_THAT(said, IsEmpty());
  EXPECT_TRUE(authority.May("cn:a@ca", Verb::kWrite, {theirs}, catalog).ok());
  EXPECT_TRUE(authority.May("cn:x@ca", Verb::kWrite, {theirs}, catalog).ok());
  EXPECT_TRUE(authority.May("cn:x@ca", Verb::kGrant, {}, catalog).ok());
  EXPECT_THAT(said, ElementsAre("cn:a@ca WRITE", "cn:x@ca WRITE", "cn:x@ca GRANT"));
}

TEST_F(AuthorityTest, InLogModeWhatAStatementNeedsIsSaidRightByRight) {
  std::vector<std::string> said;
  services::Authority::Options options;
  options.mode = services::Authority::Mode::kLog;
  options.would_deny = [&](absl::string_view, const absl::Status& refusal) {
    said.push_back(domain::Explain(refusal).refusal.metadata[1].second);
  };
  const services::Authority authority(script_.log(), options);
  domain::Submission s =
      script_.PreparedStatement("submit r1 141100/035001 l1=20502:10 certify control by=cn:a@ca");
  const auto group = script_.NextGroup();
  EXPECT_TRUE(services::Permitted(authority, s, group->standing()).ok());
  EXPECT_THAT(said, ElementsAre("CERTIFY", "CONTROL"));
  said.clear();
  // The gate has said it of orders.
  EXPECT_TRUE(
      services::Permitted(authority, domain::GrantOrder{"cn:a@ca", {}}, group->standing()).ok());
  EXPECT_THAT(said, IsEmpty());
}

// Which events of the log a principal sees.
TEST_F(AuthorityTest, EventsAreSeenByWhatTheyAreAbout) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/035001 l1=20502:10 by=cn:a@ca   => created r1 @8, 1 line
    submit r1 141100/118001 l1=20502:7 by=cn:b@ca    => created r1 @9, 1 line
    grant cn:u@ca consumer 141100 by=cn:one@ca       => created @10
    grant cn:v@ca consumer 141100 department=035 by=cn:one@ca   => created @11
    codes 142300 207 by=cn:c@ca                      => revised @12, 1 added
  )");
  const auto sees = [&](const char* principal, Verb verb, uint64_t position) {
    const storage::LogEntry entry = *script_.log().Read(domain::Position(position));
    absl::string_view payload;
    const domain::EventHeader header = *storage::DecodeHeader(*entry.record, &payload);
    return services::MaySee(*script_.authority().Of(principal), verb,
                            services::AboutEvent(header, payload), *script_.intake().catalog());
  };
  EXPECT_TRUE(sees("cn:a@ca", Verb::kReadDetail, 8));
  EXPECT_FALSE(sees("cn:a@ca", Verb::kReadDetail, 9));
  EXPECT_FALSE(sees("cn:a@ca", Verb::kRollUp, 8));
  EXPECT_TRUE(sees("cn:u@ca", Verb::kRollUp, 8));
  EXPECT_TRUE(sees("cn:u@ca", Verb::kRollUp, 9));
  // Lists from above serve below; grants are nobody's content.
  EXPECT_TRUE(sees("cn:u@ca", Verb::kRollUp, 3));
  EXPECT_TRUE(sees("cn:u@ca", Verb::kRollUp, 5));
  EXPECT_FALSE(sees("cn:u@ca", Verb::kRollUp, 6));
  EXPECT_FALSE(sees("cn:x@ca", Verb::kRollUp, 5));
  // Not of other divisions, nor what serves nobody below, nor without the right.
  EXPECT_FALSE(sees("cn:u@ca", Verb::kRollUp, 12));
  EXPECT_TRUE(sees("cn:v@ca", Verb::kRollUp, 5));
  EXPECT_FALSE(sees("cn:v@ca", Verb::kRollUp, 4));
  EXPECT_FALSE(sees("cn:a@ca", Verb::kRollUp, 5));
}

}  // namespace
}  // namespace fiscal::testing
