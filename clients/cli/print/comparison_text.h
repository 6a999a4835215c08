// Differences between tables and a document, as text, CSV and JSON.
#ifndef FISCAL_CLIENTS_CLI_PRINT_COMPARISON_TEXT_H_
#define FISCAL_CLIENTS_CLI_PRINT_COMPARISON_TEXT_H_

#include <ostream>

#include "clients/cli/print/table_compare.h"

namespace fiscal::cli {

// Each difference, then "13 tables, 655 cells: all equal" or how many differ.
void PrintComparison(const TableComparison& comparison, std::ostream& out);
// The differences alone.
void PrintComparisonCsv(const TableComparison& comparison, std::ostream& out);
// {"tables": ..., "cells": ..., "differences": [...]}
void PrintComparisonJson(const TableComparison& comparison, std::ostream& out);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_COMPARISON_TEXT_H_
