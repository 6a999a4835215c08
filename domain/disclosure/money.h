// Printed figures as exact fen: no floating point anywhere.
#ifndef FISCAL_DOMAIN_DISCLOSURE_MONEY_H_
#define FISCAL_DOMAIN_DISCLOSURE_MONEY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::disclosure {

enum class MoneyUnit : uint8_t { kUnknown, kWanyuan, kYuan };

// Digits after the point that a fen needs: 2 in 元, 6 in 万元.
inline int ScaleOf(MoneyUnit unit) { return unit == MoneyUnit::kYuan ? 2 : 6; }
// One in the last place of a figure with `decimals` digits after the point, in fen.
int64_t PlaceFen(MoneyUnit unit, int decimals);

struct Figure {
  int64_t fen = 0;
  // Digits after the point.
  int decimals = 0;
};

// True for what is printed where there is no money: blank, a dash.
bool IsBlank(absl::string_view cell);
// "1,234.56", "-3.00", "880.87". nullopt for anything else, for digits finer than a fen and for
// what exceeds int64.
std::optional<Figure> ParseFigure(absl::string_view cell, MoneyUnit unit);
// True when the text has the look of a figure (digits with a point or separators), right or wrong.
bool LooksLikeFigure(absl::string_view cell);
// The amount in the unit with `decimals` digits after the point, halves away from zero: "880.87";
// with `separators`, "371,514,655.00".
std::string PrintFigure(int64_t fen, MoneyUnit unit, int decimals = 2, bool separators = false);
// "元" or "万元".
absl::string_view UnitName(MoneyUnit unit);

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_MONEY_H_
