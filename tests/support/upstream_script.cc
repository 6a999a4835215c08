#include "tests/support/upstream_script.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::testing {
namespace {

using domain::UpstreamRecords;

constexpr char kLogId[] = "fedcba9876543210";

domain::CellTable CellsOf(const Words& words) {
  domain::CellTable cells;
  domain::Attributes attributes;
  attributes.direction = domain::Direction::kExpenditure;
  attributes.fund = domain::Fund::kGeneral;
  for (const std::string& word : words) {
    const size_t colon = word.find(':');
    if (colon == std::string::npos) continue;
    domain::CellTable::Item item;
    item.key.attributes = attributes.Pack();
    item.key.functional = domain::ParseCode(word.substr(0, colon));
    item.value.amount_fen = ParseFen(word.substr(colon + 1));
    item.value.counts[0] = item.value.amount_fen < 0 ? 0 : 1;
    cells.items.push_back(item);
  }
  std::sort(cells.items.begin(), cells.items.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return cells;
}

std::string PostingOf(const Words& words) {
  domain::Posting p;
  p.key = BudgetOf(words.at(1), words);
  p.department = Get(words, "department", p.key.agency.substr(0, 3));
  FISCAL_CHECK(words.at(2)[0] == 'r', "a budget's revision stands behind it: r1");
  p.revision = static_cast<uint64_t>(domain::ParseCode(words.at(2).substr(1)));
  p.more = Has(words, "more");
  p.cells = CellsOf(words);
  return storage::EncodePosting(p);
}

UpstreamRecords::Record RecordOf(const Words& words) {
  UpstreamRecords::Record record;
  const std::string& kind = words.at(0);
  if (kind == "nothing") return record;
  if (kind == "budget") {
    record.posting = PostingOf(words);
    return record;
  }
  domain::CatalogEvent event;
  event.division = domain::ParseCode(words.at(1).substr(0, 6));
  event.year = 2024;
  event.list = kind == "divisions"  ? domain::CatalogList::kDivision
               : kind == "agencies" ? domain::CatalogList::kAgency
                                    : domain::CatalogList::kFunctional;
  event.entries = EntriesOf(event.list, words, kind == "divisions" ? 1 : 2);
  record.catalog = storage::EncodeCatalog(event);
  return record;
}

}  // namespace

UpstreamScript::UpstreamScript(LedgerScript& script) : script_(script) {
  script.Add("from", [this](const Words& words) { return From(words); });
  script.Add("again", [this](const Words& words) { return Again(words); });
  script.Add("owners", [this](const Words&) { return Owners(); });
}

void UpstreamScript::Write(System& system, Record record) {
  record.position = domain::Position(system.log.size() + 1);
  record.commit_time_us =
      absl::ToUnixMicros(script_.clock().Now()) + static_cast<int64_t>(system.log.size());
  record.leaf_hash = Sha256({record.posting, record.catalog});
  record.chain_hash = system.chain = storage::ChainHash(system.chain, record.leaf_hash);
  system.log.push_back(std::move(record));
}

std::string UpstreamScript::From(const Words& words) {
  const std::string& name = words.at(1);
  System& system = systems_[name];
  size_t at = 2;
  std::string log_id = kLogId;
  size_t first = system.log.size();
  for (; at < words.size(); ++at) {
    if (absl::StartsWith(words[at], "log=")) {
      log_id = Get(words, "log");
      log_id.resize(16, '.');
    } else if (words[at] == "skip") {
      Write(system, {});
      ++first;
    } else if (words[at] == "forged") {
      system.chain[0] ^= 1;
    } else {
      break;
    }
  }
  while (at < words.size()) Write(system, RecordOf(Until("|", words, &at)));
  std::string said = Bring(
      name, log_id, {system.log.begin() + static_cast<std::ptrdiff_t>(first), system.log.end()});
  // What was refused it never said.
  system.log.resize(script_.intake().ReadUpstream(name)->position.value());
  system.chain = system.log.empty() ? Digest{} : system.log.back().chain_hash;
  return said;
}

std::string UpstreamScript::Again(const Words& words) {
  const System& system = systems_.at(words.at(1));
  const auto first = static_cast<std::ptrdiff_t>(domain::ParseCode(words.at(2))) - 1;
  return Bring(words[1], kLogId, {system.log.begin() + first, system.log.end()});
}

std::string UpstreamScript::Bring(const std::string& name, absl::string_view log_id,
                                  std::vector<Record> records) {
  UpstreamRecords u;
  u.upstream = name;
  u.log_id = std::string(log_id);
  u.records = std::move(records);
  services::Intake::Request request(std::move(u));
  services::Intake::Request* group[] = {&request};
  const absl::Status status = script_.intake().Commit(group)[0].status();
  return absl::StrCat(status.ok() ? "" : SayRefusal(status), status.ok() ? "" : ", ", "taken to ",
                      script_.intake().ReadUpstream(name)->position.value(), " ",
                      At(script_.log().head().position));
}

std::string UpstreamScript::Owners() const {
  std::vector<std::string> owners;
  for (const auto& [division, name] : script_.intake().UpstreamDivisions())
    owners.push_back(absl::StrCat(division, " ", name));
  return owners.empty() ? "none" : absl::StrJoin(owners, ", ");
}

}  // namespace fiscal::testing
