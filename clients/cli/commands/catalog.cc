// fiscal catalog import, fiscal catalog list.
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/read/csv.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace c = fiscal::catalog::v1;

struct Flags {
  std::string list, division, department, file, request_id;
  int year = 0;
};

int Import(Context& context, const Flags& f) {
  const auto list = ParseList(f.list);
  if (!list)
    return Usage("--list " + f.list +
                 ": functional, revenue, dept-economic, gov-economic, division or agency");
  std::ifstream file(f.file, std::ios::binary);
  if (!file) return Usage(f.file + ": can't be opened");
  std::stringstream text;
  text << file.rdbuf();
  auto entries = ReadEntries(text.str(), *list);
  if (!entries.ok()) {
    client::Error error;
    error.code = grpc::StatusCode::INVALID_ARGUMENT;
    error.reason = "MESSAGE_MALFORMED";
    error.message = absl::StrCat(f.file, ": ", std::string(entries.status().message()));
    error.message_zh = "目录文件无法读取";
    return Report(context, error);
  }
  c::ImportCatalogRequest request;
  request.set_request_id(f.request_id.empty() ? client::RandomRequestId() : f.request_id);
  request.set_division_code(f.division);
  request.set_fiscal_year(f.year);
  request.set_list(*list);
  for (c::CatalogEntry& e : *entries) *request.add_entries() = std::move(e);
  const auto stub = c::CatalogService::NewStub(context.connection().channel());
  c::ImportCatalogResponse r;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* call) { return stub->ImportCatalog(call, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << f.list << " of " << f.division << " for " << f.year << ": " << r.added_count()
              << " added, " << r.changed_count() << " changed, " << r.unchanged_count()
              << " unchanged\n";
  }
  return kOk;
}

template <typename Request, typename Response>
grpc::Status Pages(Context& context, Request request,
                   grpc::Status (c::CatalogService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                   std::vector<c::CatalogEntry>* entries) {
  const auto stub = c::CatalogService::NewStub(context.connection().channel());
  request.set_page_size(10000);
  do {
    Response response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* call) { return (stub.get()->*method)(call, request, &response); });
    if (!status.ok()) return status;
    for (c::CatalogEntry& e : *response.mutable_entries()) entries->push_back(std::move(e));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

}  // namespace

grpc::Status ListCatalog(Context& context, c::CatalogList list, const std::string& division,
                         int year, const std::string& department,
                         std::vector<c::CatalogEntry>* entries) {
  if (list == c::CATALOG_LIST_DIVISION) {
    c::ListDivisionsRequest request;
    request.set_division_code(division);
    request.set_fiscal_year(year);
    return Pages<c::ListDivisionsRequest, c::ListDivisionsResponse>(
        context, request, &c::CatalogService::Stub::ListDivisions, entries);
  }
  if (list == c::CATALOG_LIST_AGENCY) {
    c::ListAgenciesRequest request;
    request.set_division_code(division);
    request.set_fiscal_year(year);
    request.set_department_code(department);
    return Pages<c::ListAgenciesRequest, c::ListAgenciesResponse>(
        context, request, &c::CatalogService::Stub::ListAgencies, entries);
  }
  c::ListClassificationsRequest request;
  request.set_division_code(division);
  request.set_fiscal_year(year);
  request.set_list(list);
  return Pages<c::ListClassificationsRequest, c::ListClassificationsResponse>(
      context, request, &c::CatalogService::Stub::ListClassifications, entries);
}

namespace {

int List(Context& context, const Flags& f) {
  const auto list = ParseList(f.list);
  if (!list)
    return Usage("--list " + f.list +
                 ": functional, revenue, dept-economic, gov-economic, division or agency");
  std::vector<c::CatalogEntry> entries;
  const grpc::Status status =
      ListCatalog(context, *list, f.division, f.year, f.department, &entries);
  if (!status.ok()) return Report(context, status);
  const bool agencies = *list == c::CATALOG_LIST_AGENCY;
  Table table(std::vector<bool>(agencies ? 8 : 4, false));
  if (agencies) {
    table.Row({"division", "code", "name", "department_code", "kind", "valid_from", "valid_to",
               "must_report"});
  } else {
    table.Row({"code", "name", "parent", "aliases"});
  }
  for (const c::CatalogEntry& e : entries) {
    if (context.json()) {
      context.Print(e);
    } else if (agencies) {
      table.Row({e.division_code(), e.code(), e.name(), e.department_code(),
                 ShortName(c::AgencyKind_Name(e.kind()), "AGENCY_KIND_"), e.valid_from(),
                 e.valid_to(), e.must_report() ? "true" : "false"});
    } else {
      table.Row({e.code(), e.name(), e.parent_code(), absl::StrJoin(e.aliases(), "|")});
    }
  }
  if (!context.json()) context.output == "csv" ? table.PrintCsv(std::cout) : table.Print(std::cout);
  return kOk;
}

}  // namespace

void AddCatalog(CLI::App& app, Context& context) {
  CLI::App* catalog =
      app.add_subcommand("catalog", "Divisions, agencies and classifications of a year");
  catalog->require_subcommand(1);
  auto add = [&](const char* name, const char* help, int (*run)(Context&, const Flags&),
                 bool import) {
    auto f = std::make_shared<Flags>();
    CLI::App* command = catalog->add_subcommand(name, help);
    command->add_option("--list", f->list, "Which list")->required()->check(Offered(ListNames()));
    auto* division = command->add_option("--division", f->division, "The division it is for");
    command->add_option("--year", f->year, "The year it is for")->required();
    if (import) {
      division->required();
      command->add_option("--request-id", f->request_id, "Keep it for retries; random without");
      command->add_option("file", f->file, "CSV with a heading row")->required()->type_name("FILE");
    } else {
      command->add_option("--department", f->department, "Agencies of this department only");
    }
    command->callback(
        [&context, f, run] { context.run = [&context, f, run] { return run(context, *f); }; });
  };
  add("import", "Add or replace entries of a list from CSV", Import, true);
  add("list", "Show a list as it serves a division", List, false);
}

}  // namespace fiscal::cli
