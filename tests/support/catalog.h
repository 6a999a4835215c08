// A small catalog and budgets over gRPC, for tests that need a living server and not a particular
// budget.
#ifndef FISCAL_TESTS_SUPPORT_CATALOG_H_
#define FISCAL_TESTS_SUPPORT_CATALOG_H_

#include <string>

#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "grpcpp/channel.h"

namespace fiscal::testing {

// Division 141100 with county 141121, agencies 101001 .. 101000+n of the city in departments 101 ..
// (10 agencies each) and the functional 类 208, 210 and 217 of 2024. Repeating it changes nothing.
// False when a call fails.
bool ImportSmallCatalog(const std::shared_ptr<grpc::Channel>& channel, int agencies);

// The code of the nth agency of that catalog, from 0, and its department.
std::string AgencyCode(int n);
std::string DepartmentCode(int n);

// A full statement of `lines` lines for the nth agency, amounts derived from `salt`.
fiscal::submission::v1::SubmitBudgetRequest MakeBudget(int agency, int lines, uint64_t salt,
                                                       const std::string& request_id);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_CATALOG_H_
