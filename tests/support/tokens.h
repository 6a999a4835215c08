// Keys of tokens that lie nowhere.
#ifndef FISCAL_TESTS_SUPPORT_TOKENS_H_
#define FISCAL_TESTS_SUPPORT_TOKENS_H_

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "services/rpc/token_sealer.h"

namespace fiscal::testing {

// REQUIRES: `clock` outlives the result.
inline std::unique_ptr<services::rpc::TokenSealer> NewTokens(Clock& clock) {
  char dir[] = "/tmp/fiscal-tokens-XXXXXX";
  auto tokens = *services::rpc::TokenSealer::Keep(mkdtemp(dir), clock);
  std::filesystem::remove_all(dir);
  return tokens;
}

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_TOKENS_H_
