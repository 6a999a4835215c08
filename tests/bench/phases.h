// What is measured, one after the other. Each begins with the store as the one before left it, but
// MeasureArrivals, which makes its own.
#ifndef FISCAL_TESTS_BENCH_PHASES_H_
#define FISCAL_TESTS_BENCH_PHASES_H_

#include "tests/bench/bench.h"

namespace fiscal::bench {

// Statements of 1,000 and of 100 lines, against sinks and other systems.
void MeasureBulk(Bench& b);
// Small statements in each order of arrival, a store of its own for each.
void MeasureArrivals(Bench& b);
// Statements of one line, many at once.
void MeasureSingles(Bench& b);
// PATCHes of one line, in a statement of 100 lines and in one of 100,000.
void MeasureAmendments(Bench& b);
// Pages of 10 lines of a small statement and of one of 100,000 lines, and what who pages the large
// one costs others.
void MeasurePages(Bench& b);
// Loads to each size in turn and looks at the store there.
void MeasureGrowth(Bench& b);
// Totals, lists, tables.
void MeasureReads(Bench& b);
// From a receipt to a total that counts it, at half load.
void MeasureVisible(Bench& b);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_PHASES_H_
