// Place of an event in a log.
#ifndef FISCAL_DOMAIN_POSITION_H_
#define FISCAL_DOMAIN_POSITION_H_

#include <compare>
#include <cstdint>
#include <ostream>
#include <utility>

namespace fiscal::domain {

// The first event's is 1; 0, the default, is before all. No number: two positions have an order
// and a distance, and what comes next is another position; they are not added, nor mixed with
// counts by mistake.
class Position {
 public:
  constexpr Position() = default;
  explicit constexpr Position(uint64_t value) : value_(value) {}
  // Behind every event that a log can have.
  static constexpr Position Max() { return Position(UINT64_MAX); }

  // For what is written down or said: keys, records, answers, texts.
  constexpr uint64_t value() const { return value_; }

  // Before all events.
  constexpr bool zero() const { return value_ == 0; }

  constexpr Position Next() const { return Position(value_ + 1); }
  // REQUIRES: not 0.
  constexpr Position Prev() const { return Position(value_ - 1); }
  constexpr Position& operator++() {
    ++value_;
    return *this;
  }
  // So many events further.
  friend constexpr Position operator+(Position p, uint64_t events) {
    return Position(p.value_ + events);
  }
  // How many events `a` is further than `b`. REQUIRES: b <= a.
  friend constexpr uint64_t operator-(Position a, Position b) { return a.value_ - b.value_; }

  friend constexpr auto operator<=>(Position, Position) = default;
  template <typename H>
  friend H AbslHashValue(H h, Position p) {
    return H::combine(std::move(h), p.value_);
  }
  friend std::ostream& operator<<(std::ostream& out, Position p) { return out << p.value_; }

 private:
  uint64_t value_ = 0;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_POSITION_H_
