#include "clients/cli/commands/submit_sheets.h"

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/commands/outcomes.h"
#include "clients/cli/print/json.h"
#include "clients/cli/read/names.h"
#include "clients/cpp/stream_submitter.h"
#include "google/rpc/error_details.pb.h"

namespace fiscal::cli {
namespace {

namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;

constexpr size_t kNamedZh = 5;

client::Error Refused(const std::string& name, const LineItemFile& file) {
  client::Error error;
  error.code = grpc::StatusCode::INVALID_ARGUMENT;
  error.reason = "MESSAGE_MALFORMED";
  const size_t shown = file.problems().size();
  const bool all = static_cast<int64_t>(shown) == file.problem_count();
  error.message = absl::StrCat(
      name, ": ", file.problem_count(), file.problem_count() == 1 ? " error" : " errors",
      all ? "" : absl::StrCat(", of which the first ", shown, " follow"), "; nothing was sent");
  error.message_zh = absl::StrCat("文件有", file.problem_count(), "处错误，未报送",
                                  all ? "" : absl::StrCat("；以下为前", shown, "处"));
  for (size_t i = 0; i < shown; ++i) {
    const SheetProblem& problem = file.problems()[i];
    error.violations.push_back({problem.place, problem.message, "", problem.message_zh});
    // As many as the server's answers name.
    if (i < kNamedZh)
      absl::StrAppend(&error.message_zh, i == 0 ? "：" : "；", problem.place, " ",
                      problem.message_zh);
  }
  return error;
}

std::string Name(const b::BudgetKey& key) {
  return absl::StrCat(key.division_code(), "/", key.agency_code(), "/", key.fiscal_year(), "/",
                      ShortName(b::Stage_Name(key.stage()), "STAGE_"));
}

// The status with places where it names fields of lines and projects. Fields stay for programs;
// their descriptions say the place.
void AddPlaces(const LineItemFile& file, size_t budget, google::rpc::Status* status) {
  status->set_message(file.WithPlaces(budget, status->message()));
  for (google::protobuf::Any& detail : *status->mutable_details()) {
    google::rpc::BadRequest bad;
    google::rpc::LocalizedMessage localized;
    if (detail.UnpackTo(&bad)) {
      for (auto& violation : *bad.mutable_field_violations()) {
        const std::string place = file.PlaceOf(budget, violation.field());
        violation.set_description(absl::StrCat(place, place.empty() ? "" : ": ",
                                               file.WithPlaces(budget, violation.description())));
      }
      detail.PackFrom(bad);
    } else if (detail.UnpackTo(&localized)) {
      localized.set_message(file.WithPlaces(budget, localized.message()));
      detail.PackFrom(localized);
    }
  }
}

// For a person: the place stands in for the field where there is one.
client::Error ToError(const LineItemFile& file, size_t budget, const google::rpc::Status& status) {
  client::Error error = client::ToError(status);
  error.message = absl::StrCat(Name(file.budgets()[budget].budget()), ": ",
                               file.WithPlaces(budget, error.message));
  error.message_zh = file.WithPlaces(budget, error.message_zh);
  for (client::Error::Violation& violation : error.violations) {
    const std::string place = file.PlaceOf(budget, violation.field);
    if (!place.empty()) violation.field = place;
    violation.description = file.WithPlaces(budget, violation.description);
  }
  return error;
}

void Print(const Context& context, const LineItemFile& file, size_t budget,
           s::StreamBudgetsResponse answer) {
  const b::BudgetKey& key = file.budgets()[budget].budget();
  if (context.json()) {
    if (answer.has_error()) AddPlaces(file, budget, answer.mutable_error());
    Json told = {{"budget", FieldsOf(key, /*every_field=*/true)}};
    const Json fields = FieldsOf(answer, /*every_field=*/true);
    if (fields.is_object()) told.update(fields);
    context.Print(told);
    std::cout.flush();
  } else if (answer.has_error()) {
    Report(context, ToError(file, budget, answer.error()));
  } else {
    std::cout << Name(key) << "  ";
    PrintReceipt(context, answer.receipt());
  }
}

}  // namespace

int SubmitSheets(Context& context, const std::string& name, const std::string& bytes,
                 const SheetSubmission& submission) {
  const LineItemFile file = LineItemFile::Read(name, bytes, submission.line_items);
  for (const std::string& sheet : file.unread_sheets())
    std::cerr << "fiscal: " << name << ", sheet " << sheet << ": is hidden and was not read\n";
  if (file.problem_count() > 0) return Report(context, Refused(name, file));
  const size_t count = file.budgets().size();
  if (count > 1 && (!submission.request_id.empty() || submission.expected_revision.has_value()))
    return Usage(absl::StrCat(name, ": has ", count,
                              " budgets; --request-id and --expected-revision are of one"));
  if (!submission.note.empty()) {
    for (size_t i = 0; i < count; ++i) {
      if (!file.budgets()[i].note().empty())
        return Usage(absl::StrCat(file.PlaceOf(i, "note"),
                                  ": has a note and --note is given: only one may tell"));
    }
  }
  size_t sent = 0;
  Outcomes outcomes;
  Progress progress("budgets");
  const grpc::Status status = client::SubmitStream(
      context.connection(),
      {[&]() -> std::optional<s::SubmitBudgetRequest> {
         if (sent == count) return std::nullopt;
         s::SubmitBudgetRequest request = file.budgets()[sent++];
         request.set_request_id(submission.request_id.empty() ? client::RandomRequestId()
                                                              : submission.request_id);
         if (submission.expected_revision.has_value())
           request.set_expected_revision(*submission.expected_revision);
         if (!submission.note.empty()) request.set_note(submission.note);
         return request;
       },
       [&](int64_t index, const s::StreamBudgetsResponse& answer) {
         Print(context, file, static_cast<size_t>(index), answer);
         outcomes.Add(answer.has_error() ? ExitCodeOf(client::ToError(answer.error()).code) : kOk);
         progress.Count(outcomes.count());
       }});
  if (!status.ok()) return Report(context, status);
  if (outcomes.refused() > 0 && count > 1)
    std::cerr << "fiscal: " << outcomes.refused() << " of " << outcomes.count()
              << " were refused\n";
  return outcomes.code();
}

}  // namespace fiscal::cli
