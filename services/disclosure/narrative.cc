#include "services/disclosure/narrative.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "domain/disclosure/money.h"

namespace fiscal::services {
namespace {

using disclosure::CellSource;
using disclosure::Group;
using disclosure::GroupKind;
using disclosure::MoneyUnit;
using disclosure::Query;
using domain::Analysis;
using domain::Category;
using domain::Direction;
using domain::Fund;
using domain::Procurement;

constexpr absl::string_view kField = "narrative";

absl::StatusOr<int64_t> Ask(CellSource& source, const Query& query) {
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups, source.Ask(query, GroupKind::kNone));
  domain::Fen fen = 0;
  for (const Group& g : groups) fen += g.sum.fen;
  // Sums and differences of a dozen fit too.
  if (!domain::FitsInt64(fen * 16)) return domain::RefuseTotal(fen, kField);
  return static_cast<int64_t>(fen);
}

// Hundredths of a percent, halves away from zero; the largest number where it is beyond. REQUIRES:
// whole != 0.
int64_t Hundredths(int64_t part, int64_t whole) {
  __int128 n = static_cast<__int128>(part) * 10000, d = whole;
  if (d < 0) {
    n = -n;
    d = -d;
  }
  const __int128 rounded = std::min<__int128>(((n < 0 ? -n : n) * 2 + d) / (2 * d), INT64_MAX);
  return static_cast<int64_t>(n < 0 ? -rounded : rounded);
}

std::string Money(int64_t fen) {
  return absl::StrCat(disclosure::PrintFigure(fen, MoneyUnit::kWanyuan), "万元");
}

std::string Percent(int64_t hundredths) {
  return absl::StrCat(
      disclosure::PrintFigure(hundredths < 0 ? -hundredths : hundredths, MoneyUnit::kYuan), "%");
}

// Money by what it is spent on: "基本支出12.00万元，占60.00%".
std::string WithShare(const disclosure::v1::NarrativeShare& s) {
  return absl::StrCat(s.name(), Money(s.amount_fen()), "，占", Percent(s.share_hundredths()));
}

// Asks a source for the figures of one narrative, and says them.
class Narrator {
 public:
  Narrator(CellSource& source, disclosure::v1::Narrative* out) : source_(source), out_(out) {
    spent_.direction = Direction::kExpenditure;
  }

  // Income and expenditure, against the year before where `prior` has it. Comes first: shares are
  // of this expenditure.
  absl::Status Whole(const std::string& name, int year, CellSource* prior) {
    Query income;
    income.direction = Direction::kIncome;
    FISCAL_ASSIGN_OR_RETURN(total_, Ask(source_, spent_));
    FISCAL_ASSIGN_OR_RETURN(const int64_t received, Ask(source_, income));
    int64_t before = 0;
    if (prior != nullptr) {
      FISCAL_ASSIGN_OR_RETURN(before, Ask(*prior, spent_));
    }
    out_->set_income_fen(received);
    out_->set_expenditure_fen(total_);
    std::string change = "上年数未录入，不作比较";
    if (before != 0) {
      out_->set_prior_expenditure_fen(before);
      const int64_t hundredths = Hundredths(total_ - before, before);
      out_->set_change_percent_hundredths(hundredths);
      change = total_ == before
                   ? "与上年持平"
                   : absl::StrCat("比上年", total_ > before ? "增加" : "减少",
                                  Money(total_ > before ? total_ - before : before - total_), "，",
                                  total_ > before ? "增长" : "下降", Percent(hundredths));
    }
    out_->add_sentences(absl::StrCat(year, "年，", name, "收入预算", Money(received), "，支出预算",
                                     Money(total_), "；支出", change, "。"));
    return absl::OkStatus();
  }

  absl::Status Categories() {
    std::vector<std::string> parts;
    for (const auto& [label, category] :
         {std::pair<const char*, Category>{"基本支出", Category::kBasic},
          {"项目支出", Category::kProject}}) {
      Query q = spent_;
      q.category = category;
      FISCAL_ASSIGN_OR_RETURN(const int64_t fen, Ask(source_, q));
      parts.push_back(WithShare(Share(label, fen, out_->mutable_shares())));
    }
    out_->add_sentences(absl::StrCat("支出预算中，", absl::StrJoin(parts, "；"), "。"));
    return absl::OkStatus();
  }

  absl::Status Classes() {
    std::vector<std::string> parts;
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> classes,
                            source_.Ask(spent_, GroupKind::kFunctional));
    for (const Group& g : classes) {
      if (g.code.size() != 3 || g.sum.fen == 0) continue;
      FISCAL_ASSIGN_OR_RETURN(const int64_t fen, domain::ToInt64(g.sum.fen, kField));
      const std::string label = source_.NameOf(domain::CatalogList::kFunctional, g.code);
      parts.push_back(
          WithShare(Share(label.empty() ? g.code : label, fen, out_->mutable_shares())));
    }
    if (!parts.empty())
      out_->add_sentences(absl::StrCat("按支出功能分，", absl::StrJoin(parts, "；"), "。"));
    return absl::OkStatus();
  }

  absl::Status ThreePublicExpenses() {
    std::vector<std::string> parts;
    int64_t three = 0;
    const struct {
      const char* label;
      domain::Code code;
    } kinds[] = {{"因公出国（境）费", 30212},
                 {"公务接待费", 30217},
                 {"公务用车购置费", 31013},
                 {"公务用车运行维护费", 30231}};
    for (const auto& k : kinds) {
      Query q = spent_;
      q.analysis = Analysis::kThreePublic;
      q.dept_economic = k.code;
      int64_t fen = 0;
      for (Fund fund : {Fund::kGeneral, Fund::kGovernmentFund, Fund::kStateCapital}) {
        q.funds = {fund};
        FISCAL_ASSIGN_OR_RETURN(const int64_t of_fund, Ask(source_, q));
        fen += of_fund;
      }
      if (fen == 0) {
        // Published tables may state no fund.
        q.funds.clear();
        FISCAL_ASSIGN_OR_RETURN(fen, Ask(source_, q));
      }
      three += fen;
      Share(k.label, fen, out_->mutable_three_public_expenses());
      parts.push_back(absl::StrCat(k.label, Money(fen)));
    }
    out_->add_sentences(
        absl::StrCat("“三公”经费预算", Money(three), "，其中：", absl::StrJoin(parts, "、"), "。"));
    return absl::OkStatus();
  }

  absl::Status OperatingExpenses() {
    Query operating = spent_;
    operating.analysis = Analysis::kOperating;
    operating.category = Category::kPublic;
    FISCAL_ASSIGN_OR_RETURN(const int64_t offices, Ask(source_, operating));
    out_->set_operating_fen(offices);
    out_->add_sentences(absl::StrCat("机关运行经费预算", Money(offices), "。"));
    return absl::OkStatus();
  }

  absl::Status Procurements() {
    Query bought = spent_;
    bought.analysis = Analysis::kProcurement;
    FISCAL_ASSIGN_OR_RETURN(const int64_t procured, Ask(source_, bought));
    if (procured == 0) return absl::OkStatus();
    Share("政府采购", procured, out_->mutable_procurements());
    std::vector<std::string> parts;
    for (const auto& [label, kind] :
         {std::pair<const char*, Procurement>{"货物", Procurement::kGoods},
          {"工程", Procurement::kWorks},
          {"服务", Procurement::kServices}}) {
      bought.procurement = kind;
      FISCAL_ASSIGN_OR_RETURN(const int64_t fen, Ask(source_, bought));
      if (fen == 0) continue;
      Share(label, fen, out_->mutable_procurements());
      parts.push_back(absl::StrCat(label, Money(fen)));
    }
    out_->add_sentences(absl::StrCat("政府采购预算", Money(procured),
                                     parts.empty() ? "" : "，其中：", absl::StrJoin(parts, "、"),
                                     "。"));
    return absl::OkStatus();
  }

 private:
  using Shares = google::protobuf::RepeatedPtrField<disclosure::v1::NarrativeShare>;

  const disclosure::v1::NarrativeShare& Share(const std::string& label, int64_t fen, Shares* list) {
    disclosure::v1::NarrativeShare* s = list->Add();
    s->set_name(label);
    s->set_amount_fen(fen);
    if (total_ != 0) s->set_share_hundredths(Hundredths(fen, total_));
    return *s;
  }

  CellSource& source_;
  disclosure::v1::Narrative* const out_;
  // All expenditure.
  Query spent_;
  int64_t total_ = 0;
};

}  // namespace

absl::Status FillNarrative(const std::string& name, int year, CellSource& source, CellSource* prior,
                           disclosure::v1::Narrative* out) {
  Narrator narrator(source, out);
  FISCAL_RETURN_IF_ERROR(narrator.Whole(name, year, prior));
  FISCAL_RETURN_IF_ERROR(narrator.Categories());
  FISCAL_RETURN_IF_ERROR(narrator.Classes());
  FISCAL_RETURN_IF_ERROR(narrator.ThreePublicExpenses());
  FISCAL_RETURN_IF_ERROR(narrator.OperatingExpenses());
  return narrator.Procurements();
}

}  // namespace fiscal::services
