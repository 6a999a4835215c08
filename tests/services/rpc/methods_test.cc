// The table of methods is what the protos say of them.
#include "services/rpc/methods.h"

#include <map>
#include <set>
#include <string>

#include "fiscal/method/v1/method.pb.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

// The options themselves are held by tests/proto/method_test.cc.
TEST(MethodTableTest, IsMadeOfTheOptions) {
  std::set<std::string> paths, requests;
  std::map<std::string, CallKind> kinds;
  for (const Method& method : Methods()) {
    EXPECT_TRUE(paths.insert(method.path).second) << method.path;
    EXPECT_TRUE(requests.insert(method.request).second) << method.request;
    kinds[std::string(method.name())] = method.kind;
  }
  EXPECT_EQ(kinds["fiscal.admin.v1.AdminService/Verify"], CallKind::kOperator);
  EXPECT_EQ(kinds["fiscal.aggregation.v1.AggregationService/WatchTotals"], CallKind::kWatch);
  EXPECT_EQ(kinds["fiscal.catalog.v1.CatalogService/ImportCatalog"], CallKind::kWrite);
  EXPECT_EQ(kinds["fiscal.disclosure.v1.DisclosureService/GetTables"], CallKind::kHeavyRead);
  EXPECT_EQ(kinds["fiscal.federation.v1.FederationService/Reconcile"], CallKind::kSlowRead);
  EXPECT_EQ(kinds["fiscal.log.v1.EventLogService/GetTreeHead"], CallKind::kPointRead);
  EXPECT_EQ(kinds["fiscal.submission.v1.SubmissionService/StreamBudgets"], CallKind::kStream);
  for (const Method& method : Methods()) {
    if (method.name() != "fiscal.catalog.v1.CatalogService/ImportCatalog") continue;
    EXPECT_EQ(method.request, "fiscal.catalog.v1.ImportCatalogRequest");
    EXPECT_EQ(method.option.verb(), method::v1::VERB_WRITE_CATALOG);
    EXPECT_FALSE(method.option.read_only());
    ASSERT_EQ(method.option.scopes_size(), 1);
    EXPECT_EQ(method.option.scopes(0).division(), "division_code");
  }
}

}  // namespace
}  // namespace fiscal::services::rpc
