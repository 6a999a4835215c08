#include "services/ops/http_listener.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fiscal::services {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

// A method or path as the library has it.
template <typename Text>
std::string ToString(const Text& text) {
  return std::string(text.data(), text.size());
}

// One connection: reads a request, answers, reads the next one until the caller leaves or is
// silent.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // The open ones, the one that was heard longest ago first.
  using Open = std::list<Session*>;

  Session(tcp::socket socket, const HttpListener::Options& options,
          const HttpListener::Handler& handler, Open& open)
      : stream_(std::move(socket)),
        options_(options),
        handler_(handler),
        open_(open),
        place_(open.insert(open.end(), this)) {}
  ~Session() { open_.erase(place_); }

  // What waits on it ends with an error, and it with that.
  void Close() { stream_.close(); }

  void Read() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(options_.header_bytes_max));
    parser_->body_limit(options_.body_bytes_max);
    Expire();
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Respond();
                     });
  }

 private:
  void Respond() {
    open_.splice(open_.end(), open_, place_);
    http::request<http::string_body>& request = parser_->get();
    const beast::string_view target = request.target();
    const size_t mark = std::min(target.find('?'), target.size());
    HttpListener::Answer answer = handler_(
        {ToString(request.method_string()), ToString(target.substr(0, mark)),
         ToString(target.substr(std::min(mark + 1, target.size()))), std::move(request.body())});
    response_ = {};
    response_.version(request.version());
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, answer.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : answer.headers) response_.set(name, value);
    response_.keep_alive(request.keep_alive());
    response_.body() = std::move(answer.body);
    response_.prepare_payload();
    // A HEAD has the length of what GET would bring, and nothing of it.
    if (request.method() == http::verb::head) response_.body().clear();
    Expire();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (error) return;
                        if (self->response_.keep_alive()) return self->Read();
                        beast::error_code ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                      });
  }

  void Expire() { stream_.expires_after(absl::ToChronoNanoseconds(options_.silence_max)); }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{16 << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  const HttpListener::Options& options_;
  const HttpListener::Handler& handler_;
  Open& open_;
  const Open::iterator place_;
};

class Listener final : public HttpListener {
 public:
  Listener(Options options, Handler handler) : options_(options), handler_(std::move(handler)) {}
  ~Listener() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(const std::string& listen) {
    const size_t colon = listen.rfind(':');
    std::string host = listen.substr(0, colon == std::string::npos ? 0 : colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    beast::error_code error;
    tcp::resolver resolver(context_);
    const auto found = resolver.resolve(host, listen.substr(colon + 1), error);
    if (error || found.empty())
      return absl::InvalidArgumentError(absl::StrCat(listen, ": ", error.message()));
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    // A restart finds connections of the process before in their last state.
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(static_cast<int>(options_.connections_max), error);
    if (error)
      return absl::FailedPreconditionError(
          absl::StrCat("can't listen on ", listen, ": ", error.message()));
    port_ = acceptor_.local_endpoint().port();
    Accept();
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) {
        // Above the bound the connection that was silent longest makes room; a probe asks at once.
        if (open_.size() >= options_.connections_max) open_.front()->Close();
        std::make_shared<Session>(std::move(socket), options_, handler_, open_)->Read();
        return Accept();
      }
      // Without files left, the next caller may find one.
      retry_.expires_after(std::chrono::milliseconds(200));
      retry_.async_wait([this](beast::error_code cancelled) {
        if (!cancelled) Accept();
      });
    });
  }

  const Options options_;
  const Handler handler_;
  int port_ = 0;
  // Before the context, whose sessions take themselves out.
  Session::Open open_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer retry_{context_};
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(const std::string& listen,
                                                                  Options options,
                                                                  Handler handler) {
  auto listener = std::make_unique<Listener>(options, std::move(handler));
  const absl::Status listening = listener->Listen(listen);
  if (!listening.ok()) return listening;
  return std::unique_ptr<HttpListener>(std::move(listener));
}

}  // namespace fiscal::services
