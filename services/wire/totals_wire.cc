#include "services/wire/totals_wire.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "services/wire/text_wire.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::aggregation::v1;
using domain::Dimension;
using domain::GroupBy;
using domain::GroupValue;
using domain::Reason;
using domain::TotalFilter;

static_assert(static_cast<int>(Dimension::kProject) == pb::DIMENSION_PROJECT &&
              pb::Dimension_MAX == 11);
static_assert(static_cast<int>(Dimension::kDivision) == pb::DIMENSION_DIVISION);
static_assert(static_cast<int>(domain::RowOrder::kAmountDescending) == pb::ORDER_AMOUNT_DESC);

template <typename Add>
void CheckEnums(const pb::TotalFilter& in, const Add& add) {
  if (!budget::v1::Stage_IsValid(in.stage()) || in.stage() == 0)
    add(Reason::kEnumUnknown, "stage",
        {absl::StrCat(in.stage(), " is no stage; one is required"),
         absl::StrCat("预算阶段必填，", in.stage(), "不是预算阶段")});
  if (!budget::v1::Direction_IsValid(in.direction()) || in.direction() == 0) {
    add(Reason::kEnumUnknown, "direction",
        {absl::StrCat(in.direction(), " is no direction; one is required"),
         absl::StrCat("收支方向必填，", in.direction(), "不是收支方向")});
  }
  if (!budget::v1::Fund_IsValid(in.fund()))
    add(Reason::kEnumUnknown, "fund",
        {absl::StrCat(in.fund(), " is no fund"), absl::StrCat(in.fund(), "不是资金性质")});
  if (!budget::v1::Category_IsValid(in.category()))
    add(Reason::kEnumUnknown, "category",
        {absl::StrCat(in.category(), " is no category"),
         absl::StrCat(in.category(), "不是支出类别")});
  if (!budget::v1::FundingYear_IsValid(in.funding_year()))
    add(Reason::kEnumUnknown, "funding_year",
        {absl::StrCat(in.funding_year(), " is no funding year"),
         absl::StrCat(in.funding_year(), "不是资金年度")});
  if (!budget::v1::Analysis_IsValid(in.analysis()))
    add(Reason::kEnumUnknown, "analysis",
        {absl::StrCat(in.analysis(), " is no analysis"),
         absl::StrCat(in.analysis(), "不是统计口径")});
}

}  // namespace

absl::StatusOr<TotalFilter> ToFilter(const pb::TotalFilter& in, const std::string& path) {
  std::vector<domain::Violation> violations;
  auto add = [&](Reason reason, absl::string_view field, domain::Sentence message) {
    violations.push_back({reason,
                          path.empty() ? std::string(field) : absl::StrCat(path, ".", field), "",
                          std::move(message)});
  };
  TotalFilter f;
  f.division = ParseDivision(in.division_code());
  if (f.division == 0)
    add(Reason::kCodeMalformed, "division_code", domain::kDivisionShape.Not(in.division_code()));
  f.own_level = in.own_level();
  f.department = in.department_code();
  f.agency = in.agency_code();
  if (!domain::IsFiscalYear(in.fiscal_year())) {
    add(Reason::kCodeMalformed, "fiscal_year",
        domain::kFiscalYearShape.Not(absl::StrCat(in.fiscal_year())));
  } else {
    f.year = static_cast<uint16_t>(in.fiscal_year());
  }
  auto code = [&](const std::string& text, absl::string_view field, int level_max) -> domain::Code {
    if (text.empty()) return 0;
    const domain::Code c = domain::ParseCode(text);
    const int level = domain::LevelOf(c);
    if (level == 0 || level > level_max)
      add(Reason::kCodeMalformed, field,
          {absl::StrCat("\"", Shown(text), "\": a code has 3 digits and 2 more for each level"),
           absl::StrCat("“", Shown(text), "”：编码首级3位，每级加2位")});
    return c;
  };
  f.functional = code(in.functional_code(), "functional_code", 3);
  f.revenue = code(in.revenue_code(), "revenue_code", 4);
  f.dept_economic = code(in.dept_economic_code(), "dept_economic_code", 2);
  f.gov_economic = code(in.gov_economic_code(), "gov_economic_code", 2);
  f.project = in.project_code();
  if (in.classification_year() != 0) {
    if (in.classification_year() < in.fiscal_year() ||
        in.classification_year() > domain::kFiscalYearMax) {
      add(Reason::kQueryInvalid, "classification_year",
          {absl::StrCat(in.classification_year(), ": the fiscal year or a later one"),
           absl::StrCat(in.classification_year(), "：应为预算年度或其后的年度")});
    } else if (in.classification_year() != in.fiscal_year()) {
      f.classification_year = static_cast<uint16_t>(in.classification_year());
    }
  }
  CheckEnums(in, add);
  if (!violations.empty()) return domain::Refuse(std::move(violations));
  f.stage = static_cast<domain::Stage>(in.stage());
  f.direction = static_cast<domain::Direction>(in.direction());
  f.fund = static_cast<domain::Fund>(in.fund());
  f.category = static_cast<domain::Category>(in.category());
  f.funding_year = static_cast<domain::FundingYear>(in.funding_year());
  f.analysis = static_cast<domain::Analysis>(in.analysis());
  return f;
}

absl::StatusOr<std::vector<GroupBy>> ToGroupBy(
    const google::protobuf::RepeatedPtrField<pb::GroupBy>& group_by, int min,
    const std::string& path) {
  std::vector<GroupBy> out;
  if (group_by.size() < min || group_by.size() > 2) {
    return domain::Refuse({{Reason::kQueryInvalid, path, "",
                            min == 0 ? "at most two dimensions" : "one or two dimensions"}});
  }
  for (int i = 0; i < group_by.size(); ++i) {
    const pb::GroupBy& g = group_by[i];
    const std::string field = absl::StrCat(path, "[", i, "].");
    if (!pb::Dimension_IsValid(g.dimension()) || g.dimension() == 0) {
      return domain::Refuse({{Reason::kEnumUnknown, field + "dimension", "", "no such dimension"}});
    }
    if (g.depth() < 0)
      return domain::Refuse({{Reason::kQueryInvalid, field + "depth", "", "must not be negative"}});
    if (i == 1 && g.dimension() == group_by[0].dimension()) {
      return domain::Refuse(
          {{Reason::kQueryInvalid, field + "dimension", "", "the same dimension twice"}});
    }
    out.push_back({static_cast<Dimension>(g.dimension()), g.depth()});
  }
  return out;
}

absl::Status ToProto(const domain::CellValue& value, absl::string_view field, pb::Total* out) {
  FISCAL_ASSIGN_OR_RETURN(const int64_t fen, domain::ToInt64(value.amount_fen, field));
  out->set_amount_fen(fen);
  out->set_precision_fen(value.precision_fen());
  out->set_line_count(value.line_count());
  return absl::OkStatus();
}

void ToProto(const std::vector<GroupValue>& group,
             google::protobuf::RepeatedPtrField<pb::GroupValue>* out) {
  for (const GroupValue& v : group) {
    pb::GroupValue* g = out->Add();
    g->set_dimension(static_cast<pb::Dimension>(v.dimension));
    g->set_code(v.code);
    g->set_name(v.name);
    g->set_level(v.level);
    if (v.division != 0) g->set_division_code(domain::FormatCode(v.division));
    g->set_own_level(v.own_level);
    g->set_unmapped(v.unmapped);
  }
}

absl::Status ToProto(const domain::TotalRow& row, pb::Total* out) {
  FISCAL_RETURN_IF_ERROR(ToProto(row.value, domain::RowName(row.group), out));
  ToProto(row.group, out->mutable_group());
  return absl::OkStatus();
}

}  // namespace fiscal::services::wire
