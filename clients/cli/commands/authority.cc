// fiscal authority: who may do what. grant, approve, revoke: a security administrator's orders.
// list, explain: what is in force and why. whoami: who the caller is to the server.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/commands/filter_flags.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::authority::v1;
using Stub = a::AuthorityService::Stub;

std::unique_ptr<Stub> StubOf(Context& context) {
  return a::AuthorityService::NewStub(context.connection().channel());
}

std::string StateOf(a::GrantState state) {
  return ShortName(a::GrantState_Name(state), "GRANT_STATE_");
}

// "141100 department 035 years 2026-2027", or "everything".
std::string ScopeText(const a::GrantScope& s) {
  std::vector<std::string> parts;
  if (!s.division_code().empty())
    parts.push_back(absl::StrCat(s.division_code(), s.own_level() ? " own level" : ""));
  if (s.department_codes_size() > 0)
    parts.push_back(absl::StrCat("department ", absl::StrJoin(s.department_codes(), ",")));
  if (s.agency_codes_size() > 0)
    parts.push_back(absl::StrCat("agency ", absl::StrJoin(s.agency_codes(), ",")));
  if (s.first_fiscal_year() != 0 || s.last_fiscal_year() != 0) {
    const auto year = [](int y) { return y == 0 ? std::string() : absl::StrCat(y); };
    parts.push_back(
        absl::StrCat("years ", year(s.first_fiscal_year()), "-", year(s.last_fiscal_year())));
  }
  if (s.stages_size() > 0) {
    std::vector<std::string> stages;
    for (int stage : s.stages()) {
      stages.push_back(
          ShortName(budget::v1::Stage_Name(static_cast<budget::v1::Stage>(stage)), "STAGE_"));
    }
    parts.push_back(absl::StrCat("stage ", absl::StrJoin(stages, ",")));
  }
  return parts.empty() ? "everything" : absl::StrJoin(parts, " ");
}

void PrintGrants(const Context& context, const std::vector<a::Grant>& grants) {
  Table table({true, false, false, false, false, false, false});
  table.Row({"grant", "state", "role", "principal", "scope", "granted by", "approved by"});
  for (const a::Grant& g : grants) {
    table.Row({absl::StrCat(g.grant_id()), StateOf(g.state()), g.role(), g.principal(),
               ScopeText(g.scope()), g.granted().principal(), g.approved().principal()});
  }
  context.output == "csv" ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int MakeGrant(Context& context, const a::GrantRequest& request) {
  a::GrantResponse r;
  const auto stub = StubOf(context);
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->Grant(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
    return kOk;
  }
  std::cout << "grant " << r.grant_id() << (r.created() ? "" : " stood already") << ": "
            << request.principal() << " is " << request.role() << " of "
            << ScopeText(request.scope()) << "\n";
  if (r.state() == a::GRANT_STATE_PENDING) {
    std::cout << "it takes two persons: another security administrator has to say\n  fiscal "
                 "authority approve "
              << r.grant_id() << "\n  此项授权须由另一名安全管理员批准后生效\n";
  }
  return kOk;
}

int Approve(Context& context, const a::ApproveGrantRequest& request) {
  a::ApproveGrantResponse r;
  const auto stub = StubOf(context);
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->ApproveGrant(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << "grant " << request.grant_id() << " is in force, by event " << r.position()
              << "\n";
  }
  return kOk;
}

int Revoke(Context& context, const a::RevokeGrantRequest& request) {
  a::RevokeGrantResponse r;
  const auto stub = StubOf(context);
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->RevokeGrant(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << "grant " << request.grant_id() << " has ended, by event " << r.position() << "\n";
  }
  return kOk;
}

int List(Context& context, a::ListGrantsRequest request) {
  const auto stub = StubOf(context);
  std::vector<a::Grant> grants;
  request.set_page_size(1000);
  do {
    a::ListGrantsResponse r;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->ListGrants(c, request, &r); });
    if (!status.ok()) return Report(context, status);
    for (a::Grant& g : *r.mutable_grants()) grants.push_back(std::move(g));
    request.set_page_token(r.next_page_token());
  } while (!request.page_token().empty());
  if (!context.json()) {
    PrintGrants(context, grants);
    return kOk;
  }
  for (const a::Grant& g : grants) context.Print(g);
  return kOk;
}

int WhoAmI(Context& context) {
  a::WhoAmIResponse r;
  const auto stub = StubOf(context);
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->WhoAmI(c, a::WhoAmIRequest(), &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
    return kOk;
  }
  std::cout << r.principal() << "\n";
  if (r.mode() == a::AUTHORITY_MODE_OFF)
    std::cout << "the server enforces no grants: everybody may do everything\n";
  if (r.mode() == a::AUTHORITY_MODE_LOG) std::cout << "the server only logs what it would deny\n";
  if (r.configured_admin()) std::cout << "a security administrator by the configuration\n";
  if (r.grants_size() > 0) PrintGrants(context, {r.grants().begin(), r.grants().end()});
  return kOk;
}

int Explain(Context& context, const a::ExplainRequest& request) {
  a::ExplainResponse r;
  const auto stub = StubOf(context);
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->Explain(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
    return kOk;
  }
  std::cout << (r.permitted() ? "yes" : "no") << ": " << r.reason() << "\n  " << r.reason_zh()
            << "\n";
  for (const a::ExplainedGrant& g : r.grants()) {
    std::cout << "  grant " << g.grant().grant_id() << ", " << g.grant().role() << " of "
              << ScopeText(g.grant().scope()) << ": " << (g.permits() ? "permits it" : g.lacks())
              << "\n";
  }
  return kOk;
}

void AddGrant(CLI::App* authority, Context& context) {
  auto request = std::make_shared<a::GrantRequest>();
  auto stages = std::make_shared<std::vector<std::string>>();
  CLI::App* grant = authority->add_subcommand("grant", "Grant a role over a part of the budgets");
  const auto text = [grant](const char* flag, std::function<void(const std::string&)> set,
                            const char* help) {
    return grant->add_option_function<std::string>(flag, std::move(set), help);
  };
  text(
      "--to", [request](const std::string& v) { request->set_principal(v); },
      "To whom: a principal, or all below a SPIFFE path: spiffe://TRUST/PATH/*")
      ->required();
  text(
      "--role", [request](const std::string& v) { request->set_role(v); },
      "submitter, reviewer, reader, detail-reader, consumer, witness, auditor, catalog-owner, "
      "replica, operator, security-admin or audit-admin")
      ->required();
  text(
      "--division",
      [request](const std::string& v) { request->mutable_scope()->set_division_code(v); },
      "The division, with those below it; everything without");
  grant->add_flag_function(
      "--own-level", [request](int64_t n) { request->mutable_scope()->set_own_level(n > 0); },
      "Only the division's own level (本级)");
  grant->add_option_function<std::vector<std::string>>(
      "--department",
      [request](const std::vector<std::string>& v) {
        for (const std::string& code : v) request->mutable_scope()->add_department_codes(code);
      },
      "Only this department of the division; repeatable");
  grant->add_option_function<std::vector<std::string>>(
      "--agency",
      [request](const std::vector<std::string>& v) {
        for (const std::string& code : v) request->mutable_scope()->add_agency_codes(code);
      },
      "Only this agency of the division; repeatable");
  grant->add_option_function<int>(
      "--year-from", [request](int v) { request->mutable_scope()->set_first_fiscal_year(v); },
      "The first fiscal year");
  grant->add_option_function<int>(
      "--year-to", [request](int v) { request->mutable_scope()->set_last_fiscal_year(v); },
      "The last fiscal year");
  grant->add_option("--stage", *stages, "Only this stage; repeatable")
      ->check(Offered(StageNames()));
  text(
      "--note", [request](const std::string& v) { request->set_note(v); },
      "Why, for those who read the list later");
  grant->callback([&context, request, stages] {
    context.run = [&context, request, stages]() -> int {
      for (const std::string& name : *stages) {
        const auto stage = StageOf("--stage", name);
        if (!stage) return kUsage;
        request->mutable_scope()->add_stages(*stage);
      }
      return MakeGrant(context, *request);
    };
  });
}

// A command about one grant, by its number.
template <typename Request>
void AddOrder(CLI::App* authority, Context& context, const char* name, const char* help,
              int (*run)(Context&, const Request&)) {
  auto request = std::make_shared<Request>();
  CLI::App* order = authority->add_subcommand(name, help);
  order
      ->add_option_function<int64_t>(
          "grant", [request](int64_t id) { request->set_grant_id(id); },
          "The grant's number, as grant and list say it")
      ->required();
  order->add_option_function<std::string>(
      "--note", [request](const std::string& v) { request->set_note(v); }, "Why");
  order->callback([&context, request, run] {
    context.run = [&context, request, run] { return run(context, *request); };
  });
}

void AddList(CLI::App* authority, Context& context) {
  auto request = std::make_shared<a::ListGrantsRequest>();
  auto all = std::make_shared<bool>(false);
  CLI::App* list = authority->add_subcommand("list", "The grants, now or as of a position");
  list->add_option_function<std::string>(
      "--principal", [request](const std::string& v) { request->set_principal(v); },
      "Only those that this principal has");
  list->add_option_function<std::string>(
      "--role", [request](const std::string& v) { request->set_role(v); }, "Only this role");
  list->add_option_function<std::string>(
      "--position", [request](const std::string& v) { request->set_position(v); },
      "As of this position");
  list->add_flag("--all", *all, "Those that were revoked too");
  list->callback([&context, request, all] {
    context.run = [&context, request, all] {
      request->set_standing(!*all);
      return List(context, *request);
    };
  });
}

void AddExplainRight(CLI::App* authority, Context& context) {
  auto request = std::make_shared<a::ExplainRequest>();
  auto right = std::make_shared<std::string>();
  auto stage_name = std::make_shared<std::string>();
  CLI::App* explain =
      authority->add_subcommand("explain", "Why a principal may or may not do something");
  const auto text = [explain](const char* flag, std::function<void(const std::string&)> set,
                              const char* help) {
    return explain->add_option_function<std::string>(flag, std::move(set), help);
  };
  text(
      "--principal", [request](const std::string& v) { request->set_principal(v); }, "Who")
      ->required();
  explain->add_option("--right", *right, "The right, as a refusal names it: write, read-detail")
      ->required();
  text(
      "--division",
      [request](const std::string& v) { request->mutable_part()->set_division_code(v); },
      "The division");
  explain->add_flag_function(
      "--own-level", [request](int64_t n) { request->mutable_part()->set_own_level(n > 0); },
      "Only the division's own level (本级)");
  text(
      "--department",
      [request](const std::string& v) { request->mutable_part()->set_department_code(v); },
      "The department");
  text(
      "--agency", [request](const std::string& v) { request->mutable_part()->set_agency_code(v); },
      "The agency");
  explain->add_option_function<int>(
      "--year", [request](int v) { request->mutable_part()->set_fiscal_year(v); },
      "The fiscal year");
  explain->add_option("--stage", *stage_name, "The stage")->check(Offered(StageNames()));
  explain->callback([&context, request, right, stage_name] {
    context.run = [&context, request, right, stage_name]() -> int {
      method::v1::Verb verb;
      const std::string name =
          absl::StrCat("VERB_", absl::AsciiStrToUpper(absl::StrReplaceAll(*right, {{"-", "_"}})));
      if (!method::v1::Verb_Parse(name, &verb) || verb == method::v1::VERB_UNSPECIFIED)
        return Usage(absl::StrCat("--right ", *right, ": no such right; docs/security.md has all"));
      request->set_verb(verb);
      if (!stage_name->empty()) {
        const auto stage = StageOf("--stage", *stage_name);
        if (!stage) return kUsage;
        request->mutable_part()->set_stage(*stage);
      }
      return Explain(context, *request);
    };
  });
}

}  // namespace

void AddAuthority(CLI::App& app, Context& context) {
  CLI::App* authority = app.add_subcommand("authority", "Who may do what: roles and grants");
  authority->require_subcommand(1);
  AddGrant(authority, context);
  AddOrder<a::ApproveGrantRequest>(authority, context, "approve",
                                   "Approve a grant that takes two persons", Approve);
  AddOrder<a::RevokeGrantRequest>(authority, context, "revoke", "End a grant", Revoke);
  AddList(authority, context);
  authority->add_subcommand("whoami", "Who you are to the server, and your grants")
      ->callback([&context] { context.run = [&context] { return WhoAmI(context); }; });
  AddExplainRight(authority, context);
}

}  // namespace fiscal::cli
