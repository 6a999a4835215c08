// The part of `fiscal submit` that takes JSON: one budget, several, or one a line.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_SUBMIT_JSON_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_SUBMIT_JSON_H_

#include <istream>
#include <string>

#include "absl/strings/string_view.h"
#include "clients/cli/shell/context.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::cli {

// An object, or an array of them; `name` is what messages begin with. Sends nothing when anything
// in it can't be read. Returns the exit code, as do the others.
int SubmitDocument(Context& context, const std::string& name, absl::string_view text);

// NDJSON, line for line as it comes.
int SubmitLines(Context& context, const std::string& name, std::istream& in);

// One or the other, by the first line: a whole object on it is NDJSON.
int SubmitEither(Context& context, const std::string& name, std::istream& in);

// A SubmitReallocationRequest.
int SubmitReallocation(Context& context, const std::string& name, absl::string_view text);

grpc::Status Withdraw(Context& context, const submission::v1::WithdrawBudgetRequest& request,
                      submission::v1::WithdrawBudgetResponse* response);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_SUBMIT_JSON_H_
