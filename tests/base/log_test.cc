// What stands in a line of the log.
#include "base/log.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

TEST(LogTest, ALogFieldIsWhateverItHoldsAndNoMore) {
  EXPECT_EQ(logging::JsonString("预算 a"), "\"预算 a\"");
  EXPECT_EQ(logging::JsonString("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\te\"");
  EXPECT_EQ(logging::JsonString(absl::string_view("\0\x1b[31m\x7f", 7)),
            "\"\\u0000\\u001b[31m\\u007f\"");
  // Bytes that are no UTF-8 can't stand in JSON.
  EXPECT_EQ(logging::JsonString("\xff\xfe"), "\"\\u00ff\\u00fe\"");
}

// Two threads may find the same fault and each end the process, as server/process.cc does: what the
// one that ends it said is there.
TEST(LogTest, WhoStopsHasSaidWhatItSaid) {
  for (int run = 0; run < 20; ++run) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      dup2(ends[1], STDERR_FILENO);
      logging::Start({});
      // So that writing takes its time.
      for (int i = 0; i < 5000; ++i) logging::Info("before");
      const auto end = [](int code) {
        logging::Critical(absl::StrCat("thread ", code));
        logging::Stop();
        _exit(code);
      };
      std::thread first(end, 1), second(end, 2);
      first.join();
      second.join();
    }
    close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
      said.append(buffer, static_cast<size_t>(n));
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(absl::StrContains(said, absl::StrCat("thread ", WEXITSTATUS(status))))
        << "run " << run;
  }
}

}  // namespace
}  // namespace fiscal
