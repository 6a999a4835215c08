// What a scrape says: counters where things happen, samples of what is asked then.
#include "services/ops/metrics.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

TEST(MetricsTest, AScrapeAsksItsSamplerAndForgetsItWhenItGoes) {
  Metrics metrics;
  metrics.SetSampler([](Samples* out) {
    out->Gauge("fiscal_watchers", "Open watches.", 2, {{"state", "idle"}});
    out->Gauge("fiscal_watchers", "Open watches.", 3, {{"state", "sending"}});
  });
  const std::string scraped = metrics.Scrape();
  EXPECT_TRUE(absl::StrContains(scraped, "fiscal_watchers{state=\"idle\"} 2\n")) << scraped;
  EXPECT_TRUE(absl::StrContains(scraped, "fiscal_watchers{state=\"sending\"} 3\n"));
  metrics.SetSampler(nullptr);
  EXPECT_FALSE(absl::StrContains(metrics.Scrape(), "fiscal_watchers"));
  EXPECT_TRUE(absl::StrContains(metrics.Scrape(), "process_open_fds"));
}

TEST(MetricsTest, CountsDecisionsRefusalsAndLines) {
  Metrics metrics;
  metrics.CountSubmission("budget", "created", 5);
  metrics.CountSubmission("budget", "created", 7);
  metrics.CountSubmission("catalog", "imported", 0);
  metrics.CountRefusal("CODE_UNKNOWN");
  const std::string scraped = metrics.Scrape();
  for (const char* line :
       {"fiscal_submissions_total{kind=\"budget\",result=\"created\"} 2\n",
        "fiscal_submissions_total{kind=\"catalog\",result=\"imported\"} 1\n",
        "fiscal_committed_lines_total 12\n", "fiscal_refusals_total{reason=\"CODE_UNKNOWN\"} 1\n",
        // There from the start, so that the first of them is a rise.
        "fiscal_refusals_total{reason=\"STORAGE_DAMAGED\"} 0\n"})
    EXPECT_TRUE(absl::StrContains(scraped, line)) << line << scraped;
}

}  // namespace
}  // namespace fiscal::services
