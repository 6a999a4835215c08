// One verify at a time; how far it is and what the last one found is known.
#include "services/ledger/compare/verifier.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/schema.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Verifier;

class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                         => revised @1, 1 added
      agencies  141100 101001/101              => revised @2, 1 added
      codes     141100 205 20502               => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10      => created r1 @4, 1 line
    )");
    // A run asks whether it is still wanted every few events.
    for (int i = 1; i <= 40; ++i)
      script_.Run(absl::StrCat("submit s", i, " 141100/101001 l1=20502:", i));
    script_.Fold({"fold"});
  }
  LedgerScript script_{services::CheckRules, {1, 1}};
  Verifier verifier_{script_.projector(), script_.log_kv(), script_.clock(), {}};
};

// A second caller is refused and disturbs nothing.
TEST_F(VerifierTest, OneAtATime) {
  EXPECT_EQ(verifier_.state().last_run, absl::InfinitePast());
  bool inside = false;
  const auto cancelled = verifier_.Run([&] {
    EXPECT_TRUE(verifier_.state().running);
    EXPECT_EQ(SayRefusal(verifier_.Run(nullptr).status()), "CHECK_RUNNING");
    inside = true;
    return true;
  });
  EXPECT_TRUE(inside);
  EXPECT_TRUE(absl::IsCancelled(cancelled.status()));
  EXPECT_FALSE(verifier_.state().running);
  EXPECT_EQ(verifier_.state().last_run, absl::InfinitePast()) << "it did not come to its end";
}

TEST_F(VerifierTest, TheEndOfTheLastRunIsKept) {
  const auto whole = verifier_.Run(nullptr);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(verifier_.state().progress.events_done, static_cast<uint64_t>(whole->event_count));
  EXPECT_EQ(verifier_.state().last_run, script_.clock().Now());
  EXPECT_EQ(verifier_.state().difference_count, 0);

  storage::Batch batch;
  batch.Delete(storage::PostingKey(domain::Position(4)));
  ASSERT_TRUE(script_.totals_kv().Write(batch, false).ok());
  script_.clock().Advance(absl::Hours(1));
  ASSERT_TRUE(verifier_.Run(nullptr).ok());
  EXPECT_EQ(verifier_.state().difference_count, 1);
  EXPECT_EQ(verifier_.state().last_run, script_.clock().Now());
}

}  // namespace
}  // namespace fiscal::testing
