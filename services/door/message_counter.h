// Tells the door what calls take of their connections. It refuses nothing and changes nothing.
#ifndef FISCAL_SERVICES_DOOR_MESSAGE_COUNTER_H_
#define FISCAL_SERVICES_DOOR_MESSAGE_COUNTER_H_

#include <memory>

#include "grpcpp/support/server_interceptor.h"
#include "services/door/door.h"

namespace fiscal::services {

// For ServerBuilder. REQUIRES: `door` outlives the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeMessageCounter(
    Door& door);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DOOR_MESSAGE_COUNTER_H_
