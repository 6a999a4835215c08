// Callers take turns: rows of pushes and turns.
#include "services/rpc/fair_queue.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

// Words, one after the other:
//
//   a1      caller a comes with item 1
//   >       the next turn, of cost 1; >9: of cost 9
//   $a9     adds 9 to a's account
//   -a      whatever a has that is even goes
//
// Returns what the turns were, and what was removed in brackets.
std::string TurnsOf(absl::string_view script) {
  FairQueue<int> queue;
  std::vector<std::string> said;
  for (absl::string_view word : absl::StrSplit(script, ' ', absl::SkipEmpty())) {
    int number = 1;
    if (word[0] == '>') {
      (void)absl::SimpleAtoi(word.substr(1), &number);
      const std::string* caller = queue.Next();
      if (caller == nullptr) {
        said.push_back("nobody");
        continue;
      }
      const std::string name = *caller;
      const int front = queue.Front(name);
      const int taken = queue.Take(name, static_cast<uint64_t>(number));
      EXPECT_EQ(front, taken);
      said.push_back(absl::StrCat(name, taken));
    } else if (word[0] == '$') {
      (void)absl::SimpleAtoi(word.substr(2), &number);
      queue.Charge(word.substr(1, 1), static_cast<uint64_t>(number));
    } else if (word[0] == '-') {
      const std::vector<int> gone =
          queue.Remove(word.substr(1), [](int item) { return item % 2 == 0; });
      said.push_back(absl::StrCat("[", absl::StrJoin(gone, ","), "]"));
    } else {
      (void)absl::SimpleAtoi(word.substr(1), &number);
      queue.Push(word.substr(0, 1), number);
    }
  }
  return absl::StrJoin(said, " ");
}

TEST(FairQueueTest, Turns) {
  const std::pair<const char*, const char*> rows[] = {
      {">", "nobody"},
      {"a1 a2 a3 > > > >", "a1 a2 a3 nobody"},
      {"a1 a2 b1 c1 > > > >", "a1 b1 c1 a2"},
      // A costly turn is followed by others'.
      {"a1 a2 b1 b2 b3 >9 > > > >", "a1 b1 b2 b3 a2"},
      // The cost is known afterwards: it counts for the next turn.
      {"a1 a2 b1 b2 > $a9 > > >", "a1 b1 b2 a2"},
      // A pause earns nothing: who comes late is level with the last turn.
      {"a1 a2 a3 >5 >5 b1 b2 >5 > >", "a1 a2 b1 a3 b2"},
      {"a1 >9 a2 >9 a3 >9 a4 a5 b1 b2 b3 >9 >9 >9 >9 >9", "a1 a2 a3 b1 a4 b2 a5 b3"},
      // An account is kept while it is above the level.
      {"a1 >9 b1 > a2 b2 > >", "a1 b1 b2 a2"},
      {"a1 a2 a3 a4 b1 -a > > > >", "[2,4] a1 b1 a3 nobody"},
      {"a2 -a > a1 >", "[2] nobody a1"},
      {"-a", "[]"}};
  for (const auto& [script, turns] : rows) EXPECT_EQ(TurnsOf(script), turns) << script;
}

TEST(FairQueueTest, OnlyWhoMayIsNext) {
  FairQueue<int> queue;
  queue.Push("a", 1);
  queue.Push("b", 2);
  const auto not_a = [](const std::string& caller) { return caller != "a"; };
  ASSERT_NE(queue.Next(not_a), nullptr);
  EXPECT_EQ(*queue.Next(not_a), "b");
  EXPECT_EQ(queue.Next([](const std::string&) { return false; }), nullptr);
}

TEST(FairQueueTest, SizesAreThoseOfWhatWaits) {
  FairQueue<int> queue;
  EXPECT_TRUE(queue.empty());
  queue.Push("a", 1);
  queue.Push("a", 2);
  queue.Push("b", 3);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(queue.SizeOf("a"), 2u);
  EXPECT_EQ(queue.SizeOf("c"), 0u);
  queue.Take("a", 1);
  EXPECT_EQ(queue.SizeOf("a"), 1u);
  EXPECT_EQ(queue.size(), 2u);
}

}  // namespace
}  // namespace fiscal::services::rpc
