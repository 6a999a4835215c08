#include "services/ledger/answer/consolidated.h"

#include <map>
#include <set>
#include <tuple>

#include "base/status_macros.h"
#include "services/ledger/fold/totals_view.h"

namespace fiscal::services {
namespace {

using domain::CellKey;
using domain::CellKind;
using domain::CellValue;
using domain::Code;
using domain::Consolidated;
using domain::Dimension;
using domain::Fund;
using domain::OrgType;
using domain::TotalFilter;
using domain::Transfer;

// Transfers of a fund with its parts by receiver and top fund: what postings and stored cells both
// say.
class Receivers final : public CellVisitor {
 public:
  Receivers(bool up, Fund fund, std::map<std::pair<Code, Fund>, domain::Fen>* out)
      : up_(up), fund_(fund), out_(out) {}
  void OnTable(const Target& target, const domain::CellTable& table) override {
    for (const domain::CellTable::Item& item : table.items)
      OnCell(target, table.projects, item.key, item.value);
  }
  void OnCell(const Target&, const std::vector<domain::CellProject>&, const CellKey& key,
              const CellValue& value) override {
    domain::Attributes a;
    domain::Attributes::Unpack(key.attributes, &a);
    if (a.direction != domain::Direction::kExpenditure || a.analysis != domain::Analysis::kNone ||
        key.receiving_division == 0)
      return;
    if (fund_ != Fund::kNone && a.fund != fund_ && domain::TopOf(a.fund) != fund_) return;
    // A leaf cell says its function, cells of transfers are of one.
    if (key.functional != 0 &&
        domain::TransferKindOf(key) != (up_ ? CellKind::kTransferUp : CellKind::kTransferDown))
      return;
    (*out_)[{key.receiving_division, domain::TopOf(a.fund)}] += value.amount_fen;
  }
  void OnProjects(const std::vector<domain::CellProject>&) override {}

 private:
  const bool up_;
  const Fund fund_;
  std::map<std::pair<Code, Fund>, domain::Fen>* const out_;
};

}  // namespace

absl::StatusOr<Consolidated> Consolidate(const Projector& projector, const TotalsReader& reader,
                                         const TotalFilter& filter, domain::Position position,
                                         Work& work) {
  Consolidated out;
  const auto catalog = projector.catalog();
  Question question(catalog, filter, {});
  FISCAL_RETURN_IF_ERROR(reader.Ask(question, position, work));
  out.combined = question.rows().grand_total();
  const std::vector<Code> subtree = question.filter().Subtree();
  const std::set<Code> inside(subtree.begin(), subtree.end());

  std::map<std::tuple<Code, bool, Fund>, Transfer> transfers;
  auto at = [&](Code receiver, bool up, Fund fund) -> Transfer& {
    Transfer& t = transfers[{receiver, up, fund}];
    t.receiver = receiver;
    t.up = up;
    t.fund = fund;
    return t;
  };
  const std::vector<Target> targets = {
      {{OrgType::kDivision, filter.division, ""}, "", filter.division}};
  for (bool up : {false, true}) {
    std::map<std::pair<Code, Fund>, domain::Fen> paid;
    for (domain::Stage stage : domain::StagesOf(filter.stage)) {
      Receivers receivers(up, filter.fund, &paid);
      FISCAL_RETURN_IF_ERROR(reader.Visit(targets,
                                          up ? CellKind::kTransferUp : CellKind::kTransferDown,
                                          filter.year, stage, position, receivers, work));
    }
    for (const auto& [of, amount] : paid) {
      const auto& [receiver, fund] = of;
      if (amount == 0) continue;
      if (inside.count(receiver) == 0) continue;
      at(receiver, up, fund).paid_fen = amount;
    }
  }
  // Income that receivers inside state from other levels: 11006 comes from below, the rest of 110
  // from above.
  for (Code receiver : inside) {
    TotalFilter income;
    income.division = receiver;
    income.own_level = true;
    income.year = filter.year;
    income.stage = filter.stage;
    income.direction = domain::Direction::kIncome;
    income.revenue = 110;
    income.fund = filter.fund;
    FISCAL_ASSIGN_OR_RETURN(const domain::TotalList list,
                            reader.List(income, {{Dimension::kRevenue, 2}, {Dimension::kFund, 1}},
                                        domain::RowOrder::kCode, position, work));
    // Level 1 holds all of 110; level 2 says how much of it came from below.
    for (const domain::TotalRow& row : list.rows) {
      const Fund fund = static_cast<Fund>(row.group[1].number);
      if (row.group[0].level == 1) at(receiver, false, fund).received_fen += row.value.amount_fen;
      if (row.group[0].level == 2 && row.group[0].number == 11006) {
        at(receiver, false, fund).received_fen -= row.value.amount_fen;
        at(receiver, true, fund).received_fen += row.value.amount_fen;
      }
    }
  }
  for (auto& [key, t] : transfers) {
    if (t.paid_fen == 0 && t.received_fen == 0) continue;
    // Money for the division itself comes from above: no payer of it is inside.
    if (t.receiver == filter.division && !t.up && t.paid_fen == 0) continue;
    const domain::CatalogEntry* entry = catalog->FindDivision(t.receiver, filter.year);
    if (entry != nullptr) t.name = entry->name;
    out.eliminated_fen += t.eliminated_fen();
    out.transfers.push_back(t);
  }
  return out;
}

}  // namespace fiscal::services
