// Whether a reader of the log gets an event's content, by his grants as they are at that moment.
#include "services/log/log_view.h"

#include <string>

#include "gtest/gtest.h"
#include "storage/record_codec.h"
#include "tests/support/ledger_script.h"

namespace fiscal::services {
namespace {

using testing::LedgerScript;

bool Sees(const LogView& view, LedgerScript& script, uint64_t position) {
  const storage::LogEntry entry = *script.log().Read(domain::Position(position));
  absl::string_view payload;
  const domain::EventHeader header = *storage::DecodeHeader(*entry.record, &payload);
  return view.Sees(header, payload);
}

TEST(LogViewTest, AViewFollowsTheGrants) {
  LedgerScript script(CheckRules, {}, {"cn:one@ca", "cn:two@ca"});
  script.Run(R"(
    grant cn:c@ca catalog-owner 140000 by=cn:one@ca
    approve 1 by=cn:two@ca
    divisions 140000 141100<140000 142300<140000 by=cn:c@ca
    agencies  141100 035001/035 by=cn:c@ca
    codes     140000 205 20502 by=cn:c@ca
    grant cn:a@ca submitter 141100 by=cn:one@ca
    submit r1 141100/035001 l1=20502:1 by=cn:a@ca
    grant cn:u@ca consumer 141100 by=cn:one@ca
    grant cn:v@ca consumer 142300 by=cn:one@ca
  )");
  const auto catalog = [&] { return script.intake().catalog(); };
  const auto view = [&](const char* principal) {
    return LogView(script.authority(), catalog, principal, authority::Verb::kRollUp);
  };
  const LogView above = view("cn:u@ca");
  EXPECT_TRUE(Sees(above, script, 7));
  EXPECT_FALSE(Sees(view("cn:v@ca"), script, 7));
  EXPECT_FALSE(Sees(view("cn:a@ca"), script, 7));
  // Lists of above serve all; those of agencies their own division; grants are nobody's.
  EXPECT_TRUE(Sees(view("cn:v@ca"), script, 5));
  EXPECT_FALSE(Sees(view("cn:v@ca"), script, 4));
  EXPECT_FALSE(Sees(above, script, 6));
  EXPECT_SCRIPT(script, "revoke 8 by=cn:one@ca => created @10");
  EXPECT_FALSE(Sees(above, script, 7));
  // Who may have everything has everything.
  EXPECT_SCRIPT(script, R"(
    grant cn:w@ca consumer 0 by=cn:one@ca   => created @11
    approve 11 by=cn:two@ca                 => created @12
  )");
  EXPECT_TRUE(Sees(view("cn:w@ca"), script, 6));
}

TEST(LogViewTest, WithoutAuthorityEverythingIsSeen) {
  LedgerScript script(CheckRules);
  script.Run("divisions 140000 141100<140000");
  const LogView view(
      script.authority(), [&] { return script.intake().catalog(); }, "anonymous",
      authority::Verb::kReplicate);
  EXPECT_TRUE(Sees(view, script, 1));
}

}  // namespace
}  // namespace fiscal::services
