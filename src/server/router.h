// Finds who answers a request, by method and path.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"

namespace obscura::server {

// The decoded texts that stood for the {} of a pattern.
using Captures = std::vector<std::string>;
using Route = std::function<Response(const Request&, const Captures&)>;

// Fill it first; answering is safe from any thread that the routes are safe from.
class Router {
 public:
  // "/models/{}" takes any one component of the path, which may hold an encoded slash.
  void add(std::string method, std::string_view pattern, Route route);

  // 404 if no pattern fits, 405 if only the method does not. HEAD is answered as GET. A leading
  // "/api" is ignored.
  Response answer(const Request& request) const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> pattern;
    Route route;
  };
  std::vector<Entry> entries_;
};

}  // namespace obscura::server
