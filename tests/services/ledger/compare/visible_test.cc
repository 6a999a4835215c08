// What events are about. Who sees them is in authority_test.cc and log_view_test.cc.
#include "services/ledger/compare/visible.h"

#include <string>

#include "gtest/gtest.h"
#include "storage/record_codec.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

TEST(VisibleTest, AnEventIsAboutWhatItStates) {
  LedgerScript script(services::CheckRules, {}, {"cn:one@ca", "cn:two@ca"});
  script.Run(R"(
    grant cn:c@ca catalog-owner 140000 by=cn:one@ca
    approve 1 by=cn:two@ca
    divisions 140000 141100<140000 by=cn:c@ca
    agencies  141100 035001/035 by=cn:c@ca
    codes     140000 205 20502 by=cn:c@ca
    grant cn:a@ca submitter 141100 by=cn:one@ca
    submit r1 141100/035001 l1=20502:1 by=cn:a@ca
  )");
  const auto about = [&](uint64_t position) {
    const storage::LogEntry entry = *script.log().Read(domain::Position(position));
    absl::string_view payload;
    const domain::EventHeader header = *storage::DecodeHeader(*entry.record, &payload);
    return services::AboutEvent(header, payload);
  };
  EXPECT_EQ(TextOf(about(7).part),
            "division 141100, department 035, agency 035001, year 2024, stage APPROVED");
  EXPECT_EQ(about(7).list, domain::CatalogList::kNone);
  EXPECT_EQ(TextOf(about(4).part), "division 141100 without those below, year 2024");
  EXPECT_EQ(about(4).list, domain::CatalogList::kAgency);
  EXPECT_EQ(TextOf(about(5).part), "division 140000, year 2024");
  EXPECT_EQ(about(5).list, domain::CatalogList::kFunctional);
  // What is about the system is about everything.
  EXPECT_EQ(TextOf(about(1).part), "everything");
  EXPECT_EQ(TextOf(about(2).part), "everything");
}

TEST(VisibleTest, WhatCannotBeReadIsAboutEverything) {
  for (const auto kind :
       {domain::EventKind::kStatement, domain::EventKind::kCatalog, domain::EventKind::kUpstream}) {
    domain::EventHeader header;
    header.kind = kind;
    EXPECT_EQ(TextOf(services::AboutEvent(header, "junk").part), "everything");
  }
}

}  // namespace
}  // namespace fiscal::testing
