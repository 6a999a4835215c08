// Place of an event in a log.
#ifndef FISCAL_DOMAIN_POSITION_H_
#define FISCAL_DOMAIN_POSITION_H_

#include <cstdint>

namespace fiscal::domain {

// The first event's is 1; 0 is before all.
using Position = uint64_t;

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_POSITION_H_
