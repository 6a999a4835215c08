#include "tests/support/ledger_script.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "domain/reason.h"
#include "services/ledger/answer/filter.h"
#include "services/ledger/answer/plan.h"
#include "services/ledger/decide/prepare.h"
#include "services/ledger/fold/totals_view.h"
#include "storage/local_log.h"
#include "storage/record_codec.h"

namespace fiscal::testing {
namespace {

using services::Intake;
using services::Prepare;

constexpr uint16_t kYear = 2024;
// Who sends what does not say by whom.
constexpr char kPrincipal[] = "test";

domain::Dimension DimensionOf(absl::string_view name) {
  using domain::Dimension;
  const std::map<absl::string_view, Dimension> dimensions = {{"functional", Dimension::kFunctional},
                                                             {"revenue", Dimension::kRevenue},
                                                             {"economic", Dimension::kDeptEconomic},
                                                             {"department", Dimension::kDepartment},
                                                             {"agency", Dimension::kAgency},
                                                             {"division", Dimension::kDivision},
                                                             {"fund", Dimension::kFund},
                                                             {"project", Dimension::kProject}};
  return dimensions.at(name);
}

std::string SayResult(domain::Result result) {
  static constexpr absl::string_view kNames[] = {"preview", "created", "revised", "unchanged"};
  return std::string(kNames[static_cast<size_t>(result)]);
}

// "l1=20502:1000.00@P1~30101>141121"; its texts are kept in `texts`.
domain::Line LineOf(const std::string& word, std::vector<std::string>* texts) {
  auto keep = [&](absl::string_view text) -> absl::string_view {
    texts->push_back(std::string(text));
    return texts->back();
  };
  const size_t equals = word.find('='), colon = word.find(':');
  FISCAL_CHECK(colon != std::string::npos, "a word of a statement is one of those listed");
  domain::Line line;
  line.line_id = keep(absl::string_view(word).substr(0, equals));
  absl::string_view code = absl::string_view(word).substr(equals + 1, colon - equals - 1);
  const bool by_revenue = absl::ConsumePrefix(&code, "in.");
  const bool income = absl::ConsumePrefix(&code, "in/") || by_revenue;
  line.attributes.direction = income ? domain::Direction::kIncome : domain::Direction::kExpenditure;
  line.attributes.fund = domain::Fund::kGeneral;
  (by_revenue ? line.revenue : line.functional) = domain::ParseCode(code);
  absl::string_view rest = absl::string_view(word).substr(colon + 1);
  const size_t end = std::min(rest.find_first_of("@~>"), rest.size());
  line.amount_fen = ParseFen(rest.substr(0, end));
  for (rest.remove_prefix(end); !rest.empty();) {
    const char mark = rest[0];
    const size_t next = std::min(rest.find_first_of("@~>", 1), rest.size());
    const absl::string_view text = rest.substr(1, next - 1);
    if (mark == '@') line.project_code = keep(text);
    if (mark == '~') line.dept_economic = domain::ParseCode(text);
    if (mark == '>') line.receiving_division = domain::ParseCode(text);
    rest.remove_prefix(next);
  }
  return line;
}

}  // namespace

std::string SayGroup(const std::vector<domain::GroupValue>& group) {
  std::string out;
  for (const domain::GroupValue& v : group)
    absl::StrAppend(&out, v.code.empty() ? "-" : v.code, v.own_level ? "*" : "", " ");
  return out;
}

std::string At(domain::Position position) { return absl::StrCat("@", position.value()); }

std::string SayReceipt(const domain::Receipt& r) {
  std::string out = SayResult(r.result);
  if (r.revision > 0) absl::StrAppend(&out, " r", r.revision);
  if (!r.position.zero()) absl::StrAppend(&out, " ", At(r.position));
  if (r.revision > 0) absl::StrAppend(&out, ", ", Counted(r.line_count, "line"));
  if (r.memo_line_count > 0) absl::StrAppend(&out, ", ", Counted(r.memo_line_count, "memo line"));
  if (r.project_count > 0) absl::StrAppend(&out, ", ", Counted(r.project_count, "project"));
  if (r.added > 0) absl::StrAppend(&out, ", ", r.added, " added");
  if (r.changed > 0) absl::StrAppend(&out, ", ", r.changed, " changed");
  for (const domain::Finding& f : r.findings) absl::StrAppend(&out, ", ", f.rule);
  return out;
}

std::string SayAnswer(const absl::StatusOr<domain::RequestReceipt>& answer) {
  if (!answer.ok()) return SayRefusal(answer.status());
  std::string out = SayReceipt(answer->receipt);
  for (const domain::Receipt& part : answer->parts) absl::StrAppend(&out, " | ", SayReceipt(part));
  return out;
}

domain::Stage StageOf(absl::string_view name) {
  const std::map<absl::string_view, domain::Stage> stages = {
      {"requested", domain::Stage::kRequested},
      {"reviewed", domain::Stage::kReviewed},
      {"approved", domain::Stage::kApproved},
      {"executed", domain::Stage::kExecuted},
      {"final", domain::Stage::kFinal},
      {"adjustment", domain::Stage::kAdjustment},
      {"reallocation", domain::Stage::kReallocation},
      {"current", domain::Stage::kCurrent}};
  return stages.at(name);
}

domain::BudgetKey BudgetOf(const std::string& word, const Words& words) {
  const std::vector<std::string> parts = absl::StrSplit(word, '/');
  domain::BudgetKey key;
  key.division = domain::ParseCode(parts.at(0));
  key.agency = parts.at(1);
  key.year = static_cast<uint16_t>(Number(words, "year", kYear));
  key.stage = StageOf(Get(words, "stage", "approved"));
  return key;
}

domain::TotalFilter FilterOf(const Words& words) {
  domain::TotalFilter f;
  f.division = domain::ParseCode(words.at(1));
  f.department = Get(words, "department");
  f.agency = Get(words, "agency");
  f.project = Get(words, "project");
  f.functional = domain::ParseCode(Get(words, "functional"));
  f.revenue = domain::ParseCode(Get(words, "revenue"));
  f.dept_economic = domain::ParseCode(Get(words, "economic"));
  f.year = static_cast<uint16_t>(Number(words, "year", kYear));
  f.stage = StageOf(Get(words, "stage", "approved"));
  f.own_level = Has(words, "own");
  f.direction = Has(words, "income") ? domain::Direction::kIncome : domain::Direction::kExpenditure;
  return f;
}

std::vector<domain::GroupBy> GroupByOf(const Words& words) {
  std::vector<domain::GroupBy> group_by;
  const std::string by = Get(words, "by");
  const int depth = static_cast<int>(Number(words, "depth", 0));
  for (absl::string_view name : absl::StrSplit(by, ',', absl::SkipEmpty()))
    group_by.push_back({DimensionOf(name), depth});
  return group_by;
}

services::Projector::Options WrittenEvery(uint64_t events) {
  services::Projector::Options options;
  options.write_events = events;
  if (events < 10) options.rule = {1, 1, events};
  return options;
}

LedgerScript::LedgerScript(services::RulesCheck check, services::Projector::Options projector,
                           std::vector<std::string> admins)
    : clock_(absl::FromUnixSeconds(1704067200)), check_(check) {
  log_kv_ = *storage::MemoryKv::Open(log_disk_, {true, &faults_});
  anchor_ = std::make_unique<storage::MemoryAnchor>(anchor_disk_);
  log_ = *storage::LocalLog::Open(*log_kv_, *anchor_, "0123456789abcdef");
  services::Authority::Options authority;
  if (!admins.empty()) authority.mode = services::Authority::Mode::kEnforce;
  authority.admins = std::move(admins);
  authority_ = std::make_unique<services::Authority>(*log_, std::move(authority));
  intake_ = *Intake::Open(*log_kv_, *log_, clock_, check, authority_.get());
  totals_kv_ = *storage::MemoryKv::Open(totals_disk_, {false, nullptr});
  totals_ = std::make_unique<storage::TotalsStore>(*totals_kv_);
  projector_options_ = projector;
  Restart();
}

LedgerScript::~LedgerScript() = default;

void LedgerScript::Restart() {
  reader_ = nullptr;
  projector_ = nullptr;
  projector_ = *services::Projector::Open(*log_, *totals_, projector_options_);
  reader_ = std::make_unique<services::TotalsReader>(*projector_);
}

void LedgerScript::FailNextWrite(absl::Status status) {
  faults_.Fail(storage::MemoryOp::kWrite, faults_.count(storage::MemoryOp::kWrite) + 1,
               {std::move(status), false});
}

void LedgerScript::Add(const std::string& verb, Verb run) { verbs_[verb] = std::move(run); }

std::string LedgerScript::Plain(absl::string_view script) {
  std::string out;
  for (const Row& row : RowsOf(script)) out += Print(row);
  return out;
}

std::string LedgerScript::Run(absl::string_view script) {
  std::string out;
  for (Row& row : RowsOf(script)) {
    const Words words = absl::StrSplit(row.said, ' ', absl::SkipEmpty());
    const std::string result = RunRow(words);
    // A row that names no result must succeed: a reason of refusal is in capitals.
    const bool refused = !result.empty() && absl::ascii_isupper(result[0]);
    if (row.named || refused) row = {row.said, result, true};
    out += Print(row);
  }
  return out;
}

std::string LedgerScript::RunRow(const Words& words) {
  const std::string& verb = words[0];
  if (const auto it = verbs_.find(verb); it != verbs_.end()) return it->second(words);
  if (verb == "divisions") return Import(domain::CatalogList::kDivision, words);
  if (verb == "agencies") return Import(domain::CatalogList::kAgency, words);
  if (verb == "codes") return Import(domain::CatalogList::kFunctional, words);
  if (verb == "revenues") return Import(domain::CatalogList::kRevenue, words);
  if (verb == "crosswalk") return Import(domain::CatalogList::kFunctionalCrosswalk, words);
  if (verb == "submit" || verb == "validate" || verb == "withdraw") return Submit(words);
  if (verb == "reallocate") return Reallocate(words);
  if (verb == "grant") return MakeGrant(words);
  if (verb == "approve" || verb == "revoke") return OrderGrant(words);
  if (verb == "prepare") return PrepareOne(words);
  if (verb == "commit") return Commit(std::move(prepared_.at(words.at(1))));
  if (verb == "total") return Total(words);
  if (verb == "rows") return Rows(words);
  if (verb == "reads") return Reads(words);
  return absl::StrCat("NO SUCH VERB: ", verb);
}

std::string LedgerScript::MakeGrant(const Words& words) {
  domain::GrantOrder order;
  order.principal = Get(words, "by", kPrincipal);
  order.event.principal = words.at(1);
  order.event.role = words.at(2);
  authority::Extent& e = order.event.extent;
  e.division = domain::ParseCode(words.at(3));
  e.own_level = Has(words, "own");
  if (const std::string code = Get(words, "department"); !code.empty()) e.departments = {code};
  if (const std::string code = Get(words, "agency"); !code.empty()) e.agencies = {code};
  e.year_from = e.year_to = static_cast<uint16_t>(Number(words, "year", 0));
  if (const std::string stage = Get(words, "stage"); !stage.empty()) e.stages = {StageOf(stage)};
  return Commit(std::move(order));
}

std::string LedgerScript::OrderGrant(const Words& words) {
  const std::string by = Get(words, "by", kPrincipal);
  const authority::GrantOrderEvent event{domain::Position(domain::ParseCode(words.at(1))), ""};
  if (words[0] == "approve") return Commit(domain::ApprovalOrder{by, event});
  return Commit(domain::RevocationOrder{by, event});
}

std::string LedgerScript::Commit(Intake::Request request) {
  Intake::Request* group[] = {&request};
  return SayAnswer(intake_->Commit(group)[0]);
}

std::vector<domain::CatalogEntry> EntriesOf(domain::CatalogList list, const Words& words,
                                            size_t first) {
  std::vector<domain::CatalogEntry> entries;
  for (size_t i = first; i < words.size(); ++i) {
    if (absl::StrContains(words[i], "=")) continue;
    domain::CatalogEntry e;
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(words[i], absl::MaxSplits(absl::ByAnyChar("</"), 1));
    e.code = parts.first;
    e.name = absl::StrCat("name of ", e.code);
    if (list == domain::CatalogList::kDivision) {
      e.parent_code = parts.second;
    } else if (list == domain::CatalogList::kFunctionalCrosswalk) {
      e.parent_code = parts.second;
    } else if (list == domain::CatalogList::kAgency) {
      absl::string_view department = parts.second;
      e.must_report = absl::ConsumeSuffix(&department, "!");
      e.department_code = std::string(department);
      e.kind = domain::AgencyKind::kAdministrative;
    } else if (e.code.size() > 3) {
      e.parent_code = e.code.substr(0, e.code.size() - 2);
    }
    entries.push_back(std::move(e));
  }
  return entries;
}

std::string LedgerScript::Import(domain::CatalogList list, const Words& words) {
  domain::CatalogImport import;
  import.principal = Get(words, "by");
  import.request_id = Get(words, "id", absl::StrCat("import-", ++imports_));
  import.event.year = static_cast<uint16_t>(Number(words, "year", kYear));
  import.event.list = list;
  size_t first = 1;
  if (list == domain::CatalogList::kDivision) {
    import.event.division = domain::ParseCode(words.at(1).substr(0, 6));
  } else {
    import.event.division = domain::ParseCode(words.at(1));
    first = 2;
  }
  import.event.entries = EntriesOf(list, words, first);
  import.body = Sha256({storage::EncodeCatalog(import.event)});
  return Commit(std::move(import));
}

domain::Submission LedgerScript::Statement(const Words& words, size_t skip) const {
  domain::Submission s;
  s.principal = Get(words, "by", kPrincipal);
  s.key = BudgetOf(words.at(skip), words);
  s.certify = Has(words, "certify");
  s.allow_empty = Has(words, "empty");
  s.control = Has(words, "control");
  if (Has(words, "patch")) s.mode = domain::WriteMode::kPatch;
  if (std::string expect; Find(words, "expect", &expect) != nullptr)
    s.expected_revision = static_cast<int64_t>(Number(words, "expect", 0));
  s.department_code = Get(words, "department");
  if (!s.department_code.empty()) s.scope = domain::Scope::kDepartment;
  auto texts = std::make_shared<std::vector<std::string>>();
  // Lines have views of them.
  texts->reserve(2 * words.size());
  for (size_t i = skip + 1; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (word == "patch" || word == "certify" || word == "control" || word == "empty") continue;
    if (absl::ConsumePrefix(&word, "-project=")) {
      s.removed_project_codes.emplace_back(word);
    } else if (absl::ConsumePrefix(&word, "-")) {
      s.removed_line_ids.emplace_back(word);
    } else if (absl::ConsumePrefix(&word, "project=")) {
      s.projects.push_back({std::string(word), "name", absl::StrCat("project ", word)});
    } else if (absl::StrContains(word, ":") && !absl::StartsWith(word, "by=")) {
      s.lines.lines.push_back(LineOf(words[i], texts.get()));
    }
  }
  s.lines.owners.push_back(std::move(texts));
  return s;
}

Intake::Request LedgerScript::Prepared(const Words& words) const {
  domain::Submission s = Statement(words, 2);
  s.request_id = words.at(1);
  s.validate_only = words[0] == "validate";
  s.withdraw = words[0] == "withdraw";
  Prepare(*intake_->catalog(), &s);
  return s;
}

domain::Submission LedgerScript::PreparedStatement(absl::string_view row) const {
  return std::get<domain::Submission>(Prepared(absl::StrSplit(row, ' ', absl::SkipEmpty())));
}

std::unique_ptr<services::Group> LedgerScript::NextGroup() {
  return std::make_unique<services::Group>(
      *log_kv_, *log_, absl::ToUnixMicros(clock_.Now()), intake_->catalog(),
      std::make_shared<const services::Owners>(intake_->UpstreamDivisions()), check_);
}

std::string LedgerScript::Submit(const Words& words) {
  const bool preview = words[0] == "validate";
  Intake::Request request = Prepared(words);
  Intake::Request* group[] = {&request};
  const auto outcome = intake_->Commit(group)[0];
  std::string out = SayAnswer(outcome);
  if (preview && outcome.ok()) {
    absl::StrAppend(&out, ", expenditure ", Yuan(outcome->expenditure_change_fen), ", income ",
                    Yuan(outcome->income_change_fen));
  }
  return out;
}

std::string LedgerScript::Reallocate(const Words& words) {
  domain::Reallocation r;
  r.principal = Get(words, "by", kPrincipal);
  r.request_id = words.at(1);
  for (size_t at = 2; at < words.size();) {
    Words part = Until("|", words, &at);
    if (Get(part, "stage").empty()) part.push_back("stage=reallocation");
    r.parts.push_back(Statement(part, 0));
    r.parts.back().principal = r.principal;
  }
  Prepare(*intake_->catalog(), &r);
  return Commit(std::move(r));
}

std::string LedgerScript::SayPrepared(const domain::Submission& s) {
  if (!s.violations.empty()) return SayViolations(s.violations);
  const auto body = std::find(bodies_.begin(), bodies_.end(), s.body);
  const size_t number = static_cast<size_t>(body - bodies_.begin()) + 1;
  if (body == bodies_.end()) bodies_.push_back(s.body);
  std::string out = absl::StrCat("ready, ",
                                 absl::StrJoin(s.lines.lines, " ",
                                               [](std::string* o, const domain::Line& line) {
                                                 absl::StrAppend(o, std::string(line.line_id));
                                               }),
                                 ", body ", number);
  for (const domain::Finding& f : s.findings) absl::StrAppend(&out, ", ", f.rule);
  return out;
}

std::string LedgerScript::PrepareOne(const Words& words) {
  domain::Submission s = Statement(words, 3);
  s.request_id = words.at(2);
  Prepare(*intake_->catalog(), &s);
  std::string said = SayPrepared(s);
  prepared_.insert_or_assign(words.at(1), std::move(s));
  return said;
}

domain::Position LedgerScript::Fold(const Words& words) {
  const domain::Position head = log_->head().position;
  while (projector_->folded() < head) {
    const auto done = projector_->Step(1000);
    FISCAL_CHECK(done.ok(), "what is in the log can be folded");
  }
  return domain::Position(Number(words, "at", head.value()));
}

std::string LedgerScript::Total(const Words& words) {
  const domain::Position position = Fold(words);
  services::Work work;
  const auto value = reader_->Get(FilterOf(words), position, work);
  if (!value.ok()) return SayRefusal(value.status());
  return absl::StrCat(Yuan(value->amount_fen), " ", At(position));
}

std::string LedgerScript::Rows(const Words& words) {
  const domain::Position position = Fold(words);
  services::Work work;
  const auto list =
      reader_->List(FilterOf(words), GroupByOf(words), domain::RowOrder::kCode, position, work);
  if (!list.ok()) return SayRefusal(list.status());
  std::vector<std::string> rows;
  for (const domain::TotalRow& row : list->rows) {
    rows.push_back(absl::StrCat(SayGroup(row.group), Yuan(row.value.amount_fen)));
  }
  rows.push_back(Yuan(list->grand_total.amount_fen));
  return absl::StrJoin(rows, " | ");
}

std::string LedgerScript::Reads(const Words& words) {
  static constexpr absl::string_view kKinds[] = {"leaf",     "plain",         "functional",
                                                 "revenue",  "dept_economic", "gov_economic",
                                                 "transfer", "transfer"};
  const services::Filter filter(intake_->catalog(), FilterOf(words));
  const std::vector<domain::GroupBy> group_by = GroupByOf(words);
  const domain::CellKind kind = services::ReadsOf(filter.asked(), group_by).kind;
  return absl::StrCat(kKinds[static_cast<size_t>(kind)], " of ",
                      Counted(TargetsOf(filter, group_by).size(), "node"));
}

}  // namespace fiscal::testing
