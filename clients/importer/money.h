// Printed figures as exact fen: no floating point anywhere.
#ifndef FISCAL_CLIENTS_IMPORTER_MONEY_H_
#define FISCAL_CLIENTS_IMPORTER_MONEY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::importer {

enum class DocumentUnit { kUnknown, kWanyuan, kYuan };

struct Figure {
  int64_t fen = 0;
  // Digits after the point.
  int decimals = 0;
};

// True for what is printed where there is no money: blank, a dash.
bool IsBlank(absl::string_view cell);
// "1,234.56", "-3.00", "880.87". nullopt for anything else, for digits finer than a fen and for what exceeds int64.
std::optional<Figure> ParseFigure(absl::string_view cell, DocumentUnit unit);
// True when the text has the look of a figure (digits with a point or separators), right or wrong.
bool LooksLikeFigure(absl::string_view cell);
// "880.87" in the unit.
std::string PrintFigure(int64_t fen, DocumentUnit unit);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_MONEY_H_
