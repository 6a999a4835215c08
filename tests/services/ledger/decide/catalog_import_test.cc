// An import is decided without being kept: what is new, what differs, what would move money.
#include "services/ledger/decide/catalog_import.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "gtest/gtest.h"
#include "storage/record_codec.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// Row beside those of the ledger; nothing of it is kept:
//
//   decide id agencies division code/department...   how many entries are new, differ, are the
//       same; which of them would be kept
class CatalogImportTest : public ::testing::Test {
 protected:
  CatalogImportTest() {
    script_.Add("decide", [this](const Words& words) { return Decide(words); });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                               => revised @1, 1 added
      agencies  141100 id=first 101001/101 101002/101   => revised @2, 2 added
      codes     141100 205 20502                     => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10            => created r1 @4, 1 line
    )");
  }

  std::string Decide(const Words& words) {
    domain::CatalogImport import;
    import.request_id = words.at(1);
    import.event = {domain::ParseCode(words.at(3)), 2024, domain::CatalogList::kAgency,
                    EntriesOf(domain::CatalogList::kAgency, words, 4)};
    import.body = Sha256({storage::EncodeCatalog(import.event)});
    const auto group = script_.NextGroup();
    const auto d = services::Decide(import, group->standing());
    if (!d.ok()) return SayRefusal(d.status());
    if (d->repeated) return "repeated: " + SayReceipt(d->receipt.receipt);
    const domain::Receipt& r = d->receipt.receipt;
    std::string out =
        absl::StrCat(r.added, " new, ", r.changed, " changed, ", r.unchanged, " same");
    for (const domain::CatalogEntry& e : d->changed.entries) absl::StrAppend(&out, " | ", e.code);
    return out;
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(CatalogImportTest, OnlyWhatIsNewOrDiffersIsKept) {
  EXPECT_SCRIPT(script_, R"(
    decide second agencies 141100 101001/101 101002/102 101003/101   => 1 new, 1 changed, 1 same | 101002 | 101003
    decide second agencies 141100 101001/101                         => 0 new, 0 changed, 1 same
  )");
}

TEST_F(CatalogImportTest, ARepeatGetsItsAnswer) {
  EXPECT_SCRIPT(script_, R"(
    decide first agencies 141100 101001/101 101002/101   => repeated: revised @2, 2 added
    decide first agencies 141100 101001/101              => REQUEST_ID_REUSED
  )");
}

TEST_F(CatalogImportTest, CountedMoneyStaysWhereItIs) {
  EXPECT_SCRIPT(script_, R"(
    decide second agencies 141100 101001/102   => AGENCY_HAS_STATEMENTS entries[0].department_code
    decide second agencies 141100 101002/102   => 0 new, 1 changed, 0 same | 101002
  )");
}

}  // namespace
}  // namespace fiscal::testing
