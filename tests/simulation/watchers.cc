#include "tests/simulation/watchers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/ledger/moments.h"

namespace fiscal::simulation {

using domain::Position;
using services::Watch;
using services::WatchEvent;
using services::WatchMessage;

Watchers::Rows Watchers::At(const services::WatchedTotals& totals, Position position) const {
  Rows rows = model_.Totals(totals.filter, totals.group_by, position);
  if (!totals.group_by.empty()) rows.erase("");
  for (auto it = rows.begin(); it != rows.end();)
    it = it->second.zero() && !totals.group_by.empty() ? rows.erase(it) : std::next(it);
  return rows;
}

void Watchers::Connect(One& one, const services::Projector& projector,
                       const services::TotalsReader& reader) {
  Watch::Options options;
  options.totals = one.totals;
  options.conflated = one.conflated;
  if (!one.memories.empty()) {
    // The last message, or an older one.
    const size_t keep = Below(3) == 0 ? 1 + Below(one.memories.size()) : one.memories.size();
    const Position position = one.memories[keep - 1].position;
    // A server that starts folds what its log has before it serves.
    if (position > projector.folded()) return;
    one.memories.resize(keep);
    const absl::Status checked = services::CheckMoment(projector.log(), one.memories.back().moment);
    if (!checked.ok()) return fail_(absl::StrCat("watch resumable: ", checked.ToString()));
    options.resume = position;
    ++resumes_;
  }
  one.watch = std::make_unique<Watch>(projector, reader, std::move(options));
}

void Watchers::Play(const services::Projector& projector, const services::TotalsReader& reader) {
  if (all_.size() < 3 && Below(4) == 0) {
    One& one = all_.emplace_back();
    for (uint64_t i = 0, n = 1 + Below(2); i < n; ++i) one.totals.push_back(ask_());
    one.conflated = Below(3) == 0;
  }
  for (One& one : all_) {
    if (one.watch != nullptr && Below(8) == 0) one.watch.reset();
    if (one.watch == nullptr && Below(2) == 0) Connect(one, projector, reader);
    if (one.watch == nullptr) continue;
    for (uint64_t i = 0, n = Below(6); i < n; ++i) {
      if (!Hear(one, projector)) break;
    }
  }
}

void Watchers::Drop() {
  for (One& one : all_) one.watch.reset();
}

void Watchers::Heal(const services::Projector& projector, const services::TotalsReader& reader) {
  for (One& one : all_) {
    if (one.watch == nullptr) Connect(one, projector, reader);
    if (one.watch == nullptr) return fail_("watch resumable: nobody answers");
    for (int i = 0; Hear(one, projector); ++i) {
      if (i == 1000000) return fail_("watch: never level");
    }
    if (one.memories.empty()) continue;
    for (size_t f = 0; f < one.totals.size(); ++f) {
      if (one.memories.back().rows[f] != At(one.totals[f], projector.folded()))
        return fail_("watch reliable: level, and not what a read says");
    }
  }
}

bool Watchers::Hear(One& one, const services::Projector& projector) {
  Position folded = projector.folded();
  // What a hub does that knows nothing more concerns it for a while.
  if (one.watch->started() && Below(3) == 0) {
    Position quiet = one.watch->position();
    auto same = [&](Position p) {
      return std::all_of(one.totals.begin(), one.totals.end(),
                         [&](const auto& t) { return At(t, p) == At(t, one.watch->position()); });
    };
    while (quiet < folded && same(quiet + 1)) ++quiet;
    if (bug_ == WatchBug::kSkipTooFar && quiet < folded) ++quiet;
    one.watch->SkipTo(quiet);
  }
  auto message = one.watch->Next(folded);
  if (!message.ok()) {
    fail_(absl::StrCat("watch: ", message.status().ToString()));
    return false;
  }
  if (!message->has_value()) return one.watch->more();
  if (bug_ == WatchBug::kLosePosition && (*message)->event == WatchEvent::kChange && Below(4) == 0)
    return true;
  Check(one, **message, projector);
  if (bug_ == WatchBug::kRepeatPosition && (*message)->event == WatchEvent::kChange)
    Check(one, **message, projector);
  return true;
}

void Watchers::Check(One& one, const WatchMessage& m, const services::Projector& projector) {
  One::Memory next;
  const bool first = one.memories.empty();
  if (!first) next = one.memories.back();
  const Position last = first ? Position() : next.position;
  next.rows.resize(one.totals.size());
  next.position = m.position;
  if ((m.event == WatchEvent::kSnapshot) != first)
    return fail_("watch: a snapshot comes first, and only then");
  if (m.position < last) return fail_("watch ordered: the position fell");
  if (m.event == WatchEvent::kChange && m.position == last && !first)
    return fail_("watch unique: a position came twice");
  if (m.position > projector.folded()) return fail_("watch bookmarked: ahead of what is folded");
  if (m.event == WatchEvent::kChange && m.changes.empty())
    return fail_("watch exact: a change without changes");
  if (!one.conflated && m.event == WatchEvent::kChange) {
    // Nothing between the last message and this one changed a row that was asked for.
    for (size_t f = 0; f < one.totals.size(); ++f) {
      if (At(one.totals[f], model_.GroupStart(m.position).Prev()) != next.rows[f])
        return fail_(
            absl::StrCat("watch reliable: something before ", m.position.value(), " was left out"));
    }
  }
  for (const WatchMessage::Change& change : m.changes) {
    Rows& rows = next.rows[static_cast<size_t>(change.filter)];
    const std::string key = ModelKeyOf(change.row.group);
    const auto known = rows.find(key);
    const domain::CellValue before = known == rows.end() ? domain::CellValue() : known->second;
    if (m.event == WatchEvent::kChange) {
      if (change.row.after == before) return fail_("watch exact: a row came that did not change");
      if (!(change.row.before == before)) return fail_("watch exact: another previous value");
    }
    if (change.row.after.zero() && !key.empty()) {
      rows.erase(key);
    } else {
      rows[key] = change.row.after;
    }
  }
  for (size_t f = 0; f < one.totals.size(); ++f) {
    if (next.rows[f] != At(one.totals[f], m.position)) {
      return fail_(absl::StrCat("watch atomic: after ", m.position.value(),
                                " the rows are not those of a "
                                "read there"));
    }
  }
  if (model_.GroupEnd(m.position) != m.position)
    return fail_("watch atomic: a group of events was cut");
  const auto moment = services::MomentAt(projector.log(), m.position);
  if (!moment.ok()) return fail_("watch resumable: no hash at its position");
  next.moment = *moment;
  one.memories.push_back(std::move(next));
  if (one.memories.size() > 6) one.memories.erase(one.memories.begin());
}

}  // namespace fiscal::simulation
