#include "domain/moment.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fiscal::domain {
namespace {

constexpr char kDigits[] = "0123456789";
constexpr char kHex[] = "0123456789abcdef";

}  // namespace

Moment::Moment(Position position, absl::string_view log_id, const Digest& chain_hash)
    : position_(position), bound_(!position.zero()) {
  // Every history begins with the same nothing.
  if (!bound_) return;
  std::copy_n(log_id.begin(), kIdBytes, mark_.begin());
  std::copy_n(BytesOf(chain_hash).begin(), kChainBytes, mark_.begin() + kIdBytes);
}

std::optional<Moment> Moment::Parse(absl::string_view text) {
  const size_t dash = text.find('-');
  const absl::string_view digits = text.substr(0, dash);
  uint64_t number = 0;
  if (digits.empty() || digits.find_first_not_of(kDigits) != absl::string_view::npos ||
      !absl::SimpleAtoi(digits, &number))
    return std::nullopt;
  Moment moment{Position(number)};
  if (dash == absl::string_view::npos) return moment;
  const absl::string_view hex = text.substr(dash + 1);
  if (number == 0 || hex.size() != 2 * moment.mark_.size() ||
      hex.find_first_not_of(kHex) != absl::string_view::npos)
    return std::nullopt;
  const std::string mark = absl::HexStringToBytes(hex);
  std::copy(mark.begin(), mark.end(), moment.mark_.begin());
  moment.bound_ = true;
  return moment;
}

std::string Moment::Text() const {
  if (!bound_) return absl::StrCat(position_.value());
  return absl::StrCat(position_.value(), "-",
                      absl::BytesToHexString(absl::string_view(mark_.data(), mark_.size())));
}

bool Moment::MayBeOf(absl::string_view log_id) const {
  return !bound_ || absl::string_view(mark_.data(), kIdBytes) == log_id.substr(0, kIdBytes);
}

bool Moment::MayHave(const Digest& chain_hash) const {
  return !bound_ || absl::string_view(mark_.data() + kIdBytes, kChainBytes) ==
                        BytesOf(chain_hash).substr(0, kChainBytes);
}

}  // namespace fiscal::domain
