#include "services/ledger/answer/watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using domain::Position;
using domain::Reason;
using domain::RowChange;

// Postings read at once.
constexpr size_t kReadMax = 256;
// Readings in one step that find nothing to tell.
constexpr int kReadsMax = 8;

}  // namespace

Watch::Watch(const Projector& projector, const TotalsReader& reader, Options options)
    : projector_(projector),
      reader_(reader),
      options_(std::move(options)),
      work_(options_.cost_max) {}

absl::StatusOr<std::vector<std::unique_ptr<Question>>> Watch::Ask(Position position) {
  std::vector<std::unique_ptr<Question>> questions;
  work_.RestartWhole();
  for (const WatchedTotals& totals : options_.totals) {
    questions.push_back(
        std::make_unique<Question>(projector_.catalog(), totals.filter, totals.group_by));
    FISCAL_RETURN_IF_ERROR(reader_.Ask(*questions.back(), position, work_));
  }
  return questions;
}

absl::Status Watch::CheckRows() const {
  size_t rows = 0;
  for (const auto& question : questions_) rows += question->rows().size();
  if (rows <= kWatchRowsMax) return absl::OkStatus();
  return domain::Refuse(Reason::kWatchTooWide, absl::StrCat("the filters have ", rows,
                                                            " rows; the limit is ", kWatchRowsMax));
}

absl::Status Watch::Start(Position position) {
  FISCAL_ASSIGN_OR_RETURN(questions_, Ask(position));
  position_ = read_to_ = position;
  return CheckRows();
}

bool Watch::Concerns(const domain::Posting& posting) const {
  return std::any_of(questions_.begin(), questions_.end(), [&](const auto& q) {
    return q->filter().Counts(posting.key, posting.department);
  });
}

void Watch::Take(std::vector<WatchMessage::Change>* changes) {
  for (size_t i = 0; i < questions_.size(); ++i) {
    for (RowChange& row : questions_[i]->rows().TakeChanges())
      changes->push_back({static_cast<int>(i), std::move(row)});
  }
}

void Watch::SkipTo(Position position) {
  // Changes read ahead stay valid: none of them up to `position` concerns this watch.
  if (next_ == read_.size() && position > read_to_) read_to_ = position;
  if (next_ == read_.size() && position > position_) position_ = position;
}

std::vector<domain::NodeId> Watch::Nodes() const {
  std::vector<domain::NodeId> nodes;
  for (const WatchedTotals& totals : options_.totals) {
    for (domain::Stage stage : domain::StagesOf(totals.filter.stage))
      nodes.push_back({domain::NodeOf(totals.filter), totals.filter.year, stage});
  }
  return nodes;
}

absl::StatusOr<std::optional<WatchMessage>> Watch::Next(Position folded) {
  FISCAL_ASSIGN_OR_RETURN(std::optional<WatchMessage> message, Find(folded));
  if (!message.has_value()) return message;
  for (const WatchMessage::Change& change : message->changes) {
    for (const domain::CellValue* value : {&change.row.before, &change.row.after}) {
      if (domain::FitsInt64(value->amount_fen)) continue;
      return domain::RefuseTotal(
          value->amount_fen,
          absl::StrCat("filters[", change.filter, "]: ", domain::RowName(change.row.group),
                       " at position ", message->position.value()));
    }
  }
  return message;
}

absl::StatusOr<std::optional<WatchMessage>> Watch::Find(Position folded) {
  more_ = false;
  if (!started()) {
    FISCAL_RETURN_IF_ERROR(Start(options_.resume.value_or(folded)));
    snapshot_sent_ = options_.resume.has_value();
  }
  if (!snapshot_sent_) {
    snapshot_sent_ = more_ = true;
    WatchMessage message{WatchEvent::kSnapshot, position_, {}};
    for (size_t i = 0; i < questions_.size(); ++i) {
      if (options_.totals[i].group_by.empty()) {
        message.changes.push_back(
            {static_cast<int>(i), {{}, {}, questions_[i]->rows().grand_total()}});
        continue;
      }
      for (domain::TotalRow& row : questions_[i]->rows().Answer(domain::RowOrder::kCode).rows)
        message.changes.push_back({static_cast<int>(i), {std::move(row.group), {}, row.value}});
    }
    return message;
  }
  const bool level = next_ == read_.size();
  const bool behind = level && position_ < folded && position_ + 1 < projector_.remembered();
  if (behind && caught_up_) {
    caught_up_ = false;
    more_ = true;
    return WatchMessage{WatchEvent::kFellBehind, position_, {}};
  }
  if (behind && options_.conflated) {
    // Not change by change: what the rows are now, against what was told.
    FISCAL_ASSIGN_OR_RETURN(std::vector<std::unique_ptr<Question>> now, Ask(folded));
    WatchMessage message{WatchEvent::kChange, folded, {}};
    for (size_t i = 0; i < now.size(); ++i) {
      for (RowChange& row : now[i]->rows().ChangesFrom(questions_[i]->rows()))
        message.changes.push_back({static_cast<int>(i), std::move(row)});
    }
    questions_ = std::move(now);
    position_ = read_to_ = folded;
    FISCAL_RETURN_IF_ERROR(CheckRows());
    if (!message.changes.empty()) {
      more_ = true;
      return message;
    }
  }
  for (auto& question : questions_) question->SetCatalog(projector_.catalog());
  for (int reads = 0; true;) {
    if (next_ == read_.size()) {
      position_ = std::max(position_, read_to_);
      if (position_ >= folded) break;
      if (++reads > kReadsMax) {
        more_ = true;
        return std::optional<WatchMessage>();
      }
      read_.clear();
      next_ = 0;
      FISCAL_ASSIGN_OR_RETURN(
          read_to_, projector_.ReadPostings(
                        position_, folded, kReadMax,
                        [this](const domain::Posting& p) { return Concerns(p); }, &read_));
      continue;
    }
    // Changes committed at once are told at once.
    for (position_ = read_[next_].end; next_ < read_.size() && read_[next_].end == position_;
         ++next_) {
      for (auto& question : questions_) question->AddPosting(*read_[next_].posting);
    }
    if (options_.conflated) continue;
    WatchMessage message{WatchEvent::kChange, position_, {}};
    Take(&message.changes);
    if (message.changes.empty()) continue;
    FISCAL_RETURN_IF_ERROR(CheckRows());
    more_ = true;
    return message;
  }
  if (options_.conflated) {
    WatchMessage message{WatchEvent::kChange, position_, {}};
    Take(&message.changes);
    FISCAL_RETURN_IF_ERROR(CheckRows());
    if (!message.changes.empty()) {
      more_ = true;
      return message;
    }
  }
  if (caught_up_) return std::optional<WatchMessage>();
  caught_up_ = true;
  return WatchMessage{WatchEvent::kCaughtUp, position_, {}};
}

}  // namespace fiscal::services
