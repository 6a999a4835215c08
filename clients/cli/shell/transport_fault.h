// What gRPC itself answers, without Fiscal's details: the call never got to a service, or its
// answer never got here. docs/errors.md has these reasons apart from those of the services.
#ifndef FISCAL_CLIENTS_CLI_SHELL_TRANSPORT_FAULT_H_
#define FISCAL_CLIENTS_CLI_SHELL_TRANSPORT_FAULT_H_

#include <string>

#include "grpcpp/support/status.h"

namespace fiscal::cli {

struct TransportFault {
  // Empty for what is not known.
  std::string reason;
  // What to do, after the message; and the whole in Chinese.
  std::string next;
  std::string message_zh;
};

// REQUIRES: the status has no details, in which a service says why itself.
TransportFault TransportFaultOf(const grpc::Status& status);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_TRANSPORT_FAULT_H_
