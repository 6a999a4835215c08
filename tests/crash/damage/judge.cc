#include "tests/crash/damage/judge.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/error.h"
#include "fiscal/admin/v1/admin_service.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/log/v1/event_log_service.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "tests/crash/damage/files.h"
#include "tests/crash/damage/server_process.h"
#include "tests/support/position.h"

namespace fiscal::damage {
namespace {

// How a log line starts that says why the process ends.
constexpr absl::string_view kCritical = "\"level\":\"critical\"";

// The exit code of a process that stops at once and says why in such a line.
constexpr int kEndedItself = 70;

// What a served copy showed: the worst counts.
struct Seen {
  std::string wrong, noticed;
  // Calls were cut off: the process may be about to end.
  bool cut = false;
};

// An answer that is an error. One that says that bytes are damaged, or that the key is and nothing
// is signed, is told; anything else is as wrong as another value.
void NoteError(const std::string& what, const grpc::Status& status, Seen* seen) {
  seen->cut = seen->cut || status.error_code() == grpc::StatusCode::UNAVAILABLE;
  const std::string text =
      absl::StrCat(what, ": code ", status.error_code(), " ", status.error_message());
  const bool told = status.error_code() == grpc::StatusCode::DATA_LOSS ||
                    client::ToError(status).reason == "SIGNING_STOPPED";
  std::string& to = told ? seen->noticed : seen->wrong;
  if (to.empty()) to = text;
}

std::string Brief(const Exchange& e) {
  std::string method = e.method.substr(e.method.rfind('/') + 1);
  submission::v1::SubmitBudgetRequest request;
  if (method == "SubmitBudget" && request.ParseFromString(e.request))
    absl::StrAppend(&method, " ", request.request_id());
  return method;
}

std::string Brief(const Exchange& e, const std::string& answer) {
  std::string text = Brief(e);
  submission::v1::SubmitBudgetResponse was, is;
  if (absl::EndsWith(e.method, "/SubmitBudget") && was.ParseFromString(e.answer) &&
      is.ParseFromString(answer)) {
    absl::StrAppend(&text, ": position ", is.position(), " revision ", is.revision(), ", was ",
                    was.position(), " revision ", was.revision());
  } else {
    absl::StrAppend(&text, ": another answer");
  }
  return text;
}

void Compare(Caller& caller, const std::vector<Exchange>& exchanges, Seen* seen) {
  caller.CallAll(exchanges,
                 [&](const Exchange& sent, const grpc::Status& status, const std::string& answer) {
                   if (!status.ok()) {
                     NoteError(Brief(sent), status, seen);
                   } else if (answer != sent.answer && seen->wrong.empty()) {
                     seen->wrong = Brief(sent, answer);
                   }
                 });
}

void CompareLog(const Base& base, Caller& caller, Seen* seen) {
  grpc::Status status;
  std::string contradiction, key = base.public_key_pem;
  const LogCopy log = ReadLog(caller, &key, &status, &contradiction);
  if (!status.ok()) NoteError("reading the log", status, seen);
  // Without a whole log there is nothing to compare.
  if (!seen->wrong.empty() || (!status.ok() && !log.whole)) return;
  if (!contradiction.empty()) {
    seen->wrong = contradiction;
  } else if (log.records != base.log.records) {
    seen->wrong =
        absl::StrCat("the log has ", log.records.size(), " records of which some are not the ",
                     base.log.records.size(), " that were there");
  } else if (log.chain_hash != base.log.chain_hash || log.root_hash != base.log.root_hash ||
             (status.ok() && log.tree_head != base.log.tree_head)) {
    seen->wrong = "another tree head";
  }
}

void CompareHead(const Base& base, Caller& caller, Seen* seen) {
  log::v1::GetTreeHeadResponse head;
  const grpc::Status status = caller.Call("/fiscal.log.v1.EventLogService/GetTreeHead",
                                          log::v1::GetTreeHeadRequest(), &head);
  if (!status.ok()) return NoteError("the tree head", status, seen);
  if (head.tree_head().SerializeAsString() != base.log.tree_head && seen->wrong.empty())
    seen->wrong = "the log has moved";
}

void Verify(Caller& caller, Seen* seen) {
  admin::v1::VerifyResponse verified;
  const grpc::Status status =
      caller.Call("/fiscal.admin.v1.AdminService/Verify", admin::v1::VerifyRequest(), &verified);
  if (!status.ok()) return NoteError("verify", status, seen);
  if (!verified.ok() && seen->noticed.empty())
    seen->noticed =
        absl::StrCat("verify: ", verified.differences_size() > 0 ? verified.differences(0)
                                                                 : std::string("not ok"));
}

// What nobody asked for may be damaged all the same.
void Scrub(Caller& caller, Seen* seen) {
  admin::v1::ScrubResponse scrubbed;
  const grpc::Status status =
      caller.Call("/fiscal.admin.v1.AdminService/Scrub", admin::v1::ScrubRequest(), &scrubbed);
  if (!status.ok()) return NoteError("scrub", status, seen);
  if (!scrubbed.ok() && seen->noticed.empty())
    seen->noticed = absl::StrCat(
        "scrub: ", scrubbed.findings_size() > 0 ? scrubbed.findings(0) : std::string("not ok"));
}

// A statement more than there ever was: the next position, the next revision, and the total moves
// by it.
void SubmitNext(const Base& base, Caller& caller, Seen* seen) {
  submission::v1::SubmitBudgetResponse receipt;
  submission::v1::SubmitBudgetRequest request;
  request.ParseFromString(base.next.request);
  grpc::Status status = caller.Call(base.next.method, request, &receipt);
  if (!status.ok()) return NoteError("a new statement", status, seen);
  aggregation::v1::ListTotalsRequest read;
  aggregation::v1::ListTotalsResponse before, after;
  read.ParseFromString(base.reads[0].request);
  before.ParseFromString(base.reads[0].answer);
  read.mutable_consistency()->set_at_least(receipt.position());
  status = caller.Call(base.reads[0].method, read, &after);
  if (!status.ok()) return NoteError("totals after a new statement", status, seen);
  if (!seen->wrong.empty()) return;
  if (testing::PositionNumber(receipt.position()) != base.log.records.size() + 1 ||
      receipt.revision() != request.expected_revision() + 1) {
    seen->wrong = absl::StrCat("a new statement has position ", receipt.position(), " revision ",
                               receipt.revision());
  } else if (after.grand_total().amount_fen() !=
             before.grand_total().amount_fen() + base.next_fen) {
    seen->wrong = "a new statement moves the total by another amount";
  }
}

// Everything that was ever said by the base, asked of a server on the copy.
Seen Ask(const Base& base, ServerProcess& server, bool and_next) {
  Seen seen;
  Caller& caller = server.caller();
  // An upstream that is not followed any more has an alarm of its own.
  const std::string unfollowed = AwaitUpstreams(server);
  if (!unfollowed.empty()) seen.noticed = absl::StrCat("upstream: ", unfollowed);
  Compare(caller, base.reads, &seen);
  CompareLog(base, caller, &seen);
  Compare(caller, base.acknowledged, &seen);
  // Nothing moved; the signed head stands for every record.
  Compare(caller, base.reads, &seen);
  CompareHead(base, caller, &seen);
  Verify(caller, &seen);
  Scrub(caller, &seen);
  if (and_next) SubmitNext(base, caller, &seen);
  return seen;
}

// True when it warned of something that it does not warn of on a whole copy.
bool SaidItHealed(const Base& base, const std::string& said) {
  for (const std::string& warning : WarningsIn(said)) {
    if (std::find(base.warnings.begin(), base.warnings.end(), warning) == base.warnings.end())
      return true;
  }
  return false;
}

// The refusal: one line for the person who started it.
std::string Sentence(const std::string& said) {
  std::string sentence;
  for (const absl::string_view line : absl::StrSplit(said, '\n')) {
    if (absl::StartsWith(line, "fiscal serve: ")) sentence = std::string(line);
  }
  return sentence;
}

// A sentence that leaves nobody with a status and no idea: it says what to do.
bool NamesNextStep(absl::string_view sentence) {
  for (const absl::string_view step :
       {"restore", "start again", "remove", "delete", "put back", "put it back", "run fiscal",
        "run `fiscal", "backup", "copy "}) {
    if (absl::StrContains(sentence, step)) return true;
  }
  return false;
}

// What a refusal must leave alone. The engine's own messages and locks are not data; what is
// derived may be made anew.
bool IsTruth(absl::string_view file) {
  if (absl::StrContains(file, "/LOG") || absl::StrContains(file, "/LOCK") ||
      absl::StrContains(file, "/OPTIONS"))
    return false;
  return absl::StartsWith(file, "log/") || absl::StartsWith(file, "log.before/") ||
         file == "anchor" || absl::StartsWith(file, "signing-key");
}

// The first file of before that is not there as it was.
std::string MissingFrom(const std::string& directory,
                        const std::vector<std::pair<std::string, Digest>>& before) {
  for (const auto& [file, digest] : before) {
    if (Sha256({ReadBytes(absl::StrCat(directory, "/", file))}) != digest) return file;
  }
  return "";
}

Verdict JudgeRefusal(const Base& base, const Fault& fault, const std::string& directory,
                     ServerProcess& server,
                     const std::vector<std::pair<std::string, Digest>>& before, bool thorough) {
  const int status = *server.ended();
  const std::string sentence = Sentence(server.said());
  if (WIFSIGNALED(status))
    return {Outcome::kAborted,
            absl::StrCat("signal ", WTERMSIG(status), ": ", server.said().substr(0, 300))};
  Verdict verdict{Outcome::kRefused, absl::StrCat("exit ", WEXITSTATUS(status), ": ", sentence)};
  // 6 means that something does not answer, 0 that all is well.
  if (sentence.empty() || !NamesNextStep(sentence) || WEXITSTATUS(status) == 0 ||
      WEXITSTATUS(status) == 6)
    verdict.outcome = Outcome::kUnsaid;
  const std::string gone = MissingFrom(directory, before);
  if (!gone.empty()) absl::StrAppend(&verdict.seen, "; changed by the start: ", gone);
  // A start that was refused may have moved bytes from file to file; then it has to show that it
  // lost none.
  if (gone.empty() && !thorough) return verdict;
  Undo(base, fault, directory);
  ServerProcess again(base.Settings(directory));
  if (!again.serves())
    return {Outcome::kDestroyed, absl::StrCat("with the damage undone: ", Sentence(again.said()),
                                              "; first: ", verdict.seen)};
  const Seen seen = Ask(base, again, /*and_next=*/true);
  for (const std::string& text : {seen.wrong, seen.noticed}) {
    if (!text.empty())
      return {Outcome::kDestroyed,
              absl::StrCat("with the damage undone: ", text, "; first: ", verdict.seen)};
  }
  return verdict;
}

// A process that ended by itself while it served: calls that it cut off say nothing, what it said
// last does, and what the next one makes of it.
Verdict JudgeStop(const Base& base, const std::string& directory, ServerProcess& server,
                  int ended) {
  const std::string& said = server.said();
  const std::string last = said.substr(said.size() - std::min<size_t>(300, said.size()));
  if (WIFSIGNALED(ended))
    return {Outcome::kAborted, absl::StrCat("signal ", WTERMSIG(ended), ": ", last)};
  const std::string seen = absl::StrCat("ended with ", WEXITSTATUS(ended), ": ", last);
  if (!absl::StrContains(said, kCritical)) return {Outcome::kUnsaid, seen};
  ServerProcess again(base.Settings(directory));
  if (!again.serves())
    return {Outcome::kUnsaid, absl::StrCat(seen, "; then: ", Sentence(again.said()))};
  const Seen healed = Ask(base, again, /*and_next=*/true);
  if (!healed.wrong.empty())
    return {Outcome::kSilent, absl::StrCat(seen, "; then: ", healed.wrong)};
  return {healed.noticed.empty() ? Outcome::kHealed : Outcome::kNoticed,
          absl::StrCat(seen, "; then: ", healed.noticed)};
}

Verdict JudgeServed(const Base& base, const std::string& directory, ServerProcess& server,
                    bool thorough) {
  Seen seen = Ask(base, server, /*and_next=*/!thorough);
  if (seen.cut) server.AwaitEnd();
  if (const std::optional<int> ended = server.ended())
    return JudgeStop(base, directory, server, *ended);
  const bool healed = SaidItHealed(base, server.said());
  if (!seen.wrong.empty())
    return {Outcome::kSilent,
            absl::StrCat(seen.wrong, seen.noticed.empty() ? "" : "; noticed: ", seen.noticed)};
  if (!seen.noticed.empty()) return {Outcome::kNoticed, seen.noticed};
  if (thorough) {
    server.End(SIGKILL);
    ServerProcess again(base.Settings(directory));
    if (!again.serves())
      return {Outcome::kSilent, absl::StrCat("served once, then: ", Sentence(again.said()))};
    seen = Ask(base, again, /*and_next=*/true);
    if (!seen.wrong.empty() || !seen.noticed.empty())
      return {Outcome::kSilent, absl::StrCat("when started again: ", seen.wrong, seen.noticed)};
  }
  return {healed ? Outcome::kHealed : Outcome::kNoEffect, healed ? server.said() : ""};
}

}  // namespace

absl::string_view NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRefused:
      return "refused";
    case Outcome::kHealed:
      return "healed";
    case Outcome::kNoEffect:
      return "no effect";
    case Outcome::kNoticed:
      return "noticed";
    case Outcome::kUnsaid:
      return "UNSAID";
    case Outcome::kDestroyed:
      return "DESTROYED";
    case Outcome::kAborted:
      return "ABORTED";
    case Outcome::kHung:
      return "HUNG";
    case Outcome::kSilent:
      return "SILENT";
  }
  return "";
}

bool Fails(Outcome outcome) { return outcome >= Outcome::kUnsaid; }

Verdict Judge(const Base& base, const Fault& fault, const std::string& directory, bool thorough) {
  if (!MakeDamaged(base, fault, directory)) return {Outcome::kNoEffect, "the file is the same"};
  std::vector<std::pair<std::string, Digest>> before;
  for (const std::string& file : FilesBelow(directory)) {
    if (IsTruth(file))
      before.emplace_back(file, Sha256({ReadBytes(absl::StrCat(directory, "/", file))}));
  }
  ServerProcess server(base.Settings(directory));
  if (server.hung()) return {Outcome::kHung, server.said().substr(0, 300)};
  if (server.serves()) return JudgeServed(base, directory, server, thorough);
  // A derived store whose damage is met late in the start is made again by the next one.
  const int ended = *server.ended();
  return WIFEXITED(ended) && WEXITSTATUS(ended) == kEndedItself
             ? JudgeStop(base, directory, server, ended)
             : JudgeRefusal(base, fault, directory, server, before, thorough);
}

}  // namespace fiscal::damage
