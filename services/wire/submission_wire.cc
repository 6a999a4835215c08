#include "services/wire/submission_wire.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "domain/shapes.h"
#include "services/wire/line_reader.h"
#include "services/wire/text_wire.h"
#include "services/wire/varint.h"
#include "services/wire/walker.h"

namespace fiscal::services::wire {
namespace {

constexpr domain::Shape kCurrentIsDerived{
    "CURRENT is derived: APPROVED, ADJUSTMENT and REALLOCATION are stated",
    "CURRENT由系统推算得出，请报送APPROVED、ADJUSTMENT或REALLOCATION"};

namespace pb = fiscal::budget::v1;
using domain::Reason;
using domain::Submission;
using submission::v1::SubmitBudgetRequest;

// Enumerators are cast: these must not drift apart.
static_assert(static_cast<int>(domain::Stage::kReallocation) == pb::STAGE_REALLOCATION &&
              pb::Stage_MAX == 8);
static_assert(static_cast<int>(domain::Direction::kIncome) == pb::DIRECTION_INCOME &&
              pb::Direction_MAX == 2);
static_assert(static_cast<int>(domain::Fund::kUnitOther) == pb::FUND_UNIT_OTHER &&
              pb::Fund_MAX == 10);
static_assert(static_cast<int>(domain::Fund::kUnit) == pb::FUND_UNIT);
static_assert(static_cast<int>(domain::Category::kSpecificTarget) == pb::CATEGORY_SPECIFIC_TARGET &&
              pb::Category_MAX == 6);
static_assert(static_cast<int>(domain::FundingYear::kCarryover) == pb::FUNDING_YEAR_CARRYOVER &&
              pb::FundingYear_MAX == 2);
static_assert(static_cast<int>(domain::Analysis::kClassSplit) == pb::ANALYSIS_CLASS_SPLIT &&
              pb::Analysis_MAX == 6);
static_assert(static_cast<int>(domain::Procurement::kServices) == pb::PROCUREMENT_KIND_SERVICES &&
              pb::ProcurementKind_MAX == 3);
static_assert(static_cast<int>(domain::Scope::kDepartment) == pb::SCOPE_DEPARTMENT &&
              pb::Scope_MAX == 2);
static_assert(static_cast<int>(domain::Severity::kError) == pb::SEVERITY_ERROR &&
              pb::Severity_MAX == 3);

class Reader {
 public:
  explicit Reader(Submission* s) : s_(s) {}

  void Add(Reason reason, std::string field, absl::string_view line_id, domain::Sentence message) {
    domain::AddViolation({reason, std::move(field), std::string(line_id), std::move(message)},
                         &s_->violations);
  }

  void Key(const pb::BudgetKey& key) {
    s_->key.division = ParseDivision(key.division_code());
    if (s_->key.division == 0) {
      Add(Reason::kCodeMalformed, "budget.division_code", "",
          domain::kDivisionShape.Not(key.division_code()));
    }
    s_->key.agency = key.agency_code();
    s_->key.year = key.fiscal_year() < 0 || key.fiscal_year() > 9999
                       ? 0
                       : static_cast<uint16_t>(key.fiscal_year());
    if (!pb::Stage_IsValid(key.stage())) {
      Add(Reason::kEnumUnknown, "budget.stage", "",
          {absl::StrCat(key.stage(), " is no stage"), absl::StrCat(key.stage(), "不是预算阶段")});
    } else if (key.stage() == pb::STAGE_CURRENT) {
      Add(Reason::kFieldNotAllowed, "budget.stage", "", kCurrentIsDerived);
    } else {
      s_->key.stage = static_cast<domain::Stage>(key.stage());
    }
    if (HasUnknownFields(key)) Unknown("budget");
  }

  // Whether it is whole, and whose.
  void Kind(const SubmitBudgetRequest& part) {
    switch (part.mode()) {
      case submission::v1::WRITE_MODE_UNSPECIFIED:
      case submission::v1::WRITE_MODE_REPLACE:
        s_->mode = domain::WriteMode::kReplace;
        break;
      case submission::v1::WRITE_MODE_PATCH:
        s_->mode = domain::WriteMode::kPatch;
        break;
      default:
        Add(Reason::kEnumUnknown, "mode", "",
            {absl::StrCat(part.mode(), " is no mode: REPLACE or PATCH"),
             absl::StrCat(part.mode(), "不是报送方式：REPLACE或PATCH")});
    }
    switch (part.scope()) {
      case pb::SCOPE_UNSPECIFIED:
      case pb::SCOPE_OWN:
        s_->scope = domain::Scope::kOwn;
        break;
      case pb::SCOPE_DEPARTMENT:
        s_->scope = domain::Scope::kDepartment;
        break;
      default:
        Add(Reason::kEnumUnknown, "scope", "",
            {absl::StrCat(part.scope(), " is no scope: OWN or DEPARTMENT"),
             absl::StrCat(part.scope(), "不是报送范围：OWN或DEPARTMENT")});
    }
  }

  void Projects(const SubmitBudgetRequest& part) {
    for (const pb::Project& project : part.projects()) {
      Project(project);
      if (!project.implementing_agency().empty())
        s_->project_units[project.project_code()] = project.implementing_agency();
    }
  }

  void Unknown(absl::string_view path) {
    Add(Reason::kFieldUnknown, std::string(path), "",
        {"a field this version does not know; nothing is dropped in silence",
         "含有本版本不认识的字段，为避免遗漏不予接收"});
  }

 private:
  void Project(const pb::Project& project) {
    const size_t i = s_->projects.size();
    auto at = [i](absl::string_view field) { return absl::StrCat("projects[", i, "].", field); };
    auto text = [&](absl::string_view field, const std::string& value, size_t max) {
      if (!domain::IsText(value, max, /*multiline=*/true))
        Add(Reason::kTextInvalid, at(field), "", domain::TextFaultOf(value, max));
    };
    if (project.project_code().empty()) {
      Add(Reason::kRequiredFieldMissing, at("project_code"), "",
          {"a project code is required", "项目编码必填"});
    } else if (!domain::IsItemId(project.project_code())) {
      Add(Reason::kTextInvalid, at("project_code"), "",
          domain::kProjectCodeShape.Not(project.project_code()));
    }
    if (project.name().empty())
      Add(Reason::kRequiredFieldMissing, at("name"), "", {"a name is required", "名称必填"});
    text("name", project.name(), domain::kNameCharactersMax);
    text("owning_agency", project.owning_agency(), 200);
    text("implementing_agency", project.implementing_agency(), 200);
    text("attribute", project.attribute(), 200);
    text("term", project.term(), 200);
    text("overview", project.overview(), 4000);
    text("basis", project.basis(), 4000);
    text("necessity", project.necessity(), 4000);
    text("safeguards", project.safeguards(), 4000);
    text("plan", project.plan(), 4000);
    text("term_goal", project.term_goal(), 4000);
    text("year_goal", project.year_goal(), 4000);
    if (project.category() != pb::CATEGORY_UNSPECIFIED &&
        project.category() < pb::CATEGORY_PROJECT) {
      Add(Reason::kFieldNotAllowed, at("category"), "",
          {"a project is PROJECT, OTHER_OPERATING or SPECIFIC_TARGET",
           "项目的支出类别为项目支出、其他运转类或特定目标类"});
    } else if (!pb::Category_IsValid(project.category())) {
      Add(Reason::kEnumUnknown, at("category"), "",
          {absl::StrCat(project.category(), " is no category"),
           absl::StrCat(project.category(), "不是支出类别")});
    }
    if (project.indicators_size() > 500)
      Add(Reason::kFieldNotAllowed, at("indicators"), "",
          {absl::StrCat(project.indicators_size(), " indicators; at most 500"),
           absl::StrCat("共", project.indicators_size(), "个绩效指标，最多500个")});
    for (int k = 0; k < project.indicators_size() && k < 500; ++k) {
      const pb::PerformanceIndicator& indicator = project.indicators(k);
      auto field = [&](absl::string_view name) {
        return absl::StrCat("indicators[", k, "].", name);
      };
      text(field("level1"), indicator.level1(), 500);
      text(field("level2"), indicator.level2(), 500);
      text(field("level3"), indicator.level3(), 500);
      text(field("target"), indicator.target(), 500);
      if (HasUnknownFields(indicator)) Unknown(at(field("")));
    }
    if (HasUnknownFields(project)) Unknown(absl::StrCat("projects[", i, "]"));
    // No map fields and no unknown ones: the same project has the same bytes.
    s_->projects.push_back({project.project_code(), project.name(), project.SerializeAsString()});
  }

  Submission* s_;
};

// Cuts a message into the contents of its field `number`, a message or a string, and all else.
bool Split(absl::string_view bytes, uint32_t number, std::vector<absl::string_view>* contents,
           std::string* rest) {
  WireField f;
  while (!bytes.empty()) {
    const absl::string_view field = bytes;
    if (!ReadField(&bytes, &f) || f.wire_type() == 3 || f.wire_type() == 4) return false;
    if (f.tag == (number << 3 | 2)) {
      contents->push_back(f.content);
    } else {
      rest->append(field.data(), field.size() - bytes.size());
    }
  }
  return true;
}

absl::Status NotParsed(const google::protobuf::Descriptor& type, absl::string_view bytes) {
  const BadField bad = FirstBadField(type, bytes);
  if (bad.fault.empty())
    return domain::Refuse(Reason::kMessageMalformed, "the message does not parse");
  const bool text = bad.fault == "bytes that are not UTF-8";
  return domain::Refuse({{text ? Reason::kTextInvalid : Reason::kMessageMalformed, bad.path,
                          bad.line_id, bad.fault}});
}

// A budget that stands in `bytes`, once or (as protobuf merges) in pieces.
bool ReadBudget(const std::vector<absl::string_view>& pieces, google::protobuf::Arena* arena,
                RawBudget* out) {
  std::string rest;
  for (absl::string_view piece : pieces) {
    if (!Split(piece, SubmitBudgetRequest::kLineItemsFieldNumber, &out->line_items, &rest))
      return false;
  }
  out->envelope = google::protobuf::Arena::CreateMessage<SubmitBudgetRequest>(arena);
  return out->envelope->ParseFromString(rest);
}

template <typename Outer>
absl::StatusOr<RawBudget> ReadAround(absl::string_view bytes, BoundedFields* counted,
                                     google::protobuf::Arena* arena) {
  RawBudget raw;
  raw.bytes = bytes;
  raw.type = Outer::descriptor();
  FISCAL_RETURN_IF_ERROR(counted->Count(*raw.type, bytes));
  Outer outer;
  std::vector<absl::string_view> budgets;
  std::string rest;
  if (!Split(bytes, Outer::kBudgetFieldNumber, &budgets, &rest) || !outer.ParseFromString(rest) ||
      !ReadBudget(budgets, arena, &raw)) {
    return NotParsed(*raw.type, bytes);
  }
  raw.unknown_around = HasUnknownFields(outer);
  return raw;
}

}  // namespace

bool HasUnknownFields(const google::protobuf::Message& message) {
  return !message.GetReflection()->GetUnknownFields(message).empty();
}

absl::Status ParseInto(absl::string_view bytes, google::protobuf::Message* message) {
  FISCAL_RETURN_IF_ERROR(BoundedFields().Count(*message->GetDescriptor(), bytes));
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return absl::OkStatus();
  return NotParsed(*message->GetDescriptor(), bytes);
}

absl::StatusOr<RawBudget> ReadSubmit(absl::string_view bytes, google::protobuf::Arena* arena) {
  RawBudget raw;
  raw.bytes = bytes;
  raw.type = SubmitBudgetRequest::descriptor();
  FISCAL_RETURN_IF_ERROR(BoundedFields().Count(*raw.type, bytes));
  if (!ReadBudget({bytes}, arena, &raw)) return NotParsed(*raw.type, bytes);
  return raw;
}

absl::StatusOr<RawBudget> ReadFrame(absl::string_view bytes, BoundedFields* counted,
                                    google::protobuf::Arena* arena) {
  return ReadAround<submission::v1::StreamBudgetsRequest>(bytes, counted, arena);
}

FrameHead ReadFrameHead(absl::string_view bytes) {
  using Frame = submission::v1::StreamBudgetsRequest;
  FrameHead head;
  WireField f, inner;
  while (!bytes.empty()) {
    if (!ReadField(&bytes, &f)) return FrameHead();
    if (f.tag == Frame::kMoreFieldNumber << 3) head.more = f.value != 0;
    if (f.tag != (Frame::kBudgetFieldNumber << 3 | 2)) continue;
    // It is the first field of all that was ever sent.
    if (ReadField(&f.content, &inner) &&
        inner.tag == (SubmitBudgetRequest::kRequestIdFieldNumber << 3 | 2) && IsUtf8(inner.content))
      head.request_id = Cut(std::string(inner.content), domain::kEchoBytesMax);
  }
  return head;
}

absl::StatusOr<RawBudget> ReadValidate(absl::string_view bytes, google::protobuf::Arena* arena) {
  BoundedFields counted;
  return ReadAround<submission::v1::ValidateBudgetRequest>(bytes, &counted, arena);
}

absl::StatusOr<RawReallocation> ReadReallocation(absl::string_view bytes,
                                                 google::protobuf::Arena* arena) {
  using Request = submission::v1::SubmitReallocationRequest;
  std::vector<absl::string_view> budgets;
  std::string rest;
  Request outer;
  FISCAL_RETURN_IF_ERROR(BoundedFields().Count(*Request::descriptor(), bytes));
  if (!Split(bytes, Request::kBudgetsFieldNumber, &budgets, &rest) || !outer.ParseFromString(rest))
    return NotParsed(*Request::descriptor(), bytes);
  RawReallocation raw;
  raw.request_id = outer.request_id();
  raw.unknown_around = HasUnknownFields(outer);
  for (absl::string_view budget : budgets) {
    RawBudget& part = raw.budgets.emplace_back();
    part.bytes = budget;
    part.type = SubmitBudgetRequest::descriptor();
    if (!ReadBudget({budget}, arena, &part)) return NotParsed(*Request::descriptor(), bytes);
  }
  return raw;
}

absl::StatusOr<domain::Reallocation> ToReallocation(
    const RawReallocation& raw, const std::vector<std::shared_ptr<const void>>& owners,
    absl::string_view principal) {
  domain::Reallocation out;
  out.principal = std::string(principal);
  out.request_id = raw.request_id;
  auto add = [&](Reason reason, std::string field, domain::Sentence message) {
    out.violations.push_back({reason, std::move(field), "", std::move(message)});
  };
  if (raw.unknown_around)
    add(Reason::kFieldUnknown, "",
        {"a field this version does not know; nothing is dropped in silence",
         "含有本版本不认识的字段，为避免遗漏不予接收"});
  if (!domain::IsRequestId(raw.request_id))
    add(Reason::kTextInvalid, "request_id", domain::kRequestIdShape.Not(raw.request_id));
  if (raw.budgets.empty() || raw.budgets.size() > 100) {
    add(Reason::kRequiredFieldMissing, "budgets",
        {absl::StrCat(raw.budgets.size(), " budgets; 1 to 100 are taken"),
         absl::StrCat("共", raw.budgets.size(), "份预算，应为1至100份")});
  }
  for (size_t i = 0; i < raw.budgets.size() && i < 100; ++i) {
    FISCAL_ASSIGN_OR_RETURN(Submission s, ToSubmission({raw.budgets[i]}, owners, principal));
    out.parts.push_back(std::move(s));
  }
  return out;
}

absl::StatusOr<Submission> ToSubmission(const std::vector<RawBudget>& parts,
                                        std::vector<std::shared_ptr<const void>> owners,
                                        absl::string_view principal) {
  Submission s;
  Reader reader(&s);
  const SubmitBudgetRequest& first = *parts[0].envelope;
  s.principal = std::string(principal);
  s.request_id = first.request_id();
  reader.Key(first.budget());
  reader.Kind(first);
  s.validate_only = first.validate_only();
  s.certify = first.certify();
  s.control = first.control();
  s.allow_empty = first.allow_empty();
  if (first.has_expected_revision()) s.expected_revision = first.expected_revision();
  s.department_code = first.department_code();
  if (first.has_year_end_carry_forward_fen())
    s.carry_forward_fen = first.year_end_carry_forward_fen();
  s.note = first.note();
  if (first.has_source()) {
    s.source = first.source().SerializeAsString();
    s.form = first.source().form();
  }
  if (HasUnknownFields(first)) reader.Unknown("");

  size_t lines = 0;
  for (const RawBudget& part : parts) lines += part.line_items.size();
  s.lines.owners = std::move(owners);
  LineReader line_reader(&s, lines);
  for (size_t i = 0; i < parts.size(); ++i) {
    const SubmitBudgetRequest& part = *parts[i].envelope;
    if (i > 0 && (!part.request_id().empty() || part.has_budget() || part.mode() != 0 ||
                  part.has_expected_revision() || part.validate_only() || part.certify() ||
                  part.scope() != 0 || part.control() || part.allow_empty() ||
                  !part.department_code().empty() || part.has_year_end_carry_forward_fen() ||
                  !part.note().empty() || part.has_source() || HasUnknownFields(part))) {
      reader.Add(Reason::kFieldNotAllowed, "budget", "",
                 {"a later part has only lines, projects and removals",
                  "后续分片只能包含明细、项目和删除项"});
    }
    for (absl::string_view item : parts[i].line_items) {
      if (!line_reader.Read(item)) return NotParsed(*parts[i].type, parts[i].bytes);
    }
    reader.Projects(part);
    for (const std::string& id : part.removed_line_ids()) s.removed_line_ids.push_back(id);
    for (const std::string& code : part.removed_project_codes())
      s.removed_project_codes.push_back(code);
  }
  if (parts[0].unknown_around) reader.Unknown("");
  return s;
}

Submission ToWithdrawal(const submission::v1::WithdrawBudgetRequest& request,
                        absl::string_view principal) {
  Submission s;
  Reader reader(&s);
  s.principal = std::string(principal);
  s.request_id = request.request_id();
  reader.Key(request.budget());
  s.withdraw = true;
  if (request.has_expected_revision()) s.expected_revision = request.expected_revision();
  s.note = request.note();
  if (HasUnknownFields(request)) reader.Unknown("");
  return s;
}

void ToProto(const domain::RequestReceipt& in, const domain::Moment& at,
             const std::string& request_id, submission::v1::SubmitBudgetResponse* out) {
  const domain::Receipt& r = in.receipt;
  out->set_request_id(request_id);
  out->set_result(static_cast<submission::v1::Result>(r.result));
  out->set_revision(static_cast<int64_t>(r.revision));
  if (!r.position.zero()) out->set_position(at.Text());
  out->set_line_count(static_cast<int64_t>(r.line_count));
  out->set_memo_line_count(static_cast<int64_t>(r.memo_line_count));
  out->set_project_count(static_cast<int64_t>(r.project_count));
  if (!r.position.zero()) out->set_chain_hash(std::string(BytesOf(r.chain_hash)));
  for (const domain::Finding& f : r.findings) {
    pb::Finding* finding = out->add_findings();
    finding->set_rule(f.rule);
    finding->set_severity(static_cast<pb::Severity>(f.severity));
    finding->set_place(f.place);
    finding->set_line_id(f.line_id);
    finding->set_message(f.message);
    finding->set_message_zh(f.message_zh);
  }
}

void ToProto(const domain::StatementMeta& m, pb::Budget* out) {
  out->mutable_key()->set_division_code(domain::FormatCode(m.key.division));
  out->mutable_key()->set_agency_code(m.key.agency);
  out->mutable_key()->set_fiscal_year(m.key.year);
  out->mutable_key()->set_stage(static_cast<pb::Stage>(m.key.stage));
  out->set_revision(static_cast<int64_t>(m.revision));
  out->set_position(EventNumber(m.position));
  ToTimestamp(m.commit_time_us, out->mutable_commit_time());
  out->set_department_code(m.department_code);
  out->set_scope(static_cast<pb::Scope>(m.scope));
  out->set_control(m.control);
  out->set_certified(m.certified);
  out->set_withdrawn(m.withdrawn);
  out->set_line_count(static_cast<int64_t>(m.line_count));
  out->set_memo_line_count(static_cast<int64_t>(m.memo_line_count));
  out->set_project_count(static_cast<int64_t>(m.project_count));
  if (m.carry_forward_fen.has_value()) out->set_year_end_carry_forward_fen(*m.carry_forward_fen);
  out->set_note(m.note);
  if (!m.source.empty()) out->mutable_source()->ParseFromString(m.source);
  out->set_expenditure_fen(m.expenditure_fen);
  out->set_income_fen(m.income_fen);
  out->set_principal(m.principal);
}

void ToProto(const domain::Line& line, pb::LineItem* out) {
  out->set_line_id(std::string(line.line_id));
  out->set_direction(static_cast<pb::Direction>(line.attributes.direction));
  out->set_functional_code(domain::FormatCode(line.functional));
  out->set_revenue_code(domain::FormatCode(line.revenue));
  out->set_dept_economic_code(domain::FormatCode(line.dept_economic));
  out->set_gov_economic_code(domain::FormatCode(line.gov_economic));
  out->set_fund(static_cast<pb::Fund>(line.attributes.fund));
  out->set_category(static_cast<pb::Category>(line.attributes.category));
  out->set_funding_year(static_cast<pb::FundingYear>(line.attributes.funding_year));
  out->set_project_code(std::string(line.project_code));
  out->set_amount_fen(line.amount_fen);
  out->set_precision_fen(domain::kPrecisionFen[line.precision_class]);
  out->set_analysis(static_cast<pb::Analysis>(line.attributes.analysis));
  out->set_procurement_kind(static_cast<pb::ProcurementKind>(line.attributes.procurement));
  out->set_receiving_division_code(domain::FormatCode(line.receiving_division));
  out->set_note(std::string(line.note));
}

void ToProto(const domain::ProjectEntry& project, pb::Project* out) {
  out->ParseFromString(project.bytes);
}

std::string ImplementingAgency(const domain::ProjectEntry& project) {
  pb::Project parsed;
  ToProto(project, &parsed);
  return parsed.implementing_agency();
}

absl::StatusOr<domain::BudgetKey> ToKey(const pb::BudgetKey& key) {
  std::vector<domain::Violation> violations;
  domain::BudgetKey out;
  out.division = ParseDivision(key.division_code());
  if (out.division == 0) {
    violations.push_back(
        {Reason::kCodeMalformed, "budget.division_code", "", domain::kDivisionShape});
  }
  if (!domain::IsUnitCode(key.agency_code())) {
    violations.push_back(
        {Reason::kCodeMalformed, "budget.agency_code", "", domain::kAgencyCodeShape});
  }
  if (!domain::IsFiscalYear(key.fiscal_year())) {
    violations.push_back(
        {Reason::kCodeMalformed, "budget.fiscal_year", "", domain::kFiscalYearShape});
  }
  if (!pb::Stage_IsValid(key.stage()) || key.stage() == pb::STAGE_UNSPECIFIED) {
    violations.push_back({Reason::kEnumUnknown, "budget.stage", "", "a stage is required"});
  } else if (key.stage() == pb::STAGE_CURRENT) {
    violations.push_back({Reason::kFieldNotAllowed, "budget.stage", "", kCurrentIsDerived});
  }
  if (!violations.empty()) return domain::Refuse(std::move(violations));
  out.agency = key.agency_code();
  out.year = static_cast<uint16_t>(key.fiscal_year());
  out.stage = static_cast<domain::Stage>(key.stage());
  return out;
}

}  // namespace fiscal::services::wire
