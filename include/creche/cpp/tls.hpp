// creche/cpp/tls.hpp: settings of TLS, and who one is for servers that ask.
#ifndef CRECHE_CPP_TLS_HPP
#define CRECHE_CPP_TLS_HPP

#include <span>
#include <string>

#include "handle.hpp"
#include "options.hpp"

namespace creche {

/// Options of TLS: creche_tls_options. Texts are the caller's, until the settings are made.
struct tls_options {
  ctext ca_file = {};    ///< trusted, in place of the system's authorities
  ctext ca_pem = {};     ///< the same as text
  ctext cert_file = {};  ///< who the client is: a certificate with its chain, and its key
  ctext key_file = {};   ///< empty: it is in cert_file
  ctext key_password = {};
  ctext server_name = {};                  ///< in place of the URL's host
  std::span<const char* const> pins = {};  ///< the server's must be one of these
  uint32_t min_version = 0;                ///< CRECHE_TLS_1_2, CRECHE_TLS_1_3
  uint32_t flags = 0;                      ///< CRECHE_TLS_*
  /// Whatever else: these are the options then, and what is said above is put into a copy of them.
  const creche_tls_options* more = nullptr;
};

/// Settings that do not change, for session_options.tls and request_options.tls. Moves only;
/// sessions keep what they use. Making them reads files, and blocks for that.
class tls {
 public:
  explicit tls(const tls_options& options = {}) {
    auto c = options.more != nullptr
                 ? *options.more
                 : detail::defaults<creche_tls_options, creche_tls_options_init>();
    if (!options.pins.empty()) {
      c.pins = options.pins.data();
      c.pins_count = options.pins.size();
    }
    c.flags |= options.flags;
    if (options.ca_file) c.ca_file = options.ca_file.c_str();
    if (options.ca_pem) {
      c.ca_data = options.ca_pem.c_str();
      c.ca_size = std::char_traits<char>::length(options.ca_pem.c_str());
    }
    if (options.cert_file) c.cert_file = options.cert_file.c_str();
    if (options.key_file) c.key_file = options.key_file.c_str();
    if (options.key_password) c.key_password = options.key_password.c_str();
    if (options.server_name) c.server_name = options.server_name.c_str();
    if (options.min_version != 0) c.min_version = options.min_version;
    creche_tls raw;
    detail::check(creche_tls_open(&c, &raw));
    raw_.reset(raw);
  }
  creche_tls get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_tls, creche_tls_release> raw_;
};

}  // namespace creche
#endif
