// AuthorityService itself: what is wrong with an order is said by field; pages; a copy of the log
// takes no orders.
#include "services/authority/authority_rpc.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/tenants.h"

namespace fiscal::testing {
namespace {

namespace auth = fiscal::authority::v1;

class AuthorityRpcTest : public ::testing::Test {
 protected:
  // "REASON field" of what is wrong with a grant.
  std::string Wrong(const std::function<void(auth::GrantRequest*)>& spoil) {
    auth::GrantRequest request;
    request.set_principal(Tenants::PrincipalOf("a"));
    request.set_role("reader");
    request.mutable_scope()->set_division_code("141100");
    spoil(&request);
    grpc::ClientContext context;
    auth::GrantResponse response;
    return WhatIsWrong(stub_->Grant(&context, request, &response));
  }
  static std::string WhatIsWrong(const grpc::Status& status) {
    const client::Error error = client::ToError(status);
    return error.violations.empty()
               ? error.reason
               : absl::StrCat(error.violations[0].reason, " ", error.violations[0].field);
  }

  Tenants tenants_;
  std::unique_ptr<auth::AuthorityService::Stub> stub_ =
      auth::AuthorityService::NewStub(tenants_.As("admin/one"));
};

TEST_F(AuthorityRpcTest, WhatIsWrongIsSaidByField) {
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->clear_principal(); }),
            "REQUIRED_FIELD_MISSING principal");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->set_principal("upstream:city"); }),
            "PRINCIPAL_MALFORMED principal");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->set_role("emperor"); }), "ROLE_UNKNOWN role");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->mutable_scope()->set_division_code("1411"); }),
            "CODE_MALFORMED scope.division_code");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) {
              r->mutable_scope()->clear_division_code();
              r->mutable_scope()->add_department_codes("035");
            }),
            "REQUIRED_FIELD_MISSING scope.division_code");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->mutable_scope()->add_department_codes(""); }),
            "CODE_MALFORMED scope.department_codes[0]");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->mutable_scope()->set_first_fiscal_year(24); }),
            "CODE_MALFORMED scope.first_fiscal_year");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->mutable_scope()->set_last_fiscal_year(-1); }),
            "CODE_MALFORMED scope.last_fiscal_year");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) {
              r->mutable_scope()->set_first_fiscal_year(2025);
              r->mutable_scope()->set_last_fiscal_year(2024);
            }),
            "QUERY_INVALID scope.last_fiscal_year");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) {
              r->mutable_scope()->add_stages(budget::v1::STAGE_CURRENT);
            }),
            "ENUM_UNKNOWN scope.stages[0]");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->set_note(std::string(501, 'x')); }),
            "TEXT_INVALID note");
  EXPECT_EQ(Wrong([](auth::GrantRequest* r) { r->set_principal(Tenants::PrincipalOf("admin/*")); }),
            "SECOND_PERSON_NEEDED");
  EXPECT_EQ(Wrong([](auth::GrantRequest*) {}), "");
}

// Nothing is guessed where somebody asks why.
TEST_F(AuthorityRpcTest, WhatIsAskedAboutGrantsIsSomething) {
  const auto explain = [&](const std::function<void(auth::ExplainedPart*)>& spoil) {
    auth::ExplainRequest request;
    request.set_principal(Tenants::PrincipalOf("a"));
    request.set_verb(method::v1::VERB_WRITE);
    spoil(request.mutable_part());
    grpc::ClientContext context;
    auth::ExplainResponse response;
    return WhatIsWrong(stub_->Explain(&context, request, &response));
  };
  EXPECT_EQ(explain([](auth::ExplainedPart* p) { p->set_division_code("1411"); }),
            "CODE_MALFORMED part.division_code");
  EXPECT_EQ(explain([](auth::ExplainedPart* p) { p->set_department_code(" "); }),
            "CODE_MALFORMED part.department_code");
  EXPECT_EQ(explain([](auth::ExplainedPart* p) { p->set_agency_code(std::string(33, '1')); }),
            "CODE_MALFORMED part.agency_code");
  EXPECT_EQ(explain([](auth::ExplainedPart* p) { p->set_fiscal_year(24); }),
            "CODE_MALFORMED part.fiscal_year");
  EXPECT_EQ(
      explain([](auth::ExplainedPart* p) { p->set_stage(static_cast<budget::v1::Stage>(9)); }),
      "ENUM_UNKNOWN part.stage");
  EXPECT_EQ(explain([](auth::ExplainedPart*) {}), "");
  const auto list = [&](const std::string& principal, const std::string& role) {
    auth::ListGrantsRequest request;
    request.set_principal(principal);
    request.set_role(role);
    grpc::ClientContext context;
    auth::ListGrantsResponse response;
    return WhatIsWrong(stub_->ListGrants(&context, request, &response));
  };
  EXPECT_EQ(list("somebody", ""), "PRINCIPAL_MALFORMED principal");
  EXPECT_EQ(list("", "emperor"), "ROLE_UNKNOWN role");
  EXPECT_EQ(list(Tenants::PrincipalOf("a"), "reader"), "");
}

TEST_F(AuthorityRpcTest, GrantsComeInPagesOfOneQuestion) {
  for (int i = 0; i < 5; ++i)
    tenants_.Grant(absl::StrCat("a/", i), "reader", Tenants::Scope("141100"));
  auth::ListGrantsRequest request;
  request.set_page_size(2);
  std::vector<int> sizes;
  do {
    grpc::ClientContext context;
    auth::ListGrantsResponse response;
    ASSERT_TRUE(stub_->ListGrants(&context, request, &response).ok());
    sizes.push_back(response.grants_size());
    request.set_page_token(response.next_page_token());
    if (sizes.size() == 1) {
      auth::ListGrantsRequest other = request;
      other.set_role("reader");
      grpc::ClientContext second;
      EXPECT_EQ(client::ToError(stub_->ListGrants(&second, other, &response)).reason,
                "PAGE_TOKEN_INVALID");
    }
  } while (!request.page_token().empty());
  EXPECT_EQ(sizes, (std::vector<int>{2, 2, 1}));
}

}  // namespace
}  // namespace fiscal::testing
