// fiscal-denied-bench [--pairs N]
//
// Whether a caller without a right can tell, by the answer or by its time, if what he asks for is
// there. Over one connection, requests for a foreign budget that has a statement of 5,000 lines
// alternate with the same for one that has none. Prints the medians of each and their ratio; ends
// with 1 when two answers differ in more than the code that was asked for, or the medians by more
// than 5 %. scripts/campaign.sh runs it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/support/catalog.h"
#include "tests/support/guarded_child.h"

namespace fiscal {
namespace {

namespace sub = fiscal::submission::v1;

constexpr double kDifferenceMax = 0.05;
// Agencies of a department that is not the caller's: one with a statement, and two without.
constexpr int kThere = 10, kMissing = 11, kMissingToo = 12;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-denied-bench: %s\n", what.c_str());
  std::exit(2);
}

// Asks once for what an agency has.
using Question = std::function<grpc::Status(grpc::ClientContext*, int agency)>;

// All that an answer says, with the agency's code taken out.
std::string ShapeOf(const grpc::Status& status, int agency) {
  const client::Error error = client::ToError(status);
  std::string shape = absl::StrCat(error.code, " ", error.reason, " ", error.message, " ",
                                   error.message_zh, " ", status.error_details().size());
  for (const auto& [key, value] : error.metadata) absl::StrAppend(&shape, " ", key, "=", value);
  return absl::StrReplaceAll(shape, {{testing::AgencyCode(agency), "AGENCY"}});
}

double Median(std::vector<double>* values) {
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

// False when the two can be told apart.
bool Compare(const char* name, int pairs, int one, int other, const Question& ask) {
  std::mt19937_64 random(7);
  std::string shapes[2];
  std::vector<double> times[2];
  const int agencies[] = {one, other};
  // The first ones warm up.
  for (int pair = -100; pair < pairs; ++pair) {
    const size_t first = random() % 2;
    for (const size_t which : {first, 1 - first}) {
      grpc::ClientContext context;
      const absl::Time start = absl::Now();
      const grpc::Status status = ask(&context, agencies[which]);
      const double us = absl::ToDoubleMicroseconds(absl::Now() - start);
      if (pair >= 0) times[which].push_back(us);
      const std::string shape = ShapeOf(status, agencies[which]);
      if (client::ToError(status).reason != "RIGHT_NOT_GRANTED")
        Die(absl::StrCat(name, " was answered ", shape));
      if (shapes[which].empty()) shapes[which] = shape;
      if (shape != shapes[0] && !shapes[0].empty()) {
        std::printf("%s: TOLD APART\n  %s\n  %s\n", name, shapes[0].c_str(), shape.c_str());
        return false;
      }
    }
  }
  const double a = Median(&times[0]), b = Median(&times[1]);
  const bool reached = std::abs(a / b - 1) < kDifferenceMax;
  std::printf("| %s | %d | %.1f | %.1f | %.3f | %s |\n", name, pairs, a, b, a / b,
              reached ? "yes" : "NO");
  std::fflush(stdout);
  return reached;
}

int Run(int pairs) {
  testing::GuardedChild server("denied");
  server.Start();
  const auto lists = server.As("lists"), owner = server.As("owner"), caller = server.As("caller");
  if (!server.AwaitServing(lists)) Die("the server does not start");
  for (const std::string& failed :
       {server.Grant("lists", "catalog-owner"),
        server.Grant("owner", "submitter", testing::DepartmentCode(kThere)),
        server.Grant("caller", "submitter", testing::DepartmentCode(0))}) {
    if (!failed.empty()) Die(failed);
  }
  if (!testing::ImportSmallCatalog(lists, 20)) Die("the catalog is refused");
  {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse receipt;
    const grpc::Status status = sub::SubmissionService::NewStub(owner)->SubmitBudget(
        &context, testing::MakeBudget(kThere, 5000, 1, "first"), &receipt);
    if (!status.ok()) Die(status.error_message());
  }
  const auto stub = sub::SubmissionService::NewStub(caller);
  const Question get = [&](grpc::ClientContext* context, int agency) {
    sub::GetBudgetRequest request;
    *request.mutable_budget() = testing::MakeBudget(agency, 0, 1, "").budget();
    sub::GetBudgetResponse response;
    return stub->GetBudget(context, request, &response);
  };
  int sent = 0;
  const Question submit = [&](grpc::ClientContext* context, int agency) {
    sub::SubmitBudgetRequest request =
        testing::MakeBudget(agency, 3, 2, absl::StrCat("r", 1000000 + sent++));
    // What stands of the one that is there.
    request.set_expected_revision(1);
    sub::SubmitBudgetResponse response;
    return stub->SubmitBudget(context, request, &response);
  };
  const Question list = [&](grpc::ClientContext* context, int agency) {
    sub::ListLineItemsRequest request;
    *request.mutable_budget() = testing::MakeBudget(agency, 0, 1, "").budget();
    sub::ListLineItemsResponse response;
    return stub->ListLineItems(context, request, &response);
  };
  const Question validate = [&](grpc::ClientContext* context, int agency) {
    sub::ValidateBudgetRequest request;
    *request.mutable_budget() = testing::MakeBudget(agency, 3, 2, "");
    sub::ValidateBudgetResponse response;
    return stub->ValidateBudget(context, request, &response);
  };
  std::printf("| foreign budget | pairs | there, us | missing, us | ratio | under 5 %% |\n");
  std::printf("|---|---:|---:|---:|---:|---|\n");
  bool reached = Compare("GetBudget", pairs, kThere, kMissing, get);
  reached &= Compare("SubmitBudget, expected_revision", pairs, kThere, kMissing, submit);
  reached &= Compare("ValidateBudget", pairs, kThere, kMissing, validate);
  reached &= Compare("ListLineItems", pairs, kThere, kMissing, list);
  // What the machine itself makes of two that are alike.
  Compare("GetBudget, both missing", pairs, kMissingToo, kMissing, get);
  return reached ? 0 : 1;
}

}  // namespace
}  // namespace fiscal

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  int pairs = 10000;
  if (argc == 3 && std::strcmp(argv[1], "--pairs") == 0) {
    pairs = std::atoi(argv[2]);
  } else if (argc != 1) {
    pairs = 0;
  }
  if (pairs <= 0) {
    std::fprintf(stderr, "usage: fiscal-denied-bench [--pairs N]\n");
    return 2;
  }
  return fiscal::Run(pairs);
}
