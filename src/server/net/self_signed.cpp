#include "server/net/self_signed.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/files.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;

constexpr int kDays = 825;  // the longest that browsers of Apple take
constexpr int kRenewalDays = 30;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && *name != '\0' ? name : "localhost";
}

// As a certificate lists them: "DNS:studio,IP:192.168.1.5".
std::string own_names() {
  std::string names = "DNS:localhost";
  const std::string host = host_name();
  const bool plain = std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.';
  });
  if (plain && host != "localhost") names += fmt::format(",DNS:{0},DNS:{0}.local", host);
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return names + ",IP:127.0.0.1";
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[NI_MAXHOST];
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (::getnameinfo(each->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    const std::string address(text);
    // Addresses of a link are none without the name of the link.
    if (address.find('%') == std::string::npos) names += ",IP:" + address;
  }
  return names;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  OBSCURA_CHECK(extension != nullptr, "OpenSSL does not take this extension of a certificate");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new(), X509_free);
  OBSCURA_CHECK(certificate != nullptr, "OpenSSL gives no certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::int64_t number = 0;
  OBSCURA_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1,
                "OpenSSL gives no random bytes");
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), number & INT64_MAX);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);  // clocks differ
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), kDays, 0, nullptr);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string title = "Obscura on " + host_name().substr(0, 48);  // at most 64 characters
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(title.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  // It vouches for itself and for nothing else.
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), NID_subject_alt_name, own_names());
  OBSCURA_CHECK(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "OpenSSL does not sign");
  return certificate;
}

template <class Write>
std::string pem(const Write& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  OBSCURA_CHECK(memory != nullptr && write(memory.get()) == 1, "OpenSSL does not write PEM");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace

Result<TlsContext> self_signed_certificate(const fs::path& folder) {
  const CertificateFiles files{folder / "certificate.pem", folder / "key.pem"};
  if (auto kept = TlsContext::load(files); kept.ok() && kept->holds_for(kRenewalDays)) return kept;
  // The folder is closed to others before the key is in it.
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) {
    return Error(ErrorKind::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  }
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  OBSCURA_CHECK(key != nullptr, "OpenSSL makes no key");
  const Certificate certificate = make_certificate(key.get());
  OBSCURA_TRY(write_file_atomically(files.key, pem([&](BIO* out) {
                                      return PEM_write_bio_PrivateKey(out, key.get(), nullptr,
                                                                      nullptr, 0, nullptr, nullptr);
                                    })));
  fs::permissions(files.key, fs::perms::owner_read | fs::perms::owner_write, error);
  OBSCURA_TRY(write_file_atomically(files.certificate, pem([&](BIO* out) {
                                      return PEM_write_bio_X509(out, certificate.get());
                                    })));
  return TlsContext::load(files);
}

}  // namespace obscura::server
