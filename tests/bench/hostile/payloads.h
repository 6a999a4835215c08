// What hostile and merely large callers send, as bytes.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_PAYLOADS_H_
#define FISCAL_TESTS_BENCH_HOSTILE_PAYLOADS_H_

#include <string>
#include <vector>

#include "tests/bench/province.h"

namespace fiscal::bench {

// 1,000 filters of the whole province, each with a project code: some 26 KB.
std::string HeavyBatch();

// A list of the whole province by subject and kind of expenditure, from the leaf cells of all
// agencies.
std::string HeavyPivot();

// A SubmitBudgetRequest that is `bytes` of empty projects.
std::string EmptyProjects(size_t bytes);
// A PATCH that removes `count` projects nobody ever stated.
std::string RemovedProjects(size_t count);
// One line whose line_id has `bytes` and whose other fields are wrong.
std::string LongLineId(size_t bytes);
// The frames of a budget of `bytes` in parts that never ends: projects with long texts, or with
// `empty` empty ones.
std::vector<std::string> EndlessParts(size_t bytes, bool empty);

// The greatest statement: 100,000 lines with 64-character ids, of the nth budget; `salt` changes
// every amount. Without its request_id, which WithRequestId puts before it.
std::string GreatStatement(const Province& province, uint64_t n, bool patch, uint64_t salt);
std::string WithRequestId(const std::string& request_id, const std::string& rest);

// A read of a position that will never come.
std::string WaitingRead();
// A watch of the province.
std::string Watch();

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_PAYLOADS_H_
