// What one caller sees of the log: for streams that give him a part of it.
#ifndef FISCAL_SERVICES_LOG_LOG_VIEW_H_
#define FISCAL_SERVICES_LOG_LOG_VIEW_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "domain/catalog.h"
#include "domain/event.h"
#include "services/ledger/authority.h"
#include "services/ledger/compare/visible.h"

namespace fiscal::services {

class LogView {
 public:
  using Catalogs = std::function<std::shared_ptr<const domain::Catalog>()>;

  // REQUIRES: `authority` outlives it.
  LogView(const Authority& authority, Catalogs catalog, std::string principal, authority::Verb verb)
      : authority_(authority),
        catalog_(std::move(catalog)),
        principal_(std::move(principal)),
        verb_(verb) {}

  // True when he may have the event's content, by his grants as they are now.
  bool Sees(const domain::EventHeader& header, absl::string_view payload) const {
    if (authority_.mode() != Authority::Mode::kEnforce) return true;
    const std::shared_ptr<const Rights> rights = authority_.Of(principal_);
    const std::shared_ptr<const domain::Catalog> catalog = catalog_();
    // Most readers of a log may have all of it.
    return rights->Covers(verb_, authority::Asked(), *catalog) ||
           MaySee(*rights, verb_, AboutEvent(header, payload), *catalog);
  }

 private:
  const Authority& authority_;
  const Catalogs catalog_;
  const std::string principal_;
  const authority::Verb verb_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_VIEW_H_
