// FISCAL_CHECK stops the process with a sentence when an invariant is broken: wrong totals are
// worse than none.
#ifndef FISCAL_BASE_CHECK_H_
#define FISCAL_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define FISCAL_CHECK(condition, sentence)                                                  \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, sentence); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)

#endif  // FISCAL_BASE_CHECK_H_
