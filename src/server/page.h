// The web page: files built beforehand, inside the program, and served from there. A file "x.js.gz"
// is "x.js", packed beforehand as well.
#pragma once

#include <string_view>
#include <vector>

#include "server/net/router.h"

namespace obscura::server {

struct PageFile {
  std::string_view path;    // "/index.html"
  std::string_view digest;  // changes with the content
  std::string_view content;
};

// Empty if the program was built without the page. Defined by the build (cmake/Page.cmake).
std::vector<PageFile> page_files();

// GET of each file, and of "/" for index.html. They hold nothing of anybody's, so they are given
// to whoever asks: the page is what asks for the token.
void add_page_routes(Router& router, const std::vector<PageFile>& files, std::string_view version);

}  // namespace obscura::server
