#include "services/catalog/catalog_rpc.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"
#include "services/ledger/moments.h"
#include "services/rpc/raw.h"
#include "services/rpc/service.h"
#include "services/wire/catalog_wire.h"
#include "services/wire/page.h"
#include "services/wire/submission_wire.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

using domain::CatalogEntry;
using domain::Code;
using domain::Reason;
using grpc::ByteBuffer;
namespace pb = fiscal::catalog::v1;

class CatalogRpc final : public rpc::Service {
 public:
  CatalogRpc(rpc::Calls& calls, Committer& committer) : Service(calls), committer_(committer) {
    ServeBytes<pb::ImportCatalogRequest>(&CatalogRpc::ImportCatalog);
    Serve(&CatalogRpc::ListDivisions);
    Serve(&CatalogRpc::ListAgencies);
    Serve(&CatalogRpc::ListClassifications);
  }

  void ImportCatalog(rpc::UnaryCall* call, const ByteBuffer* request, ByteBuffer* response) {
    const rpc::FlatBytes bytes(*request);
    pb::ImportCatalogRequest parsed;
    const absl::Status status = wire::ParseInto(bytes.view(), &parsed);
    if (!status.ok()) return call->Finish(status);
    call->NoteRequestId(parsed.request_id());
    call->NoteScope(TextOf(authority::Asked{wire::ParseDivision(parsed.division_code()), false, "",
                                            "", static_cast<uint16_t>(parsed.fiscal_year())}));
    committer_.Submit(
        call->key(),
        std::make_unique<Intake::Request>(
            wire::ToImport(parsed, bytes.view(), call->caller().principal)),
        bytes.view().size(),
        [this, call, response](absl::StatusOr<domain::RequestReceipt> outcome) {
          if (outcome.ok()) {
            const domain::Receipt& receipt = outcome->receipt;
            pb::ImportCatalogResponse message;
            if (!receipt.position.zero())
              message.set_position(MomentOf(committer_.intake().log(), receipt).Text());
            message.set_added_count(static_cast<int64_t>(receipt.added));
            message.set_changed_count(static_cast<int64_t>(receipt.changed));
            message.set_unchanged_count(static_cast<int64_t>(receipt.unchanged));
            *response = rpc::ToBuffer(message);
          }
          call->Finish(outcome.status());
        });
  }

  void ListDivisions(rpc::UnaryCall* call, const pb::ListDivisionsRequest* request,
                     pb::ListDivisionsResponse* response) {
    call->Read([this, call, request, response] { return Divisions(*call, *request, response); });
  }

  void ListAgencies(rpc::UnaryCall* call, const pb::ListAgenciesRequest* request,
                    pb::ListAgenciesResponse* response) {
    call->Read([this, call, request, response] { return Agencies(*call, *request, response); });
  }

  void ListClassifications(rpc::UnaryCall* call, const pb::ListClassificationsRequest* request,
                           pb::ListClassificationsResponse* response) {
    call->Read(
        [this, call, request, response] { return Classifications(*call, *request, response); });
  }

 private:
  // Takes entries in the order of their keys; false when the page is full.
  using Add = std::function<bool(const std::string& key, Code division, const CatalogEntry& entry)>;

  // Whether the caller may have the lists of a division: who names none gets those.
  static bool Sees(const rpc::Call& call, Code division, uint16_t year) {
    return call.Sees(authority::Verb::kReadCatalog, {division, true, "", "", year});
  }

  // As the gate has it: one that is none is no other.
  static uint16_t YearOf(int32_t year) {
    return static_cast<uint16_t>(
        std::clamp<int32_t>(year, 0, std::numeric_limits<uint16_t>::max()));
  }

  static absl::Status MalformedDivision() {
    return domain::Refuse({{Reason::kCodeMalformed, "division_code", "", domain::kDivisionShape}});
  }

  absl::Status Divisions(rpc::UnaryCall& call, const pb::ListDivisionsRequest& request,
                         pb::ListDivisionsResponse* response) const {
    const auto catalog = committer_.intake().catalog();
    const uint16_t year = YearOf(request.fiscal_year());
    const Code root =
        request.division_code().empty() ? 0 : wire::ParseDivision(request.division_code());
    if (root == 0 && !request.division_code().empty()) return MalformedDivision();
    const domain::Catalog::Entries* all = catalog->DivisionsOf(year);
    std::set<std::string> below;
    if (root != 0) {
      for (Code d : catalog->SubtreeOf(root, year)) below.insert(domain::FormatCode(d));
    }
    return Page(
        call, request, response, [&](const std::string& after, const Add& add) -> absl::Status {
          if (all == nullptr) return absl::OkStatus();
          if (root == 0) {
            for (auto it = all->upper_bound(after); it != all->end(); ++it) {
              FISCAL_RETURN_IF_ERROR(call.work().Spend(1));
              if (Sees(call, domain::ParseCode(it->first), year) && !add(it->first, 0, it->second))
                break;
            }
            return absl::OkStatus();
          }
          for (auto it = below.upper_bound(after); it != below.end(); ++it) {
            FISCAL_RETURN_IF_ERROR(call.work().Spend(1));
            const auto entry = all->find(*it);
            if (entry != all->end() && !add(*it, 0, entry->second)) break;
          }
          return absl::OkStatus();
        });
  }

  absl::Status Agencies(rpc::UnaryCall& call, const pb::ListAgenciesRequest& request,
                        pb::ListAgenciesResponse* response) const {
    const auto catalog = committer_.intake().catalog();
    const Code division = wire::ParseDivision(request.division_code());
    if (division == 0 && !request.division_code().empty()) return MalformedDivision();
    // In the order of their names, as the keys are.
    std::map<std::string, std::pair<Code, const domain::Catalog::Entries*>> lists;
    for (const auto& [key, entries] : catalog->lists()) {
      if (key.list == domain::CatalogList::kAgency && key.year == request.fiscal_year() &&
          (division == 0 ? Sees(call, key.division, key.year) : key.division == division))
        lists.emplace(absl::StrCat(key.division, " "), std::pair(key.division, entries.get()));
    }
    return Page(call, request, response, [&](const std::string& after, const Add& add) {
      for (const auto& [prefix, list] : lists) {
        // Behind the last of this list.
        if (after.compare(0, prefix.size(), prefix) > 0) continue;
        const bool inside = absl::StartsWith(after, prefix);
        for (auto it = inside ? list.second->upper_bound(after.substr(prefix.size()))
                              : list.second->begin();
             it != list.second->end(); ++it) {
          const auto& [code, entry] = *it;
          FISCAL_RETURN_IF_ERROR(call.work().Spend(1));
          if (!request.department_code().empty() &&
              entry.department_code != request.department_code())
            continue;
          if (!add(absl::StrCat(prefix, code), list.first, entry)) return absl::OkStatus();
        }
      }
      return absl::OkStatus();
    });
  }

  absl::Status Classifications(rpc::UnaryCall& call, const pb::ListClassificationsRequest& request,
                               pb::ListClassificationsResponse* response) const {
    const auto catalog = committer_.intake().catalog();
    const Code division = wire::ParseDivision(request.division_code());
    if (division == 0) return MalformedDivision();
    if ((request.list() < pb::CATALOG_LIST_FUNCTIONAL ||
         request.list() > pb::CATALOG_LIST_GOV_ECONOMIC) &&
        request.list() != pb::CATALOG_LIST_FUNCTIONAL_CROSSWALK) {
      return domain::Refuse({{Reason::kEnumUnknown, "list", "", "one of the classifications"}});
    }
    // Nearest first: an entry of a nearer list hides one of a farther.
    std::map<std::string, const CatalogEntry*> found;
    const auto lists = catalog->ListsFor(division, YearOf(request.fiscal_year()),
                                         static_cast<domain::CatalogList>(request.list()));
    for (const auto& list : lists) {
      for (const auto& [code, entry] : *list) found.emplace(entry->code, entry);
    }
    return Page(call, request, response,
                [&](const std::string& after, const Add& add) -> absl::Status {
                  for (auto it = found.upper_bound(after); it != found.end(); ++it) {
                    FISCAL_RETURN_IF_ERROR(call.work().Spend(1));
                    if (!add(it->first, 0, *it->second)) break;
                  }
                  return absl::OkStatus();
                });
  }

  // `each` calls what it is given for every entry behind a key, in order, until that says false.
  template <typename Request, typename Response, typename Each>
  static absl::Status Page(const rpc::Call& call, const Request& request, Response* response,
                           const Each& each) {
    FISCAL_ASSIGN_OR_RETURN(wire::PageRoom room,
                            wire::PageRoom::Of(request.page_size(), 1000, 10000));
    Request question = request;
    question.clear_page_token();
    question.clear_page_size();
    const std::string bound = question.SerializeAsString();
    std::string after;
    if (!request.page_token().empty()) {
      FISCAL_ASSIGN_OR_RETURN(after, call.ReadPageToken(bound, request.page_token()));
    }
    std::string last;
    return each(after, [&](const std::string& key, Code division, const CatalogEntry& found) {
      pb::CatalogEntry* entry = response->add_entries();
      wire::ToProto(found, entry);
      entry->set_division_code(domain::FormatCode(division));
      if (!room.Take(response->mutable_entries())) {
        response->set_next_page_token(call.MakeToken(bound, last));
        return false;
      }
      last = key;
      return true;
    });
  }

  Committer& committer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCatalogService(rpc::Calls& calls, Committer& committer) {
  return std::make_unique<CatalogRpc>(calls, committer);
}

}  // namespace fiscal::services
