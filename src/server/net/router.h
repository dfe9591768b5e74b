// Finds who answers a request, by method and path, and who may ask.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/http.h"

namespace obscura::server {

// The decoded texts that stood for the {} of a pattern.
using Captures = std::vector<std::string>;
using Route = std::function<Response(const Request&, const Captures&)>;
// Looks at a request before its body is read, and may give it a file for the body. A response
// refuses it.
using Preparation = std::function<std::optional<Response>(Request&, const Captures&)>;

// Fill it first; answering is safe from any thread that the routes are safe from.
class Router {
 public:
  // "/models/{}" takes any one component of the path, which may hold an encoded slash. Without a
  // role: a viewer may GET, an artist may do the rest.
  void add(std::string method, std::string_view pattern, Route route,
           std::optional<Role> least = std::nullopt);
  // The same for a body that is too large for memory.
  void add_upload(std::string method, std::string_view pattern, Preparation prepare, Route route);

  // 404 if no pattern fits, 405 if only the method does not, 401 or 403 if the caller may not. HEAD
  // is answered as GET. A leading "/api" is ignored.
  Response answer(const Request& request) const;
  // What answer() would refuse, before there is a body; then what the route's preparation does.
  std::optional<Response> refuse(Request& header) const;

  struct Listed {
    std::string method, pattern;
    Role least;
  };
  std::vector<Listed> routes() const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> pattern;
    Route route;
    Role least;
    Preparation prepare;  // may be null
  };
  // The entry, or the refusal.
  const Entry* find(const Request& request, Captures& captures, Response& refusal) const;
  std::vector<Entry> entries_;
};

}  // namespace obscura::server
