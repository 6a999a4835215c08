// What a watcher is told, message by message, and when: first the rows, then each change of them.
#include "services/ledger/answer/watch.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Watch;
using services::WatchEvent;
using services::WatchMessage;

// A city and its county; three agencies of the city, of which two are in one department.
constexpr absl::string_view kCatalog = R"(
  divisions 141100 141121<141100                        => revised @1, 2 added
  agencies  141100 101001/101 101002/101 102001/102     => revised @2, 3 added
  agencies  141121 101001/101                           => revised @3, 1 added
  codes     141100 205 20502 208 20805                  => revised @4, 4 added
)";

// Rows beside those of the ledger:
//
//   watch name division filter [by=...] [| division filter ...] [conflated] [after=position]
//       [cost=units]
//   hears name [at=position]   all that it is told until it is level with the log, or with at=
//   skip name at=position      nothing up to there concerns it
//   restart                    totals are opened anew: older changes are read from the store
//
// A message is its event and position, then rows: "205 10.00" in a snapshot, "205 10.00 -> 9.00" in
// a change; of several filters each row has the number of its filter before it: "(1) 205 10.00".
class WatchTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  WatchTest() {
    script_.Add("watch", [this](const Words& words) { return Open(words); });
    script_.Add("hears", [this](const Words& words) { return Hear(words); });
    script_.Add("skip", [this](const Words& words) {
      Watch& watch = *watches_.at(words.at(1));
      watch.SkipTo(script_.Fold(words));
      return At(watch.position());
    });
    script_.Add("restart", [this](const Words&) {
      watches_.clear();
      script_.Restart();
      return std::string();
    });
    EXPECT_SCRIPT(script_, kCatalog);
  }

  std::string Open(const Words& words) {
    Watch::Options options;
    options.conflated = Has(words, "conflated");
    if (std::string after; Find(words, "after", &after) != nullptr)
      options.resume = domain::Position(Number(words, "after", 0));
    options.cost_max = Number(words, "cost", UINT64_MAX);
    for (size_t at = 2; at < words.size();) {
      Words filter = Until("|", words, &at);
      filter.insert(filter.begin(), "filter");
      options.totals.push_back({FilterOf(filter), GroupByOf(filter)});
    }
    filters_[words.at(1)] = options.totals.size();
    watches_[words[1]] =
        std::make_unique<Watch>(script_.projector(), script_.reader(), std::move(options));
    return "";
  }

  std::string Hear(const Words& words) {
    Watch& watch = *watches_.at(words.at(1));
    const domain::Position folded = script_.Fold(words);
    std::vector<std::string> said;
    do {
      const auto message = watch.Next(folded);
      if (!message.ok()) {
        said.push_back(SayRefusal(message.status()));
        break;
      }
      if (message->has_value()) said.push_back(Say(**message, filters_.at(words[1])));
    } while (watch.more());
    return said.empty() ? "nothing" : absl::StrJoin(said, "; ");
  }

  static std::string Say(const WatchMessage& message, size_t filters) {
    static constexpr absl::string_view kNames[] = {"none",     "snapshot",  "change",
                                                   "progress", "caught up", "fell behind"};
    std::string out =
        absl::StrCat(kNames[static_cast<size_t>(message.event)], " ", At(message.position));
    std::vector<std::string> rows;
    for (const WatchMessage::Change& change : message.changes) {
      std::string row = filters > 1 ? absl::StrCat("(", change.filter, ") ") : "";
      absl::StrAppend(&row, SayGroup(change.row.group));
      if (message.event != WatchEvent::kSnapshot)
        absl::StrAppend(&row, Yuan(change.row.before.amount_fen), " -> ");
      rows.push_back(absl::StrCat(row, Yuan(change.row.after.amount_fen)));
    }
    if (!rows.empty()) absl::StrAppend(&out, ": ", absl::StrJoin(rows, " | "));
    return out;
  }

  LedgerScript script_{services::CheckRules, WrittenEvery(GetParam())};
  std::map<std::string, std::unique_ptr<Watch>> watches_;
  // How many filters each has.
  std::map<std::string, size_t> filters_;
};

TEST_P(WatchTest, FirstTheRowsThenEachChange) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:1000.00   => created r1 @5, 1 line
    watch  w 141100
    hears  w                                   => snapshot @5: 1000.00; caught up @5
    hears  w                                   => nothing
    submit r2 141100/101001 l1=20502:900.00    => revised r2 @6, 1 line
    submit r3 141121/101001 l1=20805:1         => created r1 @7, 1 line
    hears  w                                   => change @6: 1000.00 -> 900.00; change @7: 900.00 -> 901.00
    hears  w                                   => nothing
    withdraw w1 141121/101001                  => revised r2 @8, 0 lines
    hears  w                                   => change @8: 901.00 -> 900.00
  )");
}

TEST_P(WatchTest, WhatDoesNotConcernItIsNotTold) {
  EXPECT_SCRIPT(script_, R"(
    watch  w 141100 own functional=205
    hears  w                                             => snapshot @4: 0.00; caught up @4
    submit r1 141100/101001 l1=20805:7                   => created r1 @5, 1 line   # another code
    submit r2 141121/101001 l1=20502:7                   => created r1 @6, 1 line   # the county's
    submit r3 141100/101001 stage=final l1=20502:7       => created r1 @7, 1 line   # another stage
    hears  w                                             => nothing
    submit r5 141100/102001 l1=20502:7                   => created r1 @8, 1 line
    hears  w                                             => change @8: 0.00 -> 7.00
  )");
}

TEST_P(WatchTest, OnlyRowsThatChangedAreTold) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:10 l2=20805:1   => created r1 @5, 2 lines
    watch  w 141100 by=functional depth=1
    hears  w                                         => snapshot @5: 205 10.00 | 208 1.00; caught up @5
    submit r2 141100/101001 l1=20502:9 l2=20805:1    => revised r2 @6, 2 lines
    submit r3 141100/101002 l1=20805:2               => created r1 @7, 1 line
    submit r4 141100/101001 l2=20805:1               => revised r3 @8, 1 line
    hears  w                                         => change @6: 205 10.00 -> 9.00; change @7: 208 1.00 -> 3.00; change @8: 205 9.00 -> 0.00
  )");
}

TEST_P(WatchTest, WhatWasCommittedAtOnceIsToldAtOnce) {
  EXPECT_SCRIPT(script_, R"(
    watch  w 141100 stage=reallocation own by=agency
    watch  s 141100 stage=reallocation
    hears  w                                                            => snapshot @4; caught up @4
    hears  s                                                            => snapshot @4: 0.00; caught up @4
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5   => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
    hears  w                                                            => change @6: 101001 0.00 -> -5.00 | 102001 0.00 -> 5.00
    rows   141100 stage=reallocation own by=agency                      => 101001 -5.00 | 102001 5.00 | 0.00
  )");
  // The sum of both parts: its lines changed, its amount did not.
  EXPECT_SCRIPT(script_, R"(
    hears  s                                                            => change @6: 0.00 -> 0.00
  )");
}

TEST_P(WatchTest, ManyQuestionsAreOneWatch) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:10        => created r1 @5, 1 line
    watch  w 141100 functional=205 | 141121
    hears  w                                   => snapshot @5: (0) 10.00 | (1) 0.00; caught up @5
    submit r2 141121/101001 l1=20502:1         => created r1 @6, 1 line
    hears  w                                   => change @6: (0) 10.00 -> 11.00 | (1) 0.00 -> 1.00
  )");
}

TEST_P(WatchTest, AConflatedWatchIsToldWhereRowsAreAndNotHowTheyCameThere) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:1000      => created r1 @5, 1 line
    watch  c 141100 conflated
    hears  c                                   => snapshot @5: 1000.00; caught up @5
    submit r2 141100/101001 l1=20502:900       => revised r2 @6, 1 line
    submit r3 141100/101001 l1=20502:800       => revised r3 @7, 1 line
    hears  c                                   => change @7: 1000.00 -> 800.00
    submit r4 141100/101001 l1=20502:900       => revised r4 @8, 1 line
    submit r5 141100/101001 l1=20502:800       => revised r5 @9, 1 line
    hears  c                                   => nothing   # there and back
  )");
}

TEST_P(WatchTest, AWatchGoesOnWhereItWas) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:1000      => created r1 @5, 1 line
    submit r2 141100/101001 l1=20502:900       => revised r2 @6, 1 line
    submit r3 141100/101001 l1=20502:800       => revised r3 @7, 1 line
    watch  w 141100 after=5
    hears  w                                   => change @6: 1000.00 -> 900.00; change @7: 900.00 -> 800.00; caught up @7
    watch  w 141100 after=7
    hears  w                                   => caught up @7
    watch  c 141100 after=4 conflated
    hears  c                                   => change @7: 0.00 -> 800.00; caught up @7
    restart
    watch  w 141100 after=5
    hears  w                                   => change @6: 1000.00 -> 900.00; change @7: 900.00 -> 800.00; caught up @7
    watch  c 141100 after=4 conflated
    hears  c                                   => change @7: 0.00 -> 800.00; caught up @7
  )");
}

TEST_P(WatchTest, NothingIsToldPastWhatMayBe) {
  EXPECT_SCRIPT(script_, R"(
    watch  w 141100
    hears  w                                   => snapshot @4: 0.00; caught up @4
    submit r1 141100/101001 l1=20502:10        => created r1 @5, 1 line
    submit r2 141100/101001 l1=20502:20        => revised r2 @6, 1 line
    hears  w at=5                              => change @5: 0.00 -> 10.00
    hears  w at=5                              => nothing
    hears  w                                   => change @6: 10.00 -> 20.00
  )");
}

TEST_P(WatchTest, WhatIsSkippedIsNotLookedAt) {
  EXPECT_SCRIPT(script_, R"(
    watch  w 141121
    hears  w                                   => snapshot @4: 0.00; caught up @4
    submit r1 141100/101001 l1=20502:10        => created r1 @5, 1 line
    skip   w at=5                              => @5
    submit r2 141121/101001 l1=20502:20        => created r1 @6, 1 line
    hears  w                                   => change @6: 0.00 -> 20.00
  )");
  // The county's own money reaches it by one node.
  const std::vector<domain::NodeId> nodes = watches_.at("w")->Nodes();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].stage, domain::Stage::kApproved);
}

TEST_P(WatchTest, ADivisionThatIsNewIsARow) {
  EXPECT_SCRIPT(script_, R"(
    watch     w 141100 by=division
    hears     w                                => snapshot @4; caught up @4
    divisions 141100 141122<141100             => revised @5, 1 added
    agencies  141122 101001/101                => revised @6, 1 added
    submit    r1 141122/101001 l1=20502:10     => created r1 @7, 1 line
    hears     w                                => change @7: 141100 0.00 -> 10.00 | 141122 0.00 -> 10.00
  )");
}

TEST_P(WatchTest, WhatCantBeAnsweredEndsIt) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 l1=20502:10        => created r1 @5, 1 line
    watch  w 149900
    hears  w                                   => DIVISION_UNKNOWN
    watch  w 141100 by=project cost=1
    hears  w                                   => READ_TOO_LARGE
  )");
}

TEST_P(WatchTest, AWatcherWhoLeftIsReadForNoLonger) {
  EXPECT_SCRIPT(script_, "watch w 141100 by=project");
  watches_.at("w")->Abandon();
  EXPECT_EQ(watches_.at("w")->Next(script_.Fold({"hears", "w"})).status().code(),
            absl::StatusCode::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Writes, WatchTest, ::testing::Values(1, 1000));

// More cells than memory has for watchers: the changes are in the store, and a watcher who had
// caught up is told that he fell behind.
class FarBehindTest : public WatchTest {
 protected:
  static constexpr int kStatements = 70;

  FarBehindTest() {
    std::string codes = "codes 141100 230";
    for (int item = 0; item < 1000; ++item) {
      if (item % 100 == 0) absl::StrAppend(&codes, " ", 23010 + item / 100);
      absl::StrAppend(&codes, " ", 2301000 + item);
    }
    script_.Run(codes);
    script_.Run("submit first 141100/101002 l1=20502:1");
    EXPECT_SCRIPT(script_, R"(
      watch w 141100
      watch c 141100 conflated
      hears w   => snapshot @6: 1.00; caught up @6
      hears c   => snapshot @6: 1.00; caught up @6
    )");
    for (int i = 1; i <= kStatements; ++i) {
      std::string row = absl::StrCat("submit s", i, " 141100/101001");
      for (int item = 0; item < 1000; ++item)
        absl::StrAppend(&row, " l", item, "=", 2301000 + item, ":", i);
      script_.Run(row);
    }
  }
};

TEST_P(FarBehindTest, EachChangeIsToldFromTheStore) {
  Watch& watch = *watches_.at("w");
  const domain::Position folded = script_.Fold({"hears", "w"});
  ASSERT_GT(script_.projector().remembered(), watch.position() + 1);
  std::vector<std::string> said;
  do {
    const auto message = watch.Next(folded);
    ASSERT_TRUE(message.ok()) << message.status();
    if (message->has_value()) said.push_back(Say(**message, 1));
  } while (watch.more());
  ASSERT_EQ(said.size(), kStatements + 2u) << absl::StrJoin(said, "\n");
  EXPECT_EQ(said[0], "fell behind @6");
  EXPECT_EQ(said[1], "change @7: 1.00 -> 1001.00");
  EXPECT_EQ(said[kStatements], "change @76: 69001.00 -> 70001.00");
  EXPECT_EQ(said.back(), "caught up @76");
}

TEST_P(FarBehindTest, AConflatedWatchIsToldTheDifference) {
  EXPECT_SCRIPT(script_, R"(
    hears c   => fell behind @6; change @76: 1.00 -> 70001.00; caught up @76
    hears c   => nothing
  )");
}

INSTANTIATE_TEST_SUITE_P(Writes, FarBehindTest, ::testing::Values(1));

}  // namespace
}  // namespace fiscal::testing
