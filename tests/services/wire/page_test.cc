#include "services/wire/page.h"

#include "domain/reason.h"
#include "fiscal/budget/v1/budget.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

TEST(PageTest, APageHasASizeThatIsAskedForWithinItsBounds) {
  EXPECT_EQ(PageRoom::Of(0, 100, 1000)->count_max(), 100u);
  EXPECT_EQ(PageRoom::Of(7, 100, 1000)->count_max(), 7u);
  EXPECT_EQ(PageRoom::Of(5000, 100, 1000)->count_max(), 1000u);
  const auto negative = PageRoom::Of(-1, 100, 1000);
  EXPECT_EQ(negative.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(domain::Explain(negative.status()).refusal.reason, domain::Reason::kQueryInvalid);
}

// Fills a page with projects of so many bytes of text.
submission::v1::ListProjectsResponse Fill(PageRoom room, size_t bytes, int count) {
  submission::v1::ListProjectsResponse page;
  for (int i = 0; i < count && !room.full(); ++i) {
    page.add_projects()->set_overview(std::string(bytes, 'x'));
    if (!room.Take(page.mutable_projects())) break;
  }
  EXPECT_EQ(static_cast<size_t>(page.projects_size()), room.taken());
  return page;
}

TEST(PageTest, ItEndsByCount) {
  EXPECT_EQ(Fill(*PageRoom::Of(7, 100, 1000), 10, 50).projects_size(), 7);
  EXPECT_EQ(Fill(*PageRoom::Of(0, 100, 1000), 10, 50).projects_size(), 50);
}

TEST(PageTest, ItEndsByBytes) {
  for (const size_t bytes : {size_t{100}, size_t{5000}, size_t{84000}, size_t{1000000}}) {
    const auto page = Fill(*PageRoom::Of(0, 1000000, 1000000), bytes, 100000);
    EXPECT_LE(page.ByteSizeLong(), kPageBytesMax) << bytes;
    // Another would have been too much.
    EXPECT_GT(page.ByteSizeLong() + bytes + 64, kPageBytesMax - (32 << 10)) << bytes;
  }
}

TEST(PageTest, AnItemThatIsTooLargeGoesAlone) {
  EXPECT_EQ(Fill(*PageRoom::Of(0, 100, 1000), kPageBytesMax + 1, 3).projects_size(), 1);
  EXPECT_EQ(Fill(*PageRoom::Of(0, 100, 1000), kPageBytesMax - (100 << 10), 3).projects_size(), 1);
}

}  // namespace
}  // namespace fiscal::services::wire
