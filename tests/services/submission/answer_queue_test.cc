// What a StreamBudgets call writes, reads and ends with, as rows: what happened => what it starts.
//
//   frame N    a frame came, with a budget of N bytes       part     one that is no budget yet
//   eof        the stream has no more frames                late     a frame that is not taken
//   begin, is, done    the three steps of a frame by themselves
//   answer I   budget I is answered with "aI"                written, unheard    a write ended
//   and more   of a write: the next one follows at once
//   drain      the process stops
#include "services/submission/answer_queue.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

class Script {
 public:
  explicit Script(AnswerQueue::Options options) : queue_(options) {}

  void Run(absl::string_view rows) {
    for (absl::string_view row : absl::StrSplit(rows, '\n', absl::SkipWhitespace())) {
      const std::pair<absl::string_view, absl::string_view> sides = absl::StrSplit(row, "=>");
      const std::string event(absl::StripAsciiWhitespace(sides.first));
      EXPECT_EQ(Happen(event), absl::StripAsciiWhitespace(sides.second)) << row;
    }
  }

 private:
  std::string Happen(const std::string& event) {
    const std::vector<std::string> words = absl::StrSplit(event, ' ');
    int64_t number = 0;
    if (words.size() > 1) {
      EXPECT_TRUE(absl::SimpleAtoi(words[1], &number)) << event;
    }
    const std::string& word = words[0];
    if (word == "frame" || word == "part" || word == "eof" || word == "begin") {
      EXPECT_TRUE(queue_.BeginFrame()) << event;
    }
    if (word == "late") {
      EXPECT_FALSE(queue_.BeginFrame());
    }
    if (word == "frame" || word == "is") queue_.Add(static_cast<size_t>(number));
    if (word == "frame" || word == "part" || word == "late" || word == "done")
      queue_.EndFrame(/*last=*/false);
    if (word == "eof") queue_.EndFrame(/*last=*/true);
    if (word == "answer") queue_.Answer(number, absl::StrCat("a", number));
    if (word == "written") queue_.EndWrite(true);
    if (word == "unheard") queue_.EndWrite(false);
    if (word == "drain") queue_.Drain(absl::UnavailableError("stopping"));
    const AnswerQueue::Start start = queue_.Next();
    std::vector<std::string> started;
    if (start.write.has_value())
      started.push_back(absl::StrCat("write ", *start.write, start.more ? " and more" : ""));
    if (start.read) started.push_back("read");
    if (start.end.has_value())
      started.push_back(absl::StrCat("end ", absl::StatusCodeToString(start.end->code())));
    return absl::StrJoin(started, ", ");
  }

  AnswerQueue queue_;
};

TEST(AnswerQueueTest, AnswersLeaveInTheOrderOfTheBudgets) {
  Script({}).Run(R"(
    frame 10  => read
    frame 10  => read
    frame 10  => read
    answer 2  =>
    answer 1  =>
    answer 0  => write a0
    written   => write a1 and more
    written   => write a2
    frame 10  => read
    answer 3  =>
    written   => write a3
    written   =>
    eof       => end OK
  )");
}

TEST(AnswerQueueTest, ItEndsWhenTheLastAnswerIsWritten) {
  Script({}).Run("eof => end OK");
  Script({}).Run(R"(
    part      => read
    frame 10  => read
    eof       =>
    answer 0  => write a0
    written   => end OK
    written   =>
  )");
}

TEST(AnswerQueueTest, ReadingStopsWhileTooMuchIsUnanswered) {
  Script({/*budgets_max=*/2, /*bytes_max=*/1000}).Run(R"(
    frame 1   => read
    frame 1   =>
    answer 1  =>
    answer 0  => write a0, read
    written   => write a1
    frame 1   => read
  )");
  // The budget that goes over the bound was read already; no other is.
  Script({/*budgets_max=*/100, /*bytes_max=*/1000}).Run(R"(
    frame 999   => read
    frame 5000  =>
    answer 0    => write a0
    written     =>
    answer 1    => write a1, read
  )");
  // A refused budget holds no bytes.
  Script({/*budgets_max=*/100, /*bytes_max=*/1000}).Run(R"(
    frame 0  => read
    frame 0  => read
  )");
}

TEST(AnswerQueueTest, AnAnswerMayComeWhileItsFrameIsTaken) {
  Script({}).Run(R"(
    begin     =>
    is 10     =>
    answer 0  => write a0
    written   =>
    done      => read
  )");
}

TEST(AnswerQueueTest, ADrainAnswersWhatWasReadAndTakesNoMore) {
  Script({}).Run("drain => end UNAVAILABLE");
  Script({}).Run(R"(
    frame 10  => read
    frame 10  => read
    answer 0  => write a0
    drain     =>
    answer 1  =>
    written   => write a1
    written   => end UNAVAILABLE
    late      =>
  )");
  // While a frame is taken it may become a budget, which is answered too.
  Script({}).Run(R"(
    begin     =>
    drain     =>
    is 10     =>
    done      =>
    answer 0  => write a0
    written   => end UNAVAILABLE
  )");
  Script({}).Run(R"(
    frame 10  => read
    part      => read
    drain     =>
    late      =>
    answer 0  => write a0
    written   => end UNAVAILABLE
  )");
  // All was read before: there is nothing to send again.
  Script({}).Run(R"(
    frame 10  => read
    eof       =>
    drain     =>
    answer 0  => write a0
    written   => end OK
  )");
}

TEST(AnswerQueueTest, ACallerWhoHearsNoMoreKeepsThePlacesOfWhatIsUnderWay) {
  Script({}).Run(R"(
    frame 10  => read
    frame 10  => read
    frame 10  => read
    answer 0  => write a0
    answer 1  =>
    unheard   =>
    eof       =>
    answer 2  => end OK
  )");
}

}  // namespace
}  // namespace fiscal::services
