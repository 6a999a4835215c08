// The flags that say which money and as of when; the same in every command that reads totals.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_FILTER_FLAGS_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_FILTER_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "fiscal/aggregation/v1/aggregation_service.pb.h"

namespace CLI {
class App;
}

namespace fiscal::cli {

// The stage `text` names; without one, says so of `flag`.
std::optional<budget::v1::Stage> StageOf(const std::string& flag, const std::string& text);

struct FilterFlags {
  std::string division, stage = "approved", direction = "expenditure", department, agency,
                        functional, revenue, dept_economic, gov_economic, fund, category,
                        funding_year, project, analysis = "counted";
  int year = 0, classification_year = 0;
  bool own_level = false;
  // True when --analysis auto exists and is the default; the command gives it its meaning.
  bool automatic_allowed = false;

  // Adds the options; `this` must outlive the parse.
  void AddTo(CLI::App* command);
  bool automatic() const { return automatic_allowed && analysis == "auto"; }
  // False, having said why, when a flag makes no sense.
  bool Fill(aggregation::v1::TotalFilter* filter) const;
};

struct ConsistencyFlags {
  std::string position, as_of, at_least;

  void AddTo(CLI::App* command);
  // As of FilterFlags. `prefix` is what the options begin with.
  bool Fill(aggregation::v1::Consistency* consistency, const std::string& prefix = "--") const;
};

struct GroupFlags {
  std::string by, order = "code";
  int depth = 0;

  void AddTo(CLI::App* command);
  // As of FilterFlags. Leaves nothing where nothing is grouped.
  bool Fill(google::protobuf::RepeatedPtrField<aggregation::v1::GroupBy>* group_by) const;
  aggregation::v1::Order Ordered() const {
    return order == "amount" ? aggregation::v1::ORDER_AMOUNT_DESC : aggregation::v1::ORDER_CODE;
  }
};

std::vector<aggregation::v1::Dimension> DimensionsOf(
    const google::protobuf::RepeatedPtrField<aggregation::v1::GroupBy>& group_by);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_FILTER_FLAGS_H_
