// A total explained to its lines at random positions, against a list of every line there ever was.
// FISCAL_EXPLAIN_LINES says how many lines are put, FISCAL_EXPLAIN_SEED which history.
#include <deque>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/position.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace s = fiscal::submission::v1;

constexpr int kQuestions = 60;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

uint64_t ToNumber(const std::string& position) {
  uint64_t number = 0;
  EXPECT_TRUE(ReadPosition(position, &number)) << position;
  return number;
}

struct Division {
  const char* code;
  const char* parent;
};
// A province, two cities, their counties; 140100 has one county only.
constexpr Division kDivisions[] = {{"140000", ""},       {"140100", "140000"}, {"140105", "140100"},
                                   {"141100", "140000"}, {"141121", "141100"}, {"141122", "141100"},
                                   {"141123", "141100"}};
constexpr b::Stage kStages[] = {b::STAGE_APPROVED, b::STAGE_ADJUSTMENT, b::STAGE_REALLOCATION};
constexpr const char* kFunctional[] = {"205",     "20502",   "2050202", "2050203", "208",
                                       "2080505", "2080506", "21011",   "2101101", "2101103",
                                       "2170101", "2170102", "2210201", "2300202"};
constexpr const char* kRevenue[] = {"101", "1030147", "1030148", "10304", "1030427", "1100202"};
constexpr const char* kDeptEconomic[] = {"", "301", "30101", "30102", "30201", "30299"};
constexpr const char* kGovEconomic[] = {"", "501", "50101", "50201", "50299"};
constexpr b::Fund kFunds[] = {b::FUND_UNSPECIFIED,   b::FUND_GENERAL,       b::FUND_GENERAL,
                              b::FUND_GENERAL,       b::FUND_STATE_CAPITAL, b::FUND_UNIT,
                              b::FUND_UNIT_BUSINESS, b::FUND_UNIT_OTHER};
constexpr b::Category kCategories[] = {b::CATEGORY_UNSPECIFIED, b::CATEGORY_BASIC,
                                       b::CATEGORY_PERSONNEL,   b::CATEGORY_PUBLIC,
                                       b::CATEGORY_PROJECT,     b::CATEGORY_SPECIFIC_TARGET};
constexpr const char* kProjects[] = {"P1", "P2", "P3", "P4", "P5"};
constexpr int64_t kPrecisions[] = {1, 1, 100, 10000, 1000000};

struct Agency {
  std::string division;
  std::string department;
  // Of a statement of the whole department, its code.
  std::string code;
  bool whole_department = false;
  // Never counted.
  bool control = false;
};

// A budget as it stands, while the history is made.
struct Budget {
  size_t agency = 0;
  b::BudgetKey key;
  bool stands = false;
  std::map<std::string, b::LineItem> lines;
};

// What stood from a position until another one.
struct LineLife {
  size_t budget = 0;
  uint64_t from = 0;
  uint64_t until = UINT64_MAX;
  b::LineItem line;
};

using Tuple = std::tuple<std::string, std::string, int, int64_t, std::string, int64_t>;

class Model {
 public:
  std::vector<Agency> agencies;
  std::vector<Budget> budgets;
  std::vector<LineLife> lives;
  // By budget: when a revision came to stand.
  std::vector<std::map<uint64_t, int64_t>> revisions;
  uint64_t first = 0;
  uint64_t last = 0;

  void Apply(size_t budget, const std::vector<std::string>& removed,
             const std::vector<b::LineItem>& put, const s::SubmitBudgetResponse& receipt) {
    const uint64_t position = ToNumber(receipt.position());
    ASSERT_GT(position, last);
    ASSERT_EQ(receipt.revision(),
              revisions[budget].empty() ? 1 : revisions[budget].rbegin()->second + 1);
    revisions[budget][position] = receipt.revision();
    if (first == 0) first = position;
    last = position;
    for (const std::string& id : removed) End({budget, id}, position);
    for (const b::LineItem& line : put) {
      End({budget, line.line_id()}, position);
      living_[{budget, line.line_id()}] = lives.size();
      lives.push_back({budget, position, UINT64_MAX, line});
    }
  }

  // The lines a filter asks for at a position, and their sum.
  std::set<Tuple> Lines(const a::TotalFilter& f, uint64_t position, int64_t* sum) const {
    std::vector<int64_t> standing(budgets.size(), -1);
    for (size_t i = 0; i < budgets.size(); ++i) {
      if (!Counts(f, i)) continue;
      auto it = revisions[i].upper_bound(position);
      if (it != revisions[i].begin()) standing[i] = std::prev(it)->second;
    }
    std::set<Tuple> out;
    *sum = 0;
    for (const LineLife& life : lives) {
      if (standing[life.budget] < 0 || life.from > position || life.until <= position ||
          !Matches(f, life.line))
        continue;
      *sum += life.line.amount_fen();
      const b::BudgetKey& key = budgets[life.budget].key;
      out.emplace(key.division_code(), key.agency_code(), key.stage(), standing[life.budget],
                  life.line.line_id(), life.line.amount_fen());
    }
    return out;
  }

  const b::LineItem* Find(const b::BudgetKey& key, const std::string& id, uint64_t position) const {
    if (by_id_.empty()) {
      for (size_t i = 0; i < lives.size(); ++i)
        by_id_[{lives[i].budget, lives[i].line.line_id()}].push_back(i);
      for (size_t i = 0; i < budgets.size(); ++i) by_key_[budgets[i].key.SerializeAsString()] = i;
    }
    for (size_t i : by_id_[{by_key_.at(key.SerializeAsString()), id}]) {
      if (lives[i].from <= position && position < lives[i].until) return &lives[i].line;
    }
    return nullptr;
  }

 private:
  void End(const std::pair<size_t, std::string>& id, uint64_t position) {
    auto it = living_.find(id);
    if (it == living_.end()) return;
    lives[it->second].until = position;
    living_.erase(it);
  }

  static bool Inside(std::string division, const std::string& top) {
    while (!division.empty() && division != top) {
      for (const Division& d : kDivisions) {
        if (division == d.code) {
          division = d.parent;
          break;
        }
      }
    }
    return division == top;
  }

  bool Counts(const a::TotalFilter& f, size_t budget) const {
    const Agency& agency = agencies[budgets[budget].agency];
    const b::BudgetKey& key = budgets[budget].key;
    if (agency.control || key.fiscal_year() != f.fiscal_year()) return false;
    if (f.stage() != b::STAGE_CURRENT && f.stage() != key.stage()) return false;
    const bool own = f.own_level() || !f.department_code().empty() || !f.agency_code().empty();
    if (own ? agency.division != f.division_code() : !Inside(agency.division, f.division_code()))
      return false;
    if (!f.department_code().empty() && f.department_code() != agency.department) return false;
    return f.agency_code().empty() || f.agency_code() == agency.code;
  }

  static bool Matches(const a::TotalFilter& f, const b::LineItem& line) {
    auto below = [](const std::string& code, const std::string& asked) {
      return asked.empty() || absl::StartsWith(code, asked);
    };
    const bool unit = line.fund() >= b::FUND_UNIT;
    const b::Category top = line.category() == b::CATEGORY_UNSPECIFIED ? line.category()
                            : line.category() <= b::CATEGORY_PUBLIC    ? b::CATEGORY_BASIC
                                                                       : b::CATEGORY_PROJECT;
    return line.direction() == f.direction() && line.analysis() == f.analysis() &&
           below(line.functional_code(), f.functional_code()) &&
           below(line.revenue_code(), f.revenue_code()) &&
           below(line.dept_economic_code(), f.dept_economic_code()) &&
           below(line.gov_economic_code(), f.gov_economic_code()) &&
           (f.fund() == b::FUND_UNSPECIFIED || f.fund() == line.fund() ||
            (f.fund() == b::FUND_UNIT && unit)) &&
           (f.category() == b::CATEGORY_UNSPECIFIED || f.category() == line.category() ||
            f.category() == top) &&
           (f.funding_year() == b::FUNDING_YEAR_UNSPECIFIED ||
            f.funding_year() == line.funding_year()) &&
           (f.project_code().empty() || f.project_code() == line.project_code());
  }

  std::map<std::pair<size_t, std::string>, size_t> living_;
  mutable absl::flat_hash_map<std::pair<size_t, std::string>, std::vector<size_t>> by_id_;
  mutable std::map<std::string, size_t> by_key_;
};

// Makes a random history and keeps it in a server and in a model.
class History {
 public:
  History(uint64_t lines, uint64_t seed) : lines_(lines), random_(seed) {
    ImportAgencies();
    Load();
  }

  Deployment d;
  Model model;
  int patches = 0, replaced = 0, withdrawals = 0;

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename T, size_t n>
  const T& Pick(const T (&of)[n]) {
    return of[Below(n)];
  }

 private:
  struct Pending {
    size_t budget;
    std::vector<std::string> removed;
    std::vector<b::LineItem> put;
  };

  void ImportAgencies() {
    int number = 0;
    for (const Division& division : kDivisions) {
      c::ImportCatalogRequest request;
      request.set_request_id(absl::StrCat("agencies-", division.code));
      request.set_division_code(division.code);
      request.set_fiscal_year(2024);
      request.set_list(c::CATALOG_LIST_AGENCY);
      for (int department = 601; department <= 604; ++department) {
        for (int i = 1; i <= 3; ++i) {
          Agency agency;
          agency.division = division.code;
          agency.department = absl::StrCat(department);
          // Codes don't follow departments.
          agency.code = absl::StrCat(7 + number % 3, "0", department, i);
          agency.control = ++number % 11 == 0;
          c::CatalogEntry* entry = request.add_entries();
          entry->set_code(agency.code);
          entry->set_name(absl::StrCat("单位", number));
          entry->set_department_code(agency.department);
          // The last department reports as a whole.
          if (department == 604) {
            if (i > 1) continue;
            agency.code = agency.department;
            agency.whole_department = true;
            agency.control = false;
          }
          for (b::Stage stage : kStages) {
            Budget budget;
            budget.agency = model.agencies.size();
            budget.key.set_division_code(agency.division);
            budget.key.set_agency_code(agency.code);
            budget.key.set_fiscal_year(2024);
            budget.key.set_stage(stage);
            model.budgets.push_back(budget);
          }
          model.agencies.push_back(agency);
        }
      }
      c::ImportCatalogResponse response;
      grpc::ClientContext context;
      const grpc::Status status = d.catalog->ImportCatalog(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    model.revisions.resize(model.budgets.size());
  }

  b::LineItem RandomLine(const std::string& id, b::Stage stage) {
    b::LineItem line;
    line.set_line_id(id);
    line.set_precision_fen(Pick(kPrecisions));
    line.set_amount_fen(static_cast<int64_t>(Below(100000)) * line.precision_fen());
    if (stage != b::STAGE_APPROVED && OneIn(2)) line.set_amount_fen(-line.amount_fen());
    line.set_fund(Pick(kFunds));
    line.set_funding_year(static_cast<b::FundingYear>(Below(3)));
    line.set_functional_code(Pick(kFunctional));
    if (OneIn(4)) line.set_project_code(Pick(kProjects));
    if (OneIn(10)) line.set_analysis(static_cast<b::Analysis>(1 + Below(6)));
    if (OneIn(5)) {
      line.set_direction(b::DIRECTION_INCOME);
      if (OneIn(2)) {
        line.set_revenue_code(Pick(kRevenue));
        if (OneIn(2)) line.clear_functional_code();
      }
    } else {
      line.set_direction(b::DIRECTION_EXPENDITURE);
      line.set_dept_economic_code(Pick(kDeptEconomic));
      line.set_gov_economic_code(Pick(kGovEconomic));
      line.set_category(Pick(kCategories));
    }
    return line;
  }

  // Keeps what was asked and at most `in_flight` unanswered.
  void Drain(size_t in_flight) {
    while (pending_.size() > in_flight) {
      s::StreamBudgetsResponse answer;
      ASSERT_TRUE(stream_->Read(&answer));
      ASSERT_TRUE(answer.has_receipt()) << answer.error().message();
      const Pending& p = pending_.front();
      model.Apply(p.budget, p.removed, p.put, answer.receipt());
      pending_.pop_front();
    }
  }

  void Load() {
    stream_ = d.submission->StreamBudgets(&context_);
    const size_t per_statement = lines_ < 100000 ? 40 : 400;
    for (uint64_t put = 0; put < lines_ && !::testing::Test::HasFatalFailure();) {
      const size_t number = Below(model.budgets.size());
      Budget& budget = model.budgets[number];
      const size_t choice = Below(10);
      if (budget.stands && choice == 0) {
        Withdraw(number);
        continue;
      }
      Pending p{number, {}, {}};
      s::StreamBudgetsRequest frame;
      s::SubmitBudgetRequest& request = *frame.mutable_budget();
      request.set_request_id(absl::StrCat("r", ++requests_));
      *request.mutable_budget() = budget.key;
      const Agency& agency = model.agencies[budget.agency];
      if (agency.whole_department) {
        request.set_scope(b::SCOPE_DEPARTMENT);
        request.set_department_code(agency.department);
      }
      const bool patch = budget.stands && choice < 6;
      std::map<std::string, b::LineItem> next;
      if (patch) {
        ++patches;
        request.set_mode(s::WRITE_MODE_PATCH);
        for (const auto& [id, line] : budget.lines) {
          if (OneIn(10)) {
            p.removed.push_back(id);
            request.add_removed_line_ids(id);
          } else if (OneIn(10)) {
            p.put.push_back(RandomLine(id, budget.key.stage()));
          }
        }
        for (size_t i = Below(per_statement / 4) + 1; i > 0; --i)
          p.put.push_back(RandomLine(NewId(), budget.key.stage()));
        next = budget.lines;
        for (const std::string& id : p.removed) next.erase(id);
        for (const b::LineItem& line : p.put) next[line.line_id()] = line;
      } else {
        if (budget.stands) ++replaced;
        request.set_control(agency.control);
        for (const auto& [id, line] : budget.lines) {
          if (OneIn(2)) {
            next[id] = OneIn(2) ? line : RandomLine(id, budget.key.stage());
          } else {
            p.removed.push_back(id);
          }
        }
        for (size_t i = Below(per_statement) + 1; i > 0; --i) {
          b::LineItem line = RandomLine(NewId(), budget.key.stage());
          next[line.line_id()] = std::move(line);
        }
        for (const auto& [id, line] : next) p.put.push_back(line);
      }
      put += p.put.size();
      for (const b::LineItem& line : p.put) *request.add_line_items() = line;
      for (const char* code : kProjects) {
        b::Project* project = request.add_projects();
        project->set_project_code(code);
        project->set_name(code);
      }
      budget.stands = true;
      budget.lines = std::move(next);
      pending_.push_back(std::move(p));
      ASSERT_TRUE(stream_->Write(frame));
      Drain(64);
    }
    stream_->WritesDone();
    Drain(0);
    ASSERT_TRUE(stream_->Finish().ok());
  }

  void Withdraw(size_t number) {
    Drain(0);
    Budget& budget = model.budgets[number];
    s::WithdrawBudgetRequest request;
    request.set_request_id(absl::StrCat("r", ++requests_));
    *request.mutable_budget() = budget.key;
    s::WithdrawBudgetResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d.submission->WithdrawBudget(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> removed;
    for (const auto& [id, line] : budget.lines) removed.push_back(id);
    model.Apply(number, removed, {}, response.receipt());
    budget.stands = false;
    budget.lines.clear();
    ++withdrawals;
  }

  std::string NewId() { return absl::StrCat("L", ++ids_); }

  const uint64_t lines_;
  std::mt19937_64 random_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<s::StreamBudgetsRequest, s::StreamBudgetsResponse>>
      stream_;
  std::deque<Pending> pending_;
  uint64_t ids_ = 0, requests_ = 0;
};

// A question of any kind.
a::TotalFilter RandomFilter(History& h) {
  a::TotalFilter f;
  f.set_fiscal_year(2024);
  f.set_stage(h.OneIn(2) ? b::STAGE_CURRENT : h.Pick(kStages));
  f.set_direction(h.OneIn(3) ? b::DIRECTION_INCOME : b::DIRECTION_EXPENDITURE);
  const bool income = f.direction() == b::DIRECTION_INCOME;
  const Agency& agency = h.model.agencies[h.Below(h.model.agencies.size())];
  switch (h.Below(5)) {
    case 0:
      f.set_division_code(agency.division);
      f.set_own_level(true);
      break;
    case 1:
      f.set_division_code(agency.division);
      f.set_department_code(agency.department);
      break;
    case 2:
      f.set_division_code(agency.division);
      f.set_agency_code(agency.code);
      if (h.OneIn(2)) f.set_department_code(agency.department);
      break;
    default:
      f.set_division_code(h.Pick(kDivisions).code);
  }
  auto code = [&](const std::string& whole) {
    return whole.substr(0, std::min(whole.size(), 3 + 2 * h.Below(3)));
  };
  // Up to three of what lines carry.
  for (size_t more = h.Below(4); more > 0; --more) {
    switch (h.Below(8)) {
      case 0:
        f.set_functional_code(code(h.Pick(kFunctional)));
        break;
      case 1:
        if (income) f.set_revenue_code(code(h.Pick(kRevenue)));
        break;
      case 2:
        if (!income) f.set_dept_economic_code(code(h.Pick(kDeptEconomic)));
        break;
      case 3:
        if (!income) f.set_gov_economic_code(code(h.Pick(kGovEconomic)));
        break;
      case 4:
        f.set_fund(h.Pick(kFunds));
        break;
      case 5:
        if (!income) f.set_category(h.Pick(kCategories));
        break;
      case 6:
        f.set_funding_year(static_cast<b::FundingYear>(h.Below(3)));
        break;
      default:
        if (h.OneIn(2)) {
          f.set_project_code(h.Pick(kProjects));
        } else {
          f.set_analysis(static_cast<b::Analysis>(1 + h.Below(6)));
        }
    }
  }
  return f;
}

// All pages of an explanation.
struct Explained {
  a::Total total;
  std::vector<a::Contribution> contributions;
  int pages = 0;
};

grpc::Status Explain(Deployment& d, const a::TotalFilter& filter, uint64_t position, bool lines,
                     int page_size, Explained* out) {
  a::ExplainTotalRequest request;
  *request.mutable_filter() = filter;
  request.mutable_consistency()->set_exactly(absl::StrCat(position));
  request.set_line_items(lines);
  request.set_page_size(page_size);
  do {
    a::ExplainTotalResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d.aggregation->ExplainTotal(&context, request, &response);
    if (!status.ok()) return status;
    EXPECT_EQ(ToNumber(response.position()), position);
    EXPECT_TRUE(response.next_page_token().empty() || response.contributions_size() == page_size);
    ++out->pages;
    out->total = response.total();
    for (a::Contribution& c : *response.mutable_contributions())
      out->contributions.push_back(std::move(c));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

Tuple ToTuple(const a::Contribution& c) {
  return {c.budget().division_code(), c.budget().agency_code(),
          c.budget().stage(),         c.revision(),
          c.line_item().line_id(),    c.amount_fen()};
}

// What contributions are ordered by.
auto OrderOf(const Model& model, const a::Contribution& c) {
  std::string department;
  for (const Agency& agency : model.agencies) {
    if (agency.division == c.budget().division_code() && agency.code == c.budget().agency_code())
      department = agency.department;
  }
  return std::make_tuple(c.budget().division_code(), department, c.budget().agency_code(),
                         static_cast<int>(c.budget().stage()), c.line_item().line_id());
}

// What was checked.
struct Checked {
  int64_t explanations = 0, pages = 0, lines = 0, parts = 0, empty = 0;
};

// Goes down from a total to its lines, into `branches` parts of each level, and collects the lines.
void Descend(History& h, const a::TotalFilter& filter, uint64_t position, const a::Total& whole,
             size_t branches, std::set<Tuple>* lines, Checked* checked) {
  Explained e;
  const grpc::Status status = Explain(h.d, filter, position, false, 10000, &e);
  ASSERT_TRUE(status.ok()) << status.error_message() << filter.ShortDebugString();
  ++checked->explanations;
  checked->parts += static_cast<int64_t>(e.contributions.size());
  int64_t sum = 0, count = 0;
  a::BatchGetTotalsRequest batch;
  batch.mutable_consistency()->set_exactly(absl::StrCat(position));
  std::vector<size_t> next;
  for (size_t i = 0; i < e.contributions.size(); ++i) {
    const a::Contribution& c = e.contributions[i];
    sum += c.amount_fen();
    count += c.line_count();
    if (c.kind() == a::CONTRIBUTION_KIND_LINE_ITEM) {
      EXPECT_FALSE(c.has_filter());
      EXPECT_FALSE(filter.agency_code().empty());
      lines->insert(ToTuple(c));
      continue;
    }
    const bool statement = c.kind() == a::CONTRIBUTION_KIND_STATEMENT;
    EXPECT_EQ(statement, !filter.department_code().empty());
    EXPECT_EQ(statement, c.has_budget());
    *batch.add_filters() = c.filter();
    next.push_back(i);
  }
  ASSERT_EQ(sum, whole.amount_fen()) << filter.ShortDebugString();
  ASSERT_EQ(count, whole.line_count()) << filter.ShortDebugString();
  ASSERT_EQ(e.total.amount_fen(), whole.amount_fen());
  if (next.empty()) return;
  a::BatchGetTotalsResponse totals;
  grpc::ClientContext context;
  ASSERT_TRUE(h.d.aggregation->BatchGetTotals(&context, batch, &totals).ok());
  for (size_t i = 0; i < next.size(); ++i) {
    ASSERT_EQ(totals.totals(static_cast<int>(i)).amount_fen(),
              e.contributions[next[i]].amount_fen())
        << batch.filters(static_cast<int>(i)).ShortDebugString();
  }
  for (; next.size() > branches; next.pop_back())
    std::swap(next[h.Below(next.size())], next.back());
  for (size_t i : next) {
    a::Total part;
    part.set_amount_fen(e.contributions[i].amount_fen());
    part.set_line_count(e.contributions[i].line_count());
    Descend(h, e.contributions[i].filter(), position, part, branches, lines, checked);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(ExplainTest, AnyTotalAtAnyPositionIsTheSumOfTheLinesThatStoodThen) {
  const uint64_t count = FromEnvironment("FISCAL_EXPLAIN_LINES", 20000);
  const uint64_t seed = FromEnvironment("FISCAL_EXPLAIN_SEED", 20240501);
  std::printf("FISCAL_EXPLAIN_LINES=%lu FISCAL_EXPLAIN_SEED=%lu\n", count, seed);
  absl::Time start = absl::Now();
  History h(count, seed);
  if (HasFatalFailure()) return;
  const Model& model = h.model;
  std::printf(
      "%zu lines in %lu statements of %zu budgets (%d patches, %d replaced, %d withdrawn) "
      "kept in %.1f s\n",
      model.lives.size(), model.last - model.first + 1, model.budgets.size(), h.patches, h.replaced,
      h.withdrawals, absl::ToDoubleSeconds(absl::Now() - start));
  EXPECT_GT(h.patches, 0);
  EXPECT_GT(h.replaced, 0);
  EXPECT_GT(h.withdrawals, 0);
  {
    // The last position is folded before anything is asked.
    a::GetTotalRequest request;
    *request.mutable_filter() = RandomFilter(h);
    request.mutable_consistency()->set_at_least(absl::StrCat(model.last));
    a::GetTotalResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(h.d.aggregation->GetTotal(&context, request, &response).ok());
  }

  Checked checked;
  absl::Duration spent, longest;
  struct Asked {
    a::TotalFilter filter;
    uint64_t position;
    int64_t amount_fen;
  };
  std::vector<Asked> asked;
  for (int question = 0; question < kQuestions; ++question) {
    const a::TotalFilter filter = RandomFilter(h);
    // The last position is asked about too: it is answered from live totals.
    const uint64_t position =
        question % 6 == 0 ? model.last : model.first + h.Below(model.last - model.first + 1);
    SCOPED_TRACE(
        absl::StrCat("question ", question, " at ", position, ": ", filter.ShortDebugString()));
    int64_t sum = 0;
    const std::set<Tuple> expected = model.Lines(filter, position, &sum);
    const int page_size = static_cast<int>(
        std::min<size_t>(10000, expected.size() / (1 + h.Below(10)) + 1 + h.Below(3)));
    start = absl::Now();
    Explained e;
    const grpc::Status status = Explain(h.d, filter, position, true, page_size, &e);
    ASSERT_TRUE(status.ok()) << status.error_message();
    const absl::Duration took = absl::Now() - start;
    spent += took;
    longest = std::max(longest, took);

    std::set<Tuple> got;
    int64_t got_sum = 0;
    for (size_t i = 0; i < e.contributions.size(); ++i) {
      const a::Contribution& c = e.contributions[i];
      ASSERT_EQ(c.kind(), a::CONTRIBUTION_KIND_LINE_ITEM);
      got_sum += c.amount_fen();
      got.insert(ToTuple(c));
      if (i > 0) {
        ASSERT_LT(OrderOf(model, e.contributions[i - 1]), OrderOf(model, c));
      }
      const b::LineItem* line = model.Find(c.budget(), c.line_item().line_id(), position);
      ASSERT_NE(line, nullptr) << c.ShortDebugString();
      ASSERT_EQ(c.line_item().SerializeAsString(), line->SerializeAsString());
    }
    ASSERT_EQ(got.size(), e.contributions.size());
    ASSERT_EQ(got, expected);
    ASSERT_EQ(got_sum, sum);
    ASSERT_EQ(e.total.amount_fen(), sum);
    ASSERT_EQ(e.total.line_count(), static_cast<int64_t>(expected.size()));
    a::GetTotalRequest request;
    *request.mutable_filter() = filter;
    request.mutable_consistency()->set_exactly(absl::StrCat(position));
    a::GetTotalResponse total;
    grpc::ClientContext context;
    ASSERT_TRUE(h.d.aggregation->GetTotal(&context, request, &total).ok());
    ASSERT_EQ(total.total().amount_fen(), sum);
    ++checked.explanations;
    checked.pages += e.pages;
    checked.lines += static_cast<int64_t>(expected.size());
    checked.empty += expected.empty();
    asked.push_back({filter, position, sum});

    // Down level by level: everywhere for some questions, along random paths for the others.
    const bool everywhere = question % 10 == 0;
    std::set<Tuple> below;
    Descend(h, filter, position, e.total, everywhere ? SIZE_MAX : 2, &below, &checked);
    if (HasFatalFailure()) return;
    if (everywhere) {
      ASSERT_EQ(below, expected);
    } else {
      for (const Tuple& line : below) ASSERT_EQ(expected.count(line), 1u);
    }
  }
  std::printf(
      "%d totals equal the sum of their lines: %ld explanations, %ld pages and %ld lines at "
      "once, %ld parts level by level; %ld totals had no line\n",
      kQuestions, checked.explanations, checked.pages, checked.lines, checked.parts, checked.empty);
  std::printf(
      "straight to the lines: %.3f s in all, %.0f ms on average, %.0f ms the longest, "
      "%.1f us a line\n",
      absl::ToDoubleSeconds(spent), absl::ToDoubleMilliseconds(spent) / kQuestions,
      absl::ToDoubleMilliseconds(longest),
      absl::ToDoubleMicroseconds(spent) / static_cast<double>(checked.lines + 1));
  EXPECT_LT(checked.empty, kQuestions / 2);

  // After a restart the same questions have the same answers.
  h.d.Restart();
  for (size_t i = 0; i < asked.size(); i += 7) {
    a::GetTotalRequest request;
    *request.mutable_filter() = asked[i].filter;
    request.mutable_consistency()->set_exactly(absl::StrCat(asked[i].position));
    a::GetTotalResponse total;
    grpc::ClientContext context;
    ASSERT_TRUE(h.d.aggregation->GetTotal(&context, request, &total).ok());
    ASSERT_EQ(total.total().amount_fen(), asked[i].amount_fen);
  }
}

}  // namespace
}  // namespace fiscal::testing
