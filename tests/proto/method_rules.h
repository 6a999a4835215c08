// What the option of a method must say (proto/fiscal/method/v1/method.proto), as rules.
#ifndef FISCAL_TESTS_PROTO_METHOD_RULES_H_
#define FISCAL_TESTS_PROTO_METHOD_RULES_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace fiscal::testing {

// What is wrong with the option of `method`, a sentence each; none when it is good.
std::vector<std::string> MethodOffences(const google::protobuf::MethodDescriptor& method);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_PROTO_METHOD_RULES_H_
