// A province to measure with: 11 cities, 117 counties, 20,000 agencies, the shipped code lists. The
// same numbers give the same budgets on every machine.
#ifndef FISCAL_TESTS_BENCH_PROVINCE_H_
#define FISCAL_TESTS_BENCH_PROVINCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::bench {

// In which order a turn's agencies report: one county after the other; four cities' worth of them
// at once, each its counties in order; or as it happens, all over the province.
enum class Arrival { kByCounty, kByStreams, kRandom };

class Province {
 public:
  static constexpr int kYear = 2024;
  static constexpr int kAgencies = 20000;
  // Every year can hold each agency's budget in this many stages without amending one.
  static constexpr int kStages = 7;
  // That are sent at once.
  static constexpr int kStreams = 4;

  struct Agency {
    std::string division, code, department;
  };

  // Reads domain/data under `source_dir`. Exits when it can't.
  explicit Province(const std::string& source_dir);

  // The whole catalog of a year, as requests.
  std::vector<catalog::v1::ImportCatalogRequest> Catalog(int year) const;

  const std::vector<Agency>& agencies() const { return agencies_; }
  // The budget that comes nth in that order: one of the same turn as n.
  uint64_t Nth(uint64_t n, Arrival arrival) const;
  // Lines of the nth budget: 5 to 200, most of them below 100; 61 on average.
  static int LinesOf(uint64_t n);
  // The nth budget: each agency's in turn, then the next stage, then the next year; of `lines`
  // lines, about 68 bytes each. `salt` varies amounts.
  void Fill(uint64_t n, int lines, uint64_t salt, submission::v1::SubmitBudgetRequest* out) const;

 private:
  std::vector<catalog::v1::CatalogEntry> divisions_, functional_, dept_, gov_;
  std::vector<Agency> agencies_;
  std::vector<uint32_t> shuffled_;  // numbers of agencies
  // Codes that lines use: functional 项, economic 款 by 类.
  std::vector<std::string> items_;
  std::vector<std::string> personnel_, goods_, other_;
  std::vector<std::string> gov_personnel_, gov_goods_, gov_other_;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_PROVINCE_H_
