#include "clients/cli/shell/transport_fault.h"

#include "absl/strings/match.h"

namespace fiscal::cli {
namespace {

// gRPC 1.51's own words, since it has one code for all of these.
TransportFault Unreachable(const std::string& said) {
  if (absl::StrContains(said, "wrong version number")) {
    return {"TLS_FAILED", "the server speaks no TLS there: leave --tls-ca out, or ask another port",
            "服务器在该端口未启用 TLS"};
  }
  if (absl::StrContains(said, "certificate verify failed")) {
    return {"TLS_FAILED",
            "the server's certificate is of none of the authorities in --tls-ca, or has expired",
            "服务器证书不是 --tls-ca 中的机构签发的，或已过期"};
  }
  if (absl::StrContains(said, "Hostname Verification")) {
    return {"TLS_FAILED",
            "the server's certificate does not name the host of --server: use a name that it has",
            "服务器证书中没有 --server 所写的主机名"};
  }
  if (absl::StrContains(said, "handshake failed") ||
      absl::StrContains(said, "verification check failed")) {
    return {"TLS_FAILED", "look at --tls-ca, --tls-certificate and --tls-key", "TLS 握手失败"};
  }
  if (absl::StrContains(said, "HTTP/2") || absl::StrContains(said, "http1.x")) {
    return {"NOT_A_GRPC_SERVER", "what answers there is no Fiscal server: look at --server",
            "该地址上不是 Fiscal 服务"};
  }
  if (absl::StrContains(said, "failed to connect") && absl::StrContains(said, "Socket closed")) {
    return {"CONNECTION_CLOSED",
            "the server closed the connection at once: it may ask for TLS (--tls-ca), or not take "
            "the certificate shown (--tls-certificate)",
            "服务器立即关闭了连接：可能要求 TLS，或不接受所出示的证书"};
  }
  return {"SERVER_UNREACHABLE", "is it running, and is --server (or FISCAL_SERVER) its address?",
          "无法连接服务器，请检查 --server 或环境变量 FISCAL_SERVER"};
}

}  // namespace

TransportFault TransportFaultOf(const grpc::Status& status) {
  const std::string& said = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return Unreachable(said);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {"DEADLINE_EXCEEDED",
              "--timeout gives it more time; a write may have been applied: send it again with the "
              "same request_id",
              "调用超时；写入可能已生效，请用同一请求编号重试"};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {"METHOD_NOT_SERVED",
              "this process does not have the method: ask one of another role (submission, "
              "aggregation), or a newer server",
              "该进程不提供此方法"};
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      // This program takes four times of what a server does.
      if (absl::StrContains(said, "larger than max") && absl::StrContains(said, "vs. 67108864")) {
        return {"ANSWER_TOO_LARGE", "ask for less at once", "返回的数据过大，请缩小查询范围"};
      }
      if (absl::StrContains(said, "larger than max")) {
        return {"MESSAGE_TOO_LARGE",
                "a request has at most 16 MB; only a budget may be larger, and is sent in parts",
                "请求超过 16 MB"};
      }
      return {};
    default:
      return {};
  }
}

}  // namespace fiscal::cli
