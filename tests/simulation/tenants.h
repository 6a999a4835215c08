// Agencies, administrators and readers of one log, in a world in which authority is enforced: who
// sends what, the marks that everything of a tenant's carries, orders about grants, and what must
// hold whatever was granted and taken away.
#ifndef FISCAL_TESTS_SIMULATION_TENANTS_H_
#define FISCAL_TESTS_SIMULATION_TENANTS_H_

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "services/ledger/authority.h"
#include "services/ledger/decide/intake.h"
#include "tests/simulation/grant_oracle.h"

namespace fiscal::simulation {

// What a planted bug does to who sees and may what.
enum class TenantBug {
  kNone,
  // Nobody asks whether a write is permitted.
  kPermitAll,
  // A view shows what is not the reader's.
  kShowAll
};

class Tenants {
 public:
  using Fail = std::function<void(std::string)>;

  Tenants(uint64_t seed, Fail fail, TenantBug bug);

  // What a process checks by.
  std::unique_ptr<services::Authority> MakeAuthority(const storage::EventLog& log) const;
  // What comes before the first catalog, and after it: in order, all of it permitted.
  std::vector<services::Intake::Request> FirstOrders() const;
  std::vector<services::Intake::Request> FirstGrants();
  // Who imports the first catalog.
  static const char* owner();

  // Gives it a sender, often one who may, and marks its texts and amounts. Before it is checked.
  // `texts` has room for one more for each line's id, project and note.
  void Sign(domain::Submission* s, std::vector<std::string>* texts);
  void Sign(domain::Reallocation* r);
  // Somebody else sends what was sent before.
  void Steal(domain::Submission* s);
  // Orders and imports among the requests of a group.
  void Mix(std::vector<services::Intake::Request>* group);

  // What was granted up to `until`.
  void Read(const storage::EventLog& log, domain::Position until);
  const GrantOracle& oracle() const { return oracle_; }

  // That the process's grants are those that the log says, and that it judges by them.
  void CheckRights(const storage::EventLog& log, const services::Authority& authority,
                   const std::shared_ptr<const domain::Catalog>& catalog);
  // That each reader of a part of the log gets what is his and no more, and can prove the whole.
  void CheckViews(const storage::EventLog& log, const services::Authority& authority,
                  const std::shared_ptr<const domain::Catalog>& catalog);

  int orders() const { return orders_; }
  int hidden() const { return hidden_; }

 private:
  // Whose it is that a mark names.
  struct Owner {
    enum class Kind { kBudget, kList, kGrants } kind = Kind::kGrants;
    domain::BudgetKey key;
  };

  uint64_t Below(uint64_t n) { return random_() % n; }
  const std::string& Anybody();
  const std::string& TagOf(Owner::Kind kind, const domain::BudgetKey& key);
  int64_t Marked(const domain::BudgetKey& key, int64_t amount_fen, int64_t precision_fen) const;
  authority::GrantEvent RandomGrant();
  services::Intake::Request Order();
  services::Intake::Request Import();
  bool MaySee(const std::string& reader, authority::Verb verb, const Owner& owner) const;
  void CheckView(const storage::EventLog& log, const services::Authority& authority,
                 const std::shared_ptr<const domain::Catalog>& catalog, const std::string& reader,
                 authority::Verb verb);
  // That each mark in it is of something that he may see.
  bool CheckMarks(const std::string& reader, authority::Verb verb, absl::string_view bytes);

  std::mt19937_64 random_;
  const Fail fail_;
  const TenantBug bug_;
  GrantOracle oracle_;
  std::map<std::string, std::string> tags_;
  std::map<std::string, Owner> owners_;
  uint64_t next_ = 0;
  int orders_ = 0;
  int hidden_ = 0;
};

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_TENANTS_H_
