// The whole service: a store, a queue, a transport, and the routes between them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "server/jobs/job_runner.h"
#include "server/net/tls.h"
#include "server/studio/access.h"

namespace obscura::server {

struct ServiceOptions {
  AccessOptions access;           // its `tls` is whether there is a `tls` here
  std::optional<TlsContext> tls;  // none: in the clear
  // Holds obscura.db, and the folders input, output, temp, user, results and projects; made where
  // they are missing.
  std::filesystem::path data;
};

class Handler;

class Service {
 public:
  // Listening when it returns; `studio` and `runner` are borrowed. Errors as those of Access,
  // JobStore and Transport.
  static Result<std::unique_ptr<Service>> open(const ServiceOptions& options, Studio& studio,
                                               JobRunner& runner);
  ~Service();

  std::uint16_t port() const;
  // What answers, as the transport calls it; for who has requests and no connection.
  Handler& handler();
  // Answers and runs jobs until stop(). Call once.
  void run();
  // From any thread. A job that is running stays in the store, to run again at the next start.
  void stop();

 private:
  struct Implementation;
  explicit Service(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace obscura::server
