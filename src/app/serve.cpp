// `obscura serve`: the service, with the engine behind it.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/engine.h"
#include "app/engine_studio.h"
#include "app/render_job.h"
#include "library/output_folder.h"
#include "server/net/self_signed.h"
#include "server/service.h"
#include "server/studio/access.h"

namespace obscura::app {
namespace {

namespace fs = std::filesystem;

struct ServeOptions {
  EngineFlags engine;
  std::string listen = "127.0.0.1:8188";
  std::string data;
  std::string token;
  server::CertificateFiles certificate;  // empty: none given
  bool self_signed = false, insecure = false;
};

// $XDG_DATA_HOME/obscura, beside the models.
Result<fs::path> default_data_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0')
    return fs::path(data) / "obscura";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".local/share/obscura";
  return Error(ErrorKind::kInvalidInput, "wanted --data DIR: there is no $HOME to keep it in");
}

// Ctrl-C and SIGTERM, waited for in place of handled: blocked here and in every thread made later.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

Status serve(const ServeOptions& options) {
  const sigset_t signals = block_stop_signals();
  // Images carry their prompts: what the service keeps is for nobody else on this machine.
  ::umask(077);
  server::ServiceOptions service_options;
  auto listen = server::parse_listen_address(options.listen);
  if (!listen.ok()) return listen.error().in("--listen");
  const bool certificate_given = !options.certificate.certificate.empty();
  service_options.access = {.listen = *listen,
                            .token = options.token,
                            .tls = certificate_given || options.self_signed,
                            .insecure = options.insecure};
  // Refused before anything is made.
  OBSCURA_TRY(server::Access::create(service_options.access));
  if (options.data.empty()) {
    OBSCURA_ASSIGN(service_options.data, default_data_folder());
  } else {
    service_options.data = options.data;
  }
  if (certificate_given) {
    OBSCURA_ASSIGN(service_options.tls, server::TlsContext::load(options.certificate));
  } else if (options.self_signed) {
    OBSCURA_ASSIGN(service_options.tls,
                   server::self_signed_certificate(service_options.data / "tls"));
  }
  OBSCURA_ASSIGN(EngineOptions engine_options,
                 options.engine.options(service_options.data / "input"));
  engine_options.output = service_options.data / "output";
  engine_options.temporary = service_options.data / "temp";
  library::OutputFolder folder(
      {.root = engine_options.output, .temporary = engine_options.temporary});
  OBSCURA_ASSIGN(std::unique_ptr<Engine> engine, Engine::open(engine_options, folder));
  EngineStudio studio(*engine, engine_options, service_options.data);
  OBSCURA_ASSIGN(auto service, server::Service::open(service_options, studio, studio));

  const bool v6 = listen->address.find(':') != std::string::npos;
  fmt::print("Obscura listens at http{}://{}{}{}:{}\n", service_options.tls ? "s" : "",
             v6 ? "[" : "", listen->address, v6 ? "]" : "", service->port());
  if (service_options.tls)
    fmt::print("SHA-256 of its certificate: {}\n", service_options.tls->fingerprint());
  std::fflush(stdout);
  std::thread thread([&] { service->run(); });
  int signal = 0;
  sigwait(&signals, &signal);
  // A second one ends the program at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  fmt::print(stderr, "stopping; a job that runs will run again at the next start\n");
  service->stop();
  thread.join();
  return {};
}

const RegisterCommand kServe(15, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand(
      "serve",
      "Open the studio: its page, its API, ComfyUI's and AUTOMATIC1111's, over one queue of jobs");
  command->add_option("--listen", options->listen, "ADDRESS:PORT; port 0 takes any free one")
      ->capture_default_str();
  command->add_option("--data", options->data,
                      "Folder of the queue and of the images (input, output, temp, user); a "
                      "ComfyUI folder will do. Without it: ~/.local/share/obscura");
  command
      ->add_option("--token", options->token,
                   "What clients must send as `Authorization: Bearer TOKEN` or `?token=TOKEN`; "
                   "needed to listen beyond this machine")
      ->envname("OBSCURA_TOKEN");
  auto* certificate = command->add_option("--tls-cert", options->certificate.certificate,
                                          "Speak TLS only, with this certificate: PEM, followed by "
                                          "those that vouch for it");
  auto* key = command->add_option("--tls-key", options->certificate.key,
                                  "The certificate's key: PEM, without a password");
  certificate->needs(key);
  key->needs(certificate);
  command
      ->add_flag("--tls-self-signed", options->self_signed,
                 "Speak TLS only, with a certificate made at the first start and kept in the data "
                 "folder; browsers ask once whether to trust it")
      ->excludes(certificate)
      ->excludes(key);
  command->add_flag("--insecure", options->insecure,
                    "Listen beyond this machine without TLS: in a network that you trust, or "
                    "behind a proxy that speaks it");
  options->engine.declare(*command);
  options->engine.declare_preview_method(*command);
  command->remove_option(command->get_option("--input"));
  command->footer(
      "Examples:\n"
      "  obscura serve\n"
      "  obscura serve --data ~/ComfyUI --models ~/ComfyUI --budget 8GiB\n"
      "  OBSCURA_TOKEN=… obscura serve --listen 0.0.0.0:8188 --tls-self-signed");
  command->callback([options, &action] { action = [options] { return serve(*options); }; });
});

}  // namespace
}  // namespace obscura::app
