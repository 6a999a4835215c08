#include "tests/simulation/world.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "domain/authority/principal.h"
#include "domain/validation.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/ledger/compare/verify.h"
#include "services/ledger/decide/intake.h"
#include "services/ledger/fold/projector.h"
#include "storage/anchor.h"
#include "storage/head_reader.h"
#include "storage/ledger.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/paired_kv.h"
#include "storage/schema.h"
#include "tests/simulation/above.h"
#include "tests/simulation/model.h"
#include "tests/simulation/no_rules.h"
#include "tests/simulation/scratch.h"
#include "tests/simulation/taking_back.h"
#include "tests/simulation/watchers.h"
#include "tests/simulation/wrapped_kv.h"

namespace fiscal::simulation {
namespace {

using domain::Code;
using domain::Dimension;
using domain::Line;
using domain::Submission;
using services::Intake;
using storage::MemoryDisk;
using storage::MemoryFault;
using storage::MemoryKv;
using storage::MemoryOp;

// Fails an operation now and then, as the seed says.
class RandomFaults final : public storage::Faults {
 public:
  explicit RandomFaults(std::mt19937_64& random) : random_(random) {}
  MemoryFault Next(MemoryOp op) override {
    if (!armed || (op != MemoryOp::kWrite && op != MemoryOp::kFlush)) return {};
    armed = false;
    ++count;
    switch (random_() % 3) {
      case 0:
        return {absl::ResourceExhaustedError("no space"), false};
      case 1:
        return {absl::UnavailableError("sync failed"), false};
      default:
        return {absl::UnavailableError("sync failed"), true};
    }
  }
  bool armed = false;
  int count = 0;

 private:
  std::mt19937_64& random_;
};

// A Kv that says yes before anything is durable: the planted bug.
class LyingKv final : public WrappedKv {
 public:
  using WrappedKv::WrappedKv;
  absl::Status Write(storage::Batch batch, bool) override {
    return kv_.Write(std::move(batch), false);
  }
  absl::Status Flush() override { return absl::OkStatus(); }
};

// A Kv that drops the first change of every batch: the planted bug.
class LossyKv final : public WrappedKv {
 public:
  using WrappedKv::WrappedKv;
  absl::Status Write(storage::Batch batch, bool sync) override {
    storage::Batch rest;
    for (size_t i = 1; i < batch.ops().size(); ++i)
      rest.Put(batch.ops()[i].key, batch.ops()[i].value);
    return kv_.Write(std::move(rest), sync);
  }
};

// Everything a process has in memory.
struct Process {
  std::unique_ptr<MemoryKv> log_kv;
  std::unique_ptr<LyingKv> lying_kv;
  std::unique_ptr<MemoryKv> ledger_kv;
  std::unique_ptr<storage::PairedKv> kv;
  std::unique_ptr<storage::MemoryAnchor> anchor;
  std::unique_ptr<storage::EventLog> log;
  // Null where it is not enforced.
  std::unique_ptr<services::Authority> authority;
  std::unique_ptr<Intake> intake;
  std::unique_ptr<MemoryKv> totals_kv;
  std::unique_ptr<LossyKv> lossy_kv;
  std::unique_ptr<storage::TotalsStore> totals;
  std::unique_ptr<services::Projector> projector;
  // Lives as long as the process: it keeps what it read.
  std::unique_ptr<services::TotalsReader> reader;
};

constexpr Code kDivisions[] = {141100, 141121, 141122};
constexpr const char* kAgencies[] = {"101001", "101002", "102001", "103001"};
constexpr Code kFunctional[] = {2080505, 2080506, 2101101, 2170101, 2170102, 2130199, 21301, 208};
constexpr Code kRevenue[] = {1030148, 11002, 1100201};
constexpr Code kDept[] = {30101, 30201, 30299, 310, 31002};
constexpr Code kGov[] = {50101, 50201, 50299, 503};
constexpr const char* kProjects[] = {"P1", "P2", "P3", "P4", "P5"};

class World {
 public:
  World(uint64_t seed, Bug bug, WatchBug watch_bug, std::optional<TenantBug> tenants)
      : random_(seed),
        bug_(bug),
        faults_(random_),
        clock_(absl::FromUnixSeconds(1704067200)),
        watchers_(
            random_, model_, [this] { return MakeQuestion(); },
            [this](std::string what) { Fail(std::move(what)); }, watch_bug),
        above_(
            random_, clock_, faults_, [this](std::string what) { Fail(std::move(what)); },
            bug == Bug::kForgetUpstream) {
    if (tenants.has_value()) {
      tenants_ = std::make_unique<Tenants>(
          seed, [this](std::string what) { Fail(std::move(what)); }, *tenants);
    }
  }

  Outcome Play() {
    if (Below(4) != 0) WriteSoon();
    if (!Start()) return Ended();
    // Every fourth seed is long; the others are short and many.
    const int steps = Below(4) == 0 ? 500 : 60;
    const bool bulk = steps > 60;
    for (int i = 0; i < steps && run_.failure.empty(); ++i) {
      clock_.Advance(absl::Microseconds(static_cast<int64_t>(Below(2000)) - 500));
      if (Below(50) == 0 && !faults_.armed) MistakeTheClock();
      const uint64_t dice = Below(100);
      if (dice < 40) {
        SubmitGroup();
      } else if (dice < 46) {
        Reallocate();
      } else if (dice < 56) {
        Watch();
      } else if (dice < 62) {
        above_.Play(*process_->log);
      } else if (dice < 84) {
        Fold(static_cast<int>(Below(bulk ? 64 : 8)) + 1);
      } else if (dice < 95) {
        Query();
      } else if (dice < 98) {
        faults_.armed = true;
      } else {
        Restart(/*crash=*/Below(3) != 0);
      }
    }
    if (run_.failure.empty()) Heal();
    return Ended();
  }

  Outcome PlayVerify() {
    WriteSoon();
    if (!Start()) return Ended();
    for (int i = 0; i < 40 && run_.failure.empty(); ++i) {
      const uint64_t dice = Below(20);
      if (dice < 10) {
        SubmitGroup();
      } else if (dice < 15) {
        Fold(static_cast<int>(Below(8)) + 1);
      } else if (dice < 19) {
        Verify(*process_->projector, *process_->log_kv);
      } else {
        Restart(/*crash=*/Below(2) == 0);
      }
    }
    while (run_.failure.empty() && process_->projector->folded() < model_.head) Fold(50);
    if (run_.failure.empty()) Verify(*process_->projector, *process_->log_kv);
    return Ended();
  }

 private:
  Outcome Ended() {
    run_.events = static_cast<int>(model_.head.value());
    run_.faults = faults_.count;
    run_.resumes = watchers_.resumes();
    if (tenants_ != nullptr) {
      run_.orders = tenants_->orders();
      run_.hidden = tenants_->hidden();
    }
    run_.trace_hash = absl::BytesToHexString(BytesOf(trace_));
    return std::move(run_);
  }

  uint64_t Below(uint64_t n) { return random_() % n; }
  template <typename T, size_t N>
  const T& Pick(const T (&list)[N]) {
    return list[Below(N)];
  }
  void Trace(absl::string_view what) { trace_ = Sha256({BytesOf(trace_), what}); }
  bool Fail(std::string what) {
    if (run_.failure.empty()) run_.failure = std::move(what);
    return false;
  }
  bool Check(const absl::Status& status, absl::string_view what) {
    return status.ok() || Fail(absl::StrCat(what, ": ", status.ToString()));
  }

  bool Start() {
    faults_.armed = false;
    process_ = std::make_unique<Process>();
    Process& p = *process_;
    auto log_kv = MemoryKv::Open(log_disk_, {true, &faults_});
    if (!Check(log_kv.status(), "open log store")) return false;
    p.log_kv = *std::move(log_kv);
    storage::Kv* log_store = p.log_kv.get();
    if (bug_ == Bug::kAcknowledgeBeforeSync) {
      p.lying_kv = std::make_unique<LyingKv>(*log_store);
      log_store = p.lying_kv.get();
    }
    auto ledger_kv = MemoryKv::Open(ledger_disk_, {false, nullptr});
    if (!Check(ledger_kv.status(), "open ledger store")) return false;
    p.ledger_kv = *std::move(ledger_kv);
    p.kv = std::make_unique<storage::PairedKv>(*log_store, *p.ledger_kv);
    storage::Kv* kv = p.kv.get();
    p.anchor = std::make_unique<storage::MemoryAnchor>(anchor_disk_);
    auto log = storage::LocalLog::Open(*kv, *p.anchor, "0123456789abcdef");
    if (!Check(log.status(), "open log")) return false;
    p.log = *std::move(log);
    if (!Check(storage::CatchUp(*p.log, *kv), "make the ledger level") || !CheckLedger())
      return false;
    if (tenants_ != nullptr) p.authority = tenants_->MakeAuthority(*p.log);
    auto intake = Intake::Open(*kv, *p.log, clock_, NoRules, p.authority.get());
    if (!Check(intake.status(), "open intake")) return false;
    p.intake = *std::move(intake);
    auto totals_kv = MemoryKv::Open(totals_disk_, {false, nullptr});
    if (!Check(totals_kv.status(), "open totals store")) return false;
    p.totals_kv = *std::move(totals_kv);
    p.lossy_kv = std::make_unique<LossyKv>(*p.totals_kv);
    storage::Kv* cells = p.totals_kv.get();
    if (bug_ == Bug::kLoseCells) cells = p.lossy_kv.get();
    p.totals = std::make_unique<storage::TotalsStore>(*cells);
    services::Projector::Options options = writes_;
    // Small bounds, so that nodes are dropped and the store is flushed at odd moments.
    options.live_cells_max = Below(2) == 0 ? 50 : 100000;
    options.flush_cells = 1 + Below(2000);
    options.parts = 1 + Below(4);
    options.cells_of_part = 1 + Below(8);
    // Parts end in another order than they are numbered.
    options.beside = [](size_t parts, const std::function<void(size_t)>& part) {
      for (size_t i = parts; i-- > 0;) part(i);
    };
    auto projector = services::Projector::Open(*p.log, *p.totals, options);
    if (!Check(projector.status(), "open projector")) return false;
    p.projector = *std::move(projector);
    p.reader = std::make_unique<services::TotalsReader>(*p.projector);
    if (model_.head.zero()) Begin();
    if (tenants_ != nullptr)
      tenants_->CheckRights(*p.log, *p.authority, process_->intake->catalog());
    return run_.failure.empty();
  }

  void WriteSoon() {
    writes_.write_events = 1 + Below(12);
    writes_.write_cells = 1 + Below(60);
    writes_.rule = {1 + Below(3), 1 + Below(8), 1 + Below(30)};
  }

  // The ledger that was kept, and brought level after a crash, is byte by byte the one that the log
  // alone makes.
  bool CheckLedger() {
    MemoryDisk disk;
    auto made = MemoryKv::Open(disk, {false, nullptr});
    if (!Check(made.status(), "open a ledger")) return false;
    storage::PairedKv kv(*process_->log_kv, **made);
    if (!Check(storage::CatchUp(*process_->log, kv), "make the ledger again")) return false;
    auto kept = process_->ledger_kv->NewIterator({}, {});
    auto again = (*made)->NewIterator({}, {});
    kept->Seek({});
    again->Seek({});
    while (kept->Valid() && again->Valid() && kept->key() == again->key() &&
           kept->value() == again->value()) {
      kept->Next();
      again->Next();
    }
    if (!kept->Valid() && !again->Valid()) return true;
    return Fail(absl::StrCat("the ledger differs from one made from the log at ",
                             storage::NameOf(kept->Valid() ? kept->key() : again->key())));
  }

  // The process ends, with or without the machine, and starts again. Nothing acknowledged may be
  // missing.
  void Restart(bool crash) {
    if (crash) {
      Crash();
    } else {
      watchers_.Drop();
      process_.reset();
    }
    if (!Start()) return;
    if (process_->log->head().position != model_.head) {
      Fail(absl::StrCat("after a restart the log ends at ", process_->log->head().position.value(),
                        ", acknowledged is ", model_.head.value()));
    }
  }

  // The catalog; where authority is enforced, who may write it and who the tenants are.
  void Begin() {
    const auto order = [this](std::vector<Intake::Request> requests) {
      for (Intake::Request& request : requests) {
        if (!Check(process_->intake->Commit({&request})[0].status(), "order")) return;
        model_.SkipPosition();
      }
      tenants_->Read(*process_->log, model_.head);
    };
    if (tenants_ != nullptr) order(tenants_->FirstOrders());
    ImportCatalog();
    catalog_events_ = model_.head;
    if (tenants_ != nullptr) order(tenants_->FirstGrants());
  }

  void ImportCatalog() {
    auto import = [this](domain::CatalogList list, Code division,
                         std::vector<domain::CatalogEntry> entries) {
      domain::CatalogImport c;
      if (tenants_ != nullptr) c.principal = Tenants::owner();
      c.request_id = absl::StrCat("catalog-", model_.head.value());
      c.event = {division, 2024, list, std::move(entries)};
      Intake::Request request(std::move(c));
      std::vector<Intake::Request*> group = {&request};
      if (Check(process_->intake->Commit(group)[0].status(), "import")) model_.SkipPosition();
    };
    std::vector<domain::CatalogEntry> divisions, functional, dept;
    for (Code d : kDivisions) {
      divisions.push_back(
          {std::to_string(d), "division", d == 141100 ? "" : "141100", "", {}, "", "", false, {}});
    }
    import(domain::CatalogList::kDivision, 141100, divisions);
    for (const char* code : {"208", "210", "213", "217"})
      functional.push_back({code, "类", "", "", {}, "", "", false, {}});
    import(domain::CatalogList::kFunctional, 141100, functional);
    for (Code d : kDivisions) {
      std::vector<domain::CatalogEntry> agencies;
      for (const char* a : kAgencies) {
        agencies.push_back({a,
                            "agency",
                            "",
                            DepartmentOfAgency(a),
                            domain::AgencyKind::kAdministrative,
                            "",
                            "",
                            true,
                            {}});
      }
      import(domain::CatalogList::kAgency, d, agencies);
    }
  }

  // A submission; texts live in `texts`, which each submission keeps.
  Submission Make() {
    Submission s;
    auto texts = std::make_shared<std::vector<std::string>>();
    texts->reserve(64);
    s.request_id = absl::StrCat("r", ++next_request_);
    s.key.division = Pick(kDivisions);
    s.key.year = 2024;
    s.key.stage = Below(8) == 0 ? domain::Stage::kRequested : domain::Stage::kApproved;
    s.key.agency = Pick(kAgencies);
    const uint64_t kind = Below(20);
    if (kind < 10) {
      s.mode = domain::WriteMode::kReplace;
    } else if (kind < 18) {
      s.mode = domain::WriteMode::kPatch;
    } else {
      s.withdraw = true;
    }
    s.validate_only = !s.withdraw && Below(25) == 0;
    s.certify = Below(15) == 0;
    s.allow_empty = Below(2) == 0;
    if (Below(6) == 0) s.note = absl::StrCat("note ", Below(3));
    if (Below(6) == 0) s.expected_revision = static_cast<int64_t>(Below(4));
    if (!s.withdraw) {
      const uint64_t lines = s.mode == domain::WriteMode::kPatch ? Below(4) : Below(10);
      for (uint64_t i = 0; i < lines; ++i) {
        texts->push_back(absl::StrCat("line-", Below(24)));
        Line line;
        line.line_id = texts->back();
        const bool income = Below(4) == 0;
        line.attributes.direction =
            income ? domain::Direction::kIncome : domain::Direction::kExpenditure;
        line.functional = Pick(kFunctional);
        if (income) {
          line.revenue = Pick(kRevenue);
        } else {
          if (Below(4) != 0) line.dept_economic = Pick(kDept);
          if (Below(4) != 0) line.gov_economic = Pick(kGov);
          line.attributes.category = static_cast<domain::Category>(Below(7));
          line.attributes.procurement = static_cast<domain::Procurement>(Below(4));
          if (Below(8) == 0) line.receiving_division = Pick(kDivisions);
        }
        // Now and then one that the statement does not name.
        if (Below(3) == 0) {
          texts->push_back(Pick(kProjects));
          line.project_code = texts->back();
          if (Below(40) != 0) NameProject(texts->back(), &s);
        }
        line.attributes.fund = static_cast<domain::Fund>(Below(11));
        line.attributes.funding_year = static_cast<domain::FundingYear>(Below(3));
        if (Below(6) == 0) line.attributes.analysis = static_cast<domain::Analysis>(1 + Below(6));
        line.precision_class = static_cast<uint8_t>(Below(4));
        line.amount_fen =
            static_cast<int64_t>(Below(1000000)) * domain::kPrecisionFen[line.precision_class];
        s.lines.lines.push_back(line);
      }
      if (s.mode == domain::WriteMode::kPatch) {
        for (uint64_t i = 0, n = Below(3); i < n; ++i)
          s.removed_line_ids.push_back(absl::StrCat("line-", Below(24)));
        if (Below(8) == 0) s.removed_project_codes.push_back(Pick(kProjects));
      }
      if (Below(4) == 0) NameProject(Pick(kProjects), &s);
      // What is named is not dropped.
      auto named = [&](const std::string& code) {
        return std::any_of(s.projects.begin(), s.projects.end(),
                           [&](const domain::ProjectEntry& p) { return p.code == code; });
      };
      auto& dropped = s.removed_project_codes;
      dropped.erase(std::remove_if(dropped.begin(), dropped.end(), named), dropped.end());
    }
    if (Below(30) == 0) s.key.agency = "999999";
    if (Below(40) == 0 && !s.lines.lines.empty()) s.lines.lines[0].amount_fen = -5;
    if (tenants_ != nullptr) tenants_->Sign(&s, texts.get());
    s.lines.owners.push_back(texts);
    domain::CheckMessage(&s);
    if (!s.withdraw) domain::CheckCatalog(*process_->intake->catalog(), &s);
    s.encoded = storage::EncodeBlocks(s.lines);
    s.encoded_digest = Sha256({s.encoded.bytes});
    std::string body = absl::StrCat(s.key.division, s.key.agency, static_cast<int>(s.key.stage),
                                    s.withdraw, s.certify, s.note, static_cast<int>(s.mode),
                                    s.expected_revision.value_or(-1), s.allow_empty);
    body += s.encoded.bytes;
    for (const std::string& id : s.removed_line_ids) body += id;
    for (const domain::ProjectEntry& project : s.projects) body += project.bytes;
    for (const std::string& code : s.removed_project_codes) body += code;
    s.body = Sha256({body});
    return s;
  }

  // With one of its names, unless the statement has it already.
  void NameProject(const std::string& code, Submission* s) {
    for (const domain::ProjectEntry& project : s->projects) {
      if (project.code == code) return;
    }
    const std::string name = absl::StrCat("name ", Below(3));
    s->projects.push_back({code, name, absl::StrCat(code, "=", name)});
  }

  void SubmitGroup() {
    std::vector<Intake::Request> group;
    for (uint64_t i = 0, n = 1 + Below(4); i < n; ++i) {
      if (!sent_.empty() && Below(6) == 0) {
        // A blind retry, or the same id with another body; or another's.
        Submission again = sent_[Below(sent_.size())];
        if (Below(4) == 0) again.body[0] ^= 1;
        if (tenants_ != nullptr) tenants_->Steal(&again);
        group.emplace_back(std::move(again));
        continue;
      }
      Submission s = Make();
      sent_.push_back(s);
      group.emplace_back(std::move(s));
      if (sent_.size() > 50) sent_.erase(sent_.begin());
    }
    if (tenants_ != nullptr) tenants_->Mix(&group);
    Commit(group, 0);
  }

  // Somebody sets the clock forward, an operator says that it is right, and later that it was not.
  void MistakeTheClock() {
    const absl::Duration step = absl::Hours(1 + Below(700000));
    clock_.Step(step);
    Intake::Request early(Make());
    process_->intake->Commit({&early});
    if (process_->log->head().position != model_.head)
      Fail("an event is made at a time that the clock was set forward to");
    AcceptClock(true);
    if (Below(2) == 0) AcceptClock(false);
    if (run_.failure.empty()) SubmitGroup();
    clock_.Step(-step);
    if (run_.failure.empty() && Below(2) == 0) SubmitGroup();
    AcceptClock(true);
    CheckTimes();
  }

  void AcceptClock(bool creates) {
    if (!run_.failure.empty()) return;
    Intake::Request request(domain::ClockOrder{authority::kProcess, ""});
    const absl::StatusOr<domain::RequestReceipt> done = process_->intake->Commit({&request})[0];
    if (!Check(done.status(), "accept the clock")) return;
    if ((done->receipt.result == domain::Result::kCreated) != creates) {
      Fail("the clock is accepted where it was, or not where it was not");
    } else if (creates) {
      model_.SkipPosition();
    }
  }

  // An event counts as committed at the least time of itself and all after it.
  void CheckTimes() {
    if (!run_.failure.empty()) return;
    const storage::EventLog& log = *process_->log;
    std::vector<int64_t> times(log.head().position.value() + 1);
    int64_t least = INT64_MAX;
    for (domain::Position p = log.head().position; !p.zero(); p = p.Prev()) {
      domain::EventHeader header;
      if (!Check(log.ReadRecordHead(p, &header).status(), "read a head")) return;
      times[p.value()] = least = std::min(least, header.commit_time_us);
    }
    for (int i = 0; i < 8; ++i) {
      const int64_t asked = times[Below(times.size())] - static_cast<int64_t>(Below(2));
      const auto found = log.AsOf(asked);
      if (!Check(found.status(), "as of")) return;
      const auto after = std::upper_bound(times.begin() + 1, times.end(), asked);
      if (found->value() != static_cast<uint64_t>(after - times.begin()) - 1) {
        Fail(absl::StrCat("as of ", asked, " the log is said to end at ", found->value()));
        return;
      }
    }
  }

  // What an answer says, as far as the model knows it. A refusal for want of a right, whole: it
  // says nothing of what stands.
  struct Answer {
    absl::StatusCode code = absl::StatusCode::kOk;
    ModelReceipt receipt;
    absl::Status denied;
    std::string Text() const {
      return absl::StrCat("code ", static_cast<int>(code), " result ",
                          static_cast<int>(receipt.result), " revision ", receipt.revision,
                          " position ", receipt.position.value(), " lines ", receipt.line_count,
                          "+", receipt.memo_line_count, " ", denied.ToString());
    }
    friend bool operator==(const Answer& a, const Answer& b) {
      return a.code == b.code && a.denied == b.denied &&
             (a.code != absl::StatusCode::kOk || a.receipt == b.receipt);
    }
  };

  static bool Says(const absl::Status& status, domain::Reason reason) {
    const domain::Explained e = domain::Explain(status);
    return e.reason_known && e.refusal.reason == reason;
  }

  static bool EndsGroup(const Intake::Request& request) {
    return std::holds_alternative<domain::GrantOrder>(request) ||
           std::holds_alternative<domain::ApprovalOrder>(request) ||
           std::holds_alternative<domain::RevocationOrder>(request);
  }

  Answer AnswerOf(const Intake::Request& request,
                  const absl::StatusOr<domain::RequestReceipt>& outcome) {
    if (!outcome.ok()) {
      return {outcome.status().code(),
              {},
              Says(outcome.status(), domain::Reason::kRightNotGranted) ? outcome.status()
                                                                       : absl::OkStatus()};
    }
    // Of others the position.
    if (!std::holds_alternative<Submission>(request))
      return {absl::StatusCode::kOk, {{}, 0, outcome->receipt.position}, {}};
    const domain::Receipt& r = outcome->receipt;
    return {absl::StatusCode::kOk,
            {r.result, r.revision, r.position, r.line_count, r.memo_line_count, r.project_count},
            {}};
  }

  // As the grants stand before the group, by the log.
  absl::Status CheckPermitted(const Intake::Request& request) {
    if (tenants_ == nullptr) return absl::OkStatus();
    const GrantOracle& oracle = tenants_->oracle();
    if (const auto* s = std::get_if<Submission>(&request)) return oracle.Check(*s);
    if (const auto* r = std::get_if<domain::Reallocation>(&request)) return oracle.Check(*r);
    if (const auto* c = std::get_if<domain::CatalogImport>(&request)) return oracle.Check(*c);
    if (const auto* g = std::get_if<domain::GrantOrder>(&request))
      return oracle.CheckOrder(g->principal);
    if (const auto* a = std::get_if<domain::ApprovalOrder>(&request))
      return oracle.CheckOrder(a->principal);
    return oracle.CheckOrder(std::get<domain::RevocationOrder>(request).principal);
  }

  // What it must be answered with, and what it does to the model.
  Answer Expect(const Intake::Request& request, Model* next) {
    const absl::Status permitted = CheckPermitted(request);
    if (!permitted.ok()) return {permitted.code(), {}, permitted};
    if (const auto* s = std::get_if<Submission>(&request)) {
      const Expected e = next->Apply(*s);
      return {e.code, e.receipt, {}};
    }
    if (const auto* c = std::get_if<domain::CatalogImport>(&request)) {
      const Expected e = next->Apply(*c);
      return {e.code, e.receipt, {}};
    }
    if (const auto* r = std::get_if<domain::Reallocation>(&request)) {
      const Expected e = next->ApplyAll(r->parts);
      return {e.code, {{}, 0, e.receipt.position}, {}};
    }
    const domain::Position position = next->head.Next();
    const GrantOracle& oracle = tenants_->oracle();
    GrantOracle::Answer a;
    if (const auto* g = std::get_if<domain::GrantOrder>(&request)) {
      a = oracle.Decide(*g, position);
    } else if (const auto* approval = std::get_if<domain::ApprovalOrder>(&request)) {
      a = oracle.Decide(*approval, position);
    } else {
      a = oracle.Decide(std::get<domain::RevocationOrder>(request), position);
    }
    if (a.code == absl::StatusCode::kOk && a.position == position) next->SkipPosition();
    return {a.code, {{}, 0, a.position}, {}};
  }

  void Crash() {
    ++run_.crashes;
    watchers_.Drop();
    process_.reset();
    auto choose = [this](uint64_t n) { return Below(n); };
    log_disk_.Crash(choose);
    ledger_disk_.Crash(choose);
    totals_disk_.Crash(choose);
  }

  void Commit(const std::vector<Intake::Request>& group, int attempt) {
    std::vector<Intake::Request> requests = group;
    std::vector<Intake::Request*> pointers;
    for (Intake::Request& request : requests) {
      if (auto* s = std::get_if<Submission>(&request); s != nullptr && bug_ == Bug::kForgetRequest)
        s->request_id += absl::StrCat("-", ++next_request_);
      pointers.push_back(&request);
    }
    const auto outcomes = process_->intake->Commit(pointers);
    // An order about grants is the last of what is committed at once.
    for (size_t first = 0, end = 0; first < group.size() && run_.failure.empty(); first = end) {
      for (end = first + 1; end < group.size() && !EndsGroup(group[end - 1]);) ++end;
      Model next = model_;
      std::vector<Answer> expected;
      for (size_t i = first; i < end; ++i) expected.push_back(Expect(group[i], &next));
      if (Says(outcomes[first].status(), domain::Reason::kOutcomeUnknown)) {
        // The machine may or may not have it, all or nothing. A restart tells, and every client
        // retries.
        Crash();
        if (!Start()) return;
        const domain::Position head = process_->log->head().position;
        if (head != model_.head && head != next.head) {
          Fail(absl::StrCat("a group was applied in part: the log ends at ", head.value(),
                            ", not at ", model_.head.value(), " or ", next.head.value()));
          return;
        }
        if (head == next.head && next.head != model_.head) model_ = std::move(next);
        if (attempt < 3) {
          Commit({group.begin() + static_cast<std::ptrdiff_t>(first), group.end()}, attempt + 1);
        }
        return;
      }
      if (absl::IsResourceExhausted(outcomes[first].status())) continue;
      for (size_t i = first; i < end; ++i) {
        const Answer got = AnswerOf(group[i], outcomes[i]), &want = expected[i - first];
        Trace(got.Text());
        if (got == want) {
          run_.denied += got.denied.ok() ? 0 : 1;
          if (std::holds_alternative<domain::Reallocation>(group[i]) && outcomes[i].ok())
            ++run_.reallocations;
          continue;
        }
        return void(
            Fail(absl::StrCat("request ", i, " of its group: got ", got.Text(), ", expected ",
                              want.Text(), "; ", outcomes[i].status().ToString())));
      }
      model_ = std::move(next);
      if (tenants_ != nullptr) tenants_->Read(*process_->log, model_.head);
    }
    if (process_->log->head().position != model_.head)
      Fail("the head is not where the receipts say");
  }

  // Two budgets that give and take, all or nothing.
  void Reallocate() {
    domain::Reallocation r;
    r.request_id = absl::StrCat("r", ++next_request_);
    const int64_t amount = static_cast<int64_t>(1 + Below(1000));
    const bool balanced = Below(5) != 0;
    std::string bodies;
    for (int i = 0; i < 2; ++i) {
      auto texts = std::make_shared<std::vector<std::string>>();
      texts->push_back(absl::StrCat("line-", Below(6)));
      Submission s;
      s.request_id = "part";
      s.key = {Pick(kDivisions), 2024, domain::Stage::kReallocation, Pick(kAgencies)};
      s.mode = domain::WriteMode::kReplace;
      Line line;
      line.line_id = texts->back();
      line.attributes.direction = domain::Direction::kExpenditure;
      line.attributes.fund = domain::Fund::kGeneral;
      line.functional = Pick(kFunctional);
      line.amount_fen = i == 0 ? -amount : amount + (balanced ? 0 : 1);
      s.lines.lines.push_back(line);
      s.lines.owners.push_back(texts);
      domain::CheckMessage(&s);
      domain::CheckCatalog(*process_->intake->catalog(), &s);
      s.encoded = storage::EncodeBlocks(s.lines);
      s.encoded_digest = Sha256({s.encoded.bytes});
      s.body = Sha256({s.encoded.bytes});
      bodies.append(BytesOf(s.body).data(), 32);
      // As the service names it: no caller's id has a control character.
      s.request_id = absl::StrCat(r.request_id, "\x01", i);
      r.parts.push_back(std::move(s));
    }
    if (r.parts[0].key == r.parts[1].key) return;
    r.body = Sha256({bodies});
    // Often in a group with others, which what becomes of it must not touch.
    if (tenants_ != nullptr) tenants_->Sign(&r);
    std::vector<Intake::Request> group;
    group.emplace_back(std::move(r));
    while (Below(2) == 0) group.emplace_back(Make());
    if (tenants_ != nullptr) tenants_->Mix(&group);
    Commit(group, 0);
  }

  void Fold(int events) {
    const auto folded = process_->projector->Step(events);
    if (!folded.ok()) {
      Fail(absl::StrCat("fold: ", folded.status().ToString()));
    }
  }

  services::WatchedTotals MakeQuestion() {
    services::WatchedTotals question;
    domain::TotalFilter& f = question.filter;
    f.division = Pick(kDivisions);
    f.year = 2024;
    const uint64_t stage = Below(10);
    f.stage = stage == 0  ? domain::Stage::kRequested
              : stage < 3 ? domain::Stage::kReallocation
              : stage < 6 ? domain::Stage::kCurrent
                          : domain::Stage::kApproved;
    f.direction = Below(4) == 0 ? domain::Direction::kIncome : domain::Direction::kExpenditure;
    f.own_level = Below(5) == 0;
    if (Below(4) == 0) f.department = DepartmentOfAgency(Pick(kAgencies));
    if (Below(6) == 0) {
      f.agency = Pick(kAgencies);
      f.department = "";
    }
    if (Below(5) == 0) f.functional = Below(2) == 0 ? Code{208} : Pick(kFunctional);
    if (Below(8) == 0) f.dept_economic = Below(2) == 0 ? Code{302} : Pick(kDept);
    if (Below(10) == 0) f.gov_economic = Pick(kGov);
    if (Below(10) == 0) f.revenue = Below(2) == 0 ? Code{110} : Pick(kRevenue);
    if (Below(5) == 0) f.fund = static_cast<domain::Fund>(Below(11));
    if (Below(5) == 0) f.category = static_cast<domain::Category>(Below(7));
    if (Below(6) == 0) f.funding_year = static_cast<domain::FundingYear>(Below(3));
    if (Below(8) == 0) f.analysis = static_cast<domain::Analysis>(Below(7));
    std::vector<domain::GroupBy>& group_by = question.group_by;
    for (uint64_t i = 0, n = 1 + Below(2); i < n; ++i) {
      domain::GroupBy g;
      g.dimension = static_cast<Dimension>(1 + Below(11));
      g.depth = static_cast<int>(Below(4));
      if (group_by.empty() || group_by[0].dimension != g.dimension) group_by.push_back(g);
    }
    return question;
  }

  void Query() {
    // Before the catalog is folded no division is known.
    const domain::Position folded = process_->projector->folded();
    if (folded < catalog_events_) return;
    const services::WatchedTotals question = MakeQuestion();
    const domain::Position position =
        Below(2) == 0 ? folded : domain::Position(Below(folded.value() + 1));
    Compare(*process_->reader, question, position, {});
    if (tenants_ != nullptr) CheckTenants();
    if (Below(12) == 0) Verify(*process_->projector, *process_->log_kv);
    const auto end = process_->projector->EndOfGroup(position);
    if (!end.ok() || *end != model_.GroupEnd(position))
      Fail(absl::StrCat("a group at ", position.value(), " ends elsewhere"));
  }

  void CheckTenants() {
    const auto catalog = process_->intake->catalog();
    tenants_->CheckRights(*process_->log, *process_->authority, catalog);
    if (run_.failure.empty() && ++tenant_checks_ % 8 == 0)
      tenants_->CheckViews(*process_->log, *process_->authority, catalog);
  }

  // With so little memory now and then that units are computed one after the other.
  void Verify(const services::Projector& projector, const storage::Kv& log_store) {
    ++run_.verifications;
    projector.ReadLive([&](const services::Projector::Live& live) {
      run_.open_projects +=
          std::any_of(live.unwritten.begin(), live.unwritten.end(), [&](const auto& posting) {
            const auto& projects = posting->cells.projects;
            return !live.written.zero() && !posting->first() &&
                   std::any_of(projects.begin(), projects.end(), [](const auto& p) {
                     return p.state != domain::CellProject::kMentioned;
                   });
          });
    });
    services::VerifyOptions options;
    if (Below(2) == 0) options.memory_bytes_max = Below(20000);
    // A process whose last write failed has a ledger that is behind.
    if (&projector == process_->projector.get() && !process_->intake->failed()) {
      options.ledger = process_->ledger_kv.get();
      options.new_store = ScratchKv::Make;
    }
    const auto verified = bug_ == Bug::kTakeBackAmounts
                              ? VerifyTakingBack(projector)
                              : services::Verify(projector, log_store, options);
    if (!Check(verified.status(), "verify")) return;
    if (verified->position != projector.folded()) Fail("verify stops before the totals do");
    if (!verified->differences.empty()) Fail(absl::StrCat("verify: ", verified->differences[0]));
  }

  void Watch() {
    if (process_->projector->folded() < catalog_events_) return;
    watchers_.Play(*process_->projector, *process_->reader);
  }

  // `at` is the reader's position; `model_at` the model's where it is another.
  void Compare(const services::TotalsReader& reader, const services::WatchedTotals& question,
               domain::Position at, domain::Position model_at) {
    const domain::TotalFilter& f = question.filter;
    const std::vector<domain::GroupBy>& group_by = question.group_by;
    const domain::Position position = model_at.zero() ? at : model_at;
    services::Work work;
    const auto list = reader.List(f, group_by, domain::RowOrder::kCode, at, work);
    if (!Check(list.status(), "query")) return;
    std::map<std::string, domain::CellValue> want = model_.Totals(f, group_by, position);
    std::map<std::string, domain::CellValue> got;
    got[""] = list->grand_total;
    for (const domain::TotalRow& row : list->rows) {
      const std::string key = ModelKeyOf(row.group);
      if (!got.emplace(key, row.value).second) Fail(absl::StrCat("row ", key, " stands twice"));
    }
    if (got == want) {
      Trace(absl::StrCat(got.size(), " ", domain::FormatFen(list->grand_total.amount_fen)));
      return;
    }
    std::string difference;
    for (const auto& [key, value] : want) {
      auto it = got.find(key);
      if (it == got.end()) {
        absl::StrAppend(&difference, " missing ", key);
      } else if (!(it->second == value)) {
        absl::StrAppend(&difference, " ", key, ": ", domain::FormatFen(it->second.amount_fen), " (",
                        it->second.line_count(), " lines) not ",
                        domain::FormatFen(value.amount_fen), " (", value.line_count(), ")");
      }
    }
    for (const auto& [key, value] : got) {
      if (want.find(key) == want.end()) absl::StrAppend(&difference, " surplus ", key);
    }
    Fail(absl::StrCat("totals at ", position.value(), " of ", process_->projector->folded().value(),
                      " by ", static_cast<int>(group_by[0].dimension), ":", difference));
  }

  std::map<storage::Key, std::string> Contents(const storage::Kv& kv) {
    std::map<storage::Key, std::string> out;
    auto it = kv.NewIterator({}, {});
    for (it->Seek({}); it->Valid(); it->Next())
      out[storage::Key(it->key())] = std::string(it->value());
    Check(it->status(), "scan");
    return out;
  }

  // Faults are over: everything must be level, verified, and equal to a rebuild from the first
  // event.
  void Heal() {
    Restart(/*crash=*/true);
    while (run_.failure.empty() && process_->projector->folded() < model_.head) {
      Fold(50);
    }
    for (int i = 0; i < 12 && run_.failure.empty(); ++i) {
      Query();
    }
    if (!run_.failure.empty()) return;
    if (process_->projector->folded() != model_.head) {
      Fail("totals are not level with the log");
      return;
    }
    if (tenants_ != nullptr) {
      tenants_->CheckViews(*process_->log, *process_->authority, process_->intake->catalog());
      if (!run_.failure.empty()) return;
    }
    watchers_.Heal(*process_->projector, *process_->reader);
    if (!run_.failure.empty()) return;
    above_.Heal(*process_->log);
    for (int i = 0; i < 8 && run_.failure.empty(); ++i)
      Compare(above_.reader(), MakeQuestion(), above_.projector().folded(), model_.head);
    if (!run_.failure.empty()) return;
    Verify(above_.projector(), above_.log_store());
    if (!run_.failure.empty()) return;
    run_.crashes += above_.crashes();
    Verify(*process_->projector, *process_->log_kv);
    if (!run_.failure.empty()) return;
    // Statements, whole and at every revision.
    const storage::HeadReader heads(*process_->kv, *process_->log);
    for (const auto& [key, history] : model_.budgets) {
      for (const ModelStatement& s : history) {
        const auto read = heads.Read(key, s.revision);
        if (!Check(read.status(), "read a revision")) return;
        std::map<std::string, ModelLine> lines;
        for (const Line& line : read->lines.lines) {
          ModelLine m;
          m.id = std::string(line.line_id);
          m.project = std::string(line.project_code);
          m.line = line;
          lines[m.id] = m;
        }
        std::map<std::string, std::string> projects;
        for (const domain::ProjectEntry& p : read->projects) projects[p.code] = p.name;
        if (projects != s.projects)
          return void(Fail(absl::StrCat("revision ", s.revision, " has other projects")));
        if (!(lines == s.lines)) {
          Fail(absl::StrCat("revision ", s.revision, " of ", key.agency, " reads ", lines.size(),
                            " lines, not the ", s.lines.size(), " submitted"));
          return;
        }
      }
    }
    MemoryDisk fresh_disk;
    auto fresh = MemoryKv::Open(fresh_disk, {false, nullptr});
    storage::TotalsStore store(**fresh);
    // Whole in memory, and written at other positions.
    services::Projector::Options options;
    options.rule = writes_.rule;
    options.write_events = 1 + Below(100);
    auto rebuilt = services::Projector::Open(*process_->log, store, options);
    if (!Check(rebuilt.status(), "rebuild")) return;
    while ((*rebuilt)->folded() < model_.head) {
      const auto step = (*rebuilt)->Step(1000);
      if (!Check(step.status(), "rebuild")) return;
    }
    if (!Check((*rebuilt)->Flush(), "write the rest") ||
        !Check(process_->projector->Flush(), "write the rest"))
      return;
    if (Contents(**fresh) != Contents(*process_->totals_kv)) Fail("a rebuild gives other bytes");
  }

  std::mt19937_64 random_;
  const Bug bug_;
  RandomFaults faults_;
  ManualClock clock_;
  MemoryDisk log_disk_;
  MemoryDisk ledger_disk_;
  MemoryDisk totals_disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<Process> process_;
  Model model_;
  // When totals are written, and whole: a world has its own, in most of them it is often.
  services::Projector::Options writes_;
  std::vector<Submission> sent_;
  uint64_t next_request_ = 0;
  domain::Position catalog_events_;
  Digest trace_{};
  Outcome run_;
  std::unique_ptr<Tenants> tenants_;
  int tenant_checks_ = 0;
  Watchers watchers_;
  Above above_;
};

}  // namespace

Outcome RunSeed(uint64_t seed, Bug bug, WatchBug watch_bug, TenantBug tenant_bug) {
  const bool enforced = seed % 4 == 1;
  return World(seed, bug, watch_bug, enforced ? std::optional(tenant_bug) : std::nullopt).Play();
}

Outcome RunVerifySeed(uint64_t seed, Bug bug) {
  return World(seed, bug, WatchBug::kNone, std::nullopt).PlayVerify();
}

}  // namespace fiscal::simulation
