#include "services/disclosure/disclosure_rpc.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "domain/articulation/check.h"
#include "domain/disclosure/builder.h"
#include "domain/reason.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"
#include "services/aggregation/positioned_reads.h"
#include "services/disclosure/narrative.h"
#include "services/ledger/answer/filter.h"
#include "services/ledger/answer/ledger_source.h"
#include "services/rpc/service.h"
#include "services/wire/submission_wire.h"
#include "services/wire/text_wire.h"
#include "services/wire/totals_wire.h"

namespace fiscal::services {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::Form;
using disclosure::FormColumn;
using disclosure::FormRow;
using disclosure::FormTable;
using disclosure::Layout;
using disclosure::Row;
using disclosure::Table;
using domain::Reason;
using domain::TotalFilter;
namespace pb = fiscal::disclosure::v1;

// The filter of totals that a subject stands for, without direction.
absl::StatusOr<TotalFilter> ScopeOf(const pb::DisclosureSubject& subject) {
  aggregation::v1::TotalFilter filter;
  filter.set_division_code(subject.division_code());
  filter.set_own_level(subject.own_level());
  filter.set_department_code(subject.department_code());
  filter.set_agency_code(subject.agency_code());
  filter.set_fiscal_year(subject.fiscal_year());
  filter.set_stage(subject.stage() == budget::v1::STAGE_UNSPECIFIED ? budget::v1::STAGE_APPROVED
                                                                    : subject.stage());
  filter.set_direction(budget::v1::DIRECTION_EXPENDITURE);
  return wire::ToFilter(filter, "subject");
}

absl::StatusOr<const Form*> FormOf(const pb::DisclosureSubject& subject) {
  const std::string name = subject.form().empty() ? "shanxi-13" : subject.form();
  if (const Form* form = disclosure::FindForm(name); form != nullptr) return form;
  std::vector<std::string> names;
  for (const Form& form : disclosure::ShippedForms()) names.push_back(form.id);
  return domain::Refuse(
      {{Reason::kFormUnknown, "subject.form", "",
        absl::StrCat("there is no form ", name, "; there are ", absl::StrJoin(names, ", "))}});
}

// Whose name stands on the tables.
std::string NameOf(const domain::Catalog& catalog, const TotalFilter& scope) {
  const std::string& code = scope.agency.empty() ? scope.department : scope.agency;
  if (!code.empty()) {
    const domain::CatalogEntry* entry = catalog.FindAgency(scope.division, scope.year, code);
    return entry == nullptr ? code : entry->name;
  }
  const domain::CatalogEntry* entry = catalog.FindDivision(scope.division, scope.year);
  return absl::StrCat(entry == nullptr ? domain::FormatCode(scope.division) : entry->name,
                      scope.own_level ? "本级" : "");
}

// The query of a cell of a table, as the form writes it.
std::string QueryOf(const FormTable& form, const FormColumn& column, const Row& row) {
  if (auto own = form.cells.find(absl::StrCat(row.key, "/", column.key)); own != form.cells.end())
    return own->second.Text();
  for (const FormRow& r : form.rows) {
    if (r.key == row.key && r.side == column.side) {
      return disclosure::Narrowed(column.query, r.query).Text();
    }
  }
  std::string text;
  if (const disclosure::FormRows* rows = form.RowsOf(column.side); rows != nullptr) {
    text = disclosure::Narrowed(column.query, rows->query).Text();
    if (rows->kind == disclosure::RowKind::kUnits || rows->kind == disclosure::RowKind::kProjects) {
      if (row.level > 0) absl::StrAppend(&text, row.level == 1 ? " by=unit" : " by=project");
    } else if (!row.code.empty()) {
      absl::StrAppend(&text,
                      rows->kind == disclosure::RowKind::kRevenue    ? " revenue="
                      : rows->kind == disclosure::RowKind::kEconomic ? " dept="
                                                                     : " functional=",
                      row.code);
    }
  }
  return text;
}

std::string SideOf(const FormTable& form, const Row& row) {
  for (const FormRow& r : form.rows) {
    if (r.key == row.key) return r.side;
  }
  if (absl::StartsWith(row.key, "class.")) return "right";
  if (form.layout == Layout::kCodePair)
    return absl::StartsWith(row.key, "revenue.") ? "left" : "right";
  return "";
}

absl::Status FillTable(const FormTable& form, const Table& t, Work& work, pb::StatutoryTable* out) {
  std::vector<const FormColumn*> columns;
  for (const FormColumn& c : form.columns) {
    columns.push_back(&c);
    pb::StatutoryColumn* column = out->add_columns();
    column->set_key(c.key);
    column->set_label(c.labels.empty() ? c.key : c.labels[0]);
    column->set_side(c.side);
  }
  for (const Row& row : t.rows) {
    FISCAL_RETURN_IF_ERROR(work.Spend(columns.size()));
    pb::StatutoryRow* r = out->add_rows();
    r->set_key(row.key);
    r->set_code(row.code);
    r->set_label(row.label);
    r->set_other_label(row.other_label);
    r->set_side(SideOf(form, row));
    r->set_level(row.level);
    for (const FormColumn* c : columns) {
      pb::StatutoryCell* cell = r->add_cells();
      if (c->side != r->side()) continue;
      const int at = t.ColumnOf(c->key);
      if (at < 0) continue;
      const Cell& figure = row.cells[static_cast<size_t>(at)];
      cell->set_amount_fen(figure.value);
      cell->set_printed(figure.printed);
      // A province has a hundred thousand rows of units and projects, most of their cells blank.
      const bool many = absl::StartsWith(row.key, "unit.") || absl::StartsWith(row.key, "project.");
      if (!many || !figure.blank()) cell->set_query(QueryOf(form, *c, row));
    }
  }
  return absl::OkStatus();
}

// The one row of figures that two tables make.
void FillStrip(const FormTable& form, const Disclosure& d, pb::StatutoryTable* out) {
  pb::StatutoryRow* row = out->add_rows();
  row->set_key("total");
  for (const FormColumn& c : form.columns) {
    pb::StatutoryColumn* column = out->add_columns();
    column->set_key(absl::StrCat(c.table, ".", c.row));
    column->set_label(c.labels[0]);
    const Cell* cell = d.table(c.table).At(c.row, c.key);
    pb::StatutoryCell* out_cell = row->add_cells();
    if (cell != nullptr) {
      out_cell->set_amount_fen(cell->value);
      out_cell->set_printed(cell->printed);
    }
    out_cell->set_query(c.query.Text());
  }
}

pb::Outcome ToProto(articulation::Outcome outcome) {
  switch (outcome) {
    case articulation::Outcome::kPassed:
      return pb::OUTCOME_PASSED;
    case articulation::Outcome::kRoundingOnly:
      return pb::OUTCOME_ROUNDING_ONLY;
    case articulation::Outcome::kFailed:
      return pb::OUTCOME_FAILED;
    case articulation::Outcome::kNotApplicable:
      return pb::OUTCOME_NOT_APPLICABLE;
    case articulation::Outcome::kInsufficientData:
      break;
  }
  return pb::OUTCOME_INSUFFICIENT_DATA;
}

class DisclosureRpc final : public rpc::Service {
 public:
  DisclosureRpc(rpc::Calls& calls, Runner& runner, const TotalsReader& reader,
                const storage::HeadReader& statements)
      : Service(calls), runner_(runner), reads_(runner), reader_(reader), statements_(statements) {
    Serve(&DisclosureRpc::GetTables);
    Serve(&DisclosureRpc::CheckDisclosure);
  }

  void GetTables(rpc::UnaryCall* call, const pb::GetTablesRequest* request,
                 pb::GetTablesResponse* response) {
    return reads_.At(
        call, /*small=*/false, request->consistency(), response,
        [=, this](const domain::Moment& at) -> absl::Status {
          FISCAL_ASSIGN_OR_RETURN(const Form* form, FormOf(request->subject()));
          FISCAL_ASSIGN_OR_RETURN(const TotalFilter scope, ScopeOf(request->subject()));
          std::set<int> wanted(request->table_numbers().begin(), request->table_numbers().end());
          for (int n : wanted) {
            if (std::none_of(form->tables.begin(), form->tables.end(),
                             [n](const FormTable& t) { return t.number == n; }))
              return domain::Refuse({{Reason::kQueryInvalid, "table_numbers", "",
                                      absl::StrCat("the form ", form->id, " has no table ", n)}});
          }
          LedgerSource source(runner_.projector(), reader_, statements_, wire::ImplementingAgency,
                              scope, at.position(), call->work());
          FISCAL_ASSIGN_OR_RETURN(const Disclosure d, Made(*form, scope, source));
          response->set_position(at.Text());
          response->set_form(form->id);
          response->set_name(NameOf(*runner_.projector().catalog(), scope));
          std::set<int> done;
          for (const FormTable& t : form->tables) {
            if (!done.insert(t.number).second || (!wanted.empty() && wanted.count(t.number) == 0))
              continue;
            const FormTable* variant = form->TableOf(t.canonical, !scope.agency.empty());
            pb::StatutoryTable* out = response->add_tables();
            const Table& table = d.table(t.canonical);
            out->set_number(t.number);
            out->set_canonical_number(t.canonical);
            out->set_title(table.title);
            out->set_unit(std::string(disclosure::UnitName(table.unit)));
            if (t.layout == Layout::kStrip) {
              FillStrip(t, d, out);
            } else {
              FISCAL_RETURN_IF_ERROR(FillTable(*variant, table, call->work(), out));
              if (table.says_empty) out->set_note(t.empty_note);
            }
          }
          if (!request->narrative()) return absl::OkStatus();
          TotalFilter before = scope;
          --before.year;
          LedgerSource prior(runner_.projector(), reader_, statements_, wire::ImplementingAgency,
                             before, at.position(), call->work());
          // An agency that was not in the catalog of that year stated nothing in it.
          const bool known = Filter(runner_.projector().catalog(), before).Check().ok() &&
                             call->Sees(authority::Verb::kReadDisclosure,
                                        {before.division, before.own_level, before.department,
                                         before.agency, before.year, before.stage});
          return FillNarrative(response->name(), scope.year, source, known ? &prior : nullptr,
                               response->mutable_narrative());
        });
  }

  void CheckDisclosure(rpc::UnaryCall* call, const pb::CheckDisclosureRequest* request,
                       pb::CheckDisclosureResponse* response) {
    return reads_.At(
        call, /*small=*/false, request->consistency(), response,
        [=, this](const domain::Moment& at) -> absl::Status {
          FISCAL_ASSIGN_OR_RETURN(const Form* form, FormOf(request->subject()));
          FISCAL_ASSIGN_OR_RETURN(const TotalFilter scope, ScopeOf(request->subject()));
          LedgerSource source(runner_.projector(), reader_, statements_, wire::ImplementingAgency,
                              scope, at.position(), call->work());
          FISCAL_ASSIGN_OR_RETURN(const Disclosure d, Made(*form, scope, source));
          const articulation::Report report = articulation::Check(d);
          response->set_position(at.Text());
          response->set_verdict(report.verdict == articulation::Verdict::kExact ? pb::VERDICT_EXACT
                                : report.verdict == articulation::Verdict::kRoundingOnly
                                    ? pb::VERDICT_ROUNDING_ONLY
                                    : pb::VERDICT_VIOLATED);
          response->set_rules_sha256(report.rules_sha256);
          for (const articulation::RuleOutcome& o : report.outcomes) {
            pb::RuleOutcome* out = response->add_outcomes();
            out->set_rule(o.rule);
            out->set_severity(o.severity == domain::Severity::kError
                                  ? budget::v1::SEVERITY_ERROR
                                  : budget::v1::SEVERITY_WARNING);
            out->set_kind(o.kind);
            out->set_outcome(ToProto(o.outcome));
            out->set_message(o.message);
            out->set_message_zh(o.message_zh);
            out->set_expected(o.expected);
            out->set_printed(o.printed);
            out->set_difference(o.difference);
            for (const articulation::CellRef& c : o.cells) {
              pb::RuleCell* cell = out->add_cells();
              cell->set_table(c.table);
              cell->set_row(c.row);
              cell->set_column(c.column);
              cell->set_printed(c.printed);
            }
          }
          return absl::OkStatus();
        });
  }

 private:
  absl::StatusOr<Disclosure> Made(const Form& form, const TotalFilter& scope,
                                  LedgerSource& source) const {
    // As for totals, NOT_FOUND for subjects that are not in the catalog.
    FISCAL_RETURN_IF_ERROR(Filter(runner_.projector().catalog(), scope).Check());
    disclosure::Subject subject;
    subject.fiscal_year = scope.year;
    subject.name = NameOf(*runner_.projector().catalog(), scope);
    subject.unit = !scope.agency.empty();
    return disclosure::Build(form, subject, source);
  }

  Runner& runner_;
  const PositionedReads reads_;
  const TotalsReader& reader_;
  const storage::HeadReader& statements_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDisclosureService(rpc::Calls& calls, Runner& runner,
                                                     const TotalsReader& reader,
                                                     const storage::HeadReader& statements) {
  return std::make_unique<DisclosureRpc>(calls, runner, reader, statements);
}

}  // namespace fiscal::services
