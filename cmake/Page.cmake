# obscura_page(TARGET FOLDER): puts the files below FOLDER, the web page as it was built, into TARGET, with the table that
# src/server/page.h declares. An empty or missing folder gives an empty table.
function(obscura_page target folder)
  file(GLOB_RECURSE names RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*)
  list(SORT names)
  set(declarations "")
  set(rows "")
  set(number 0)
  foreach(name ${names})
    set(symbol obscura_page_${number})
    math(EXPR number "${number} + 1")
    obscura_embed(${target} ${symbol} ${folder}/${name})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${name})
    file(SHA256 ${folder}/${name} digest)
    string(SUBSTRING ${digest} 0 32 digest)
    string(APPEND declarations "extern const char ${symbol}_begin[], ${symbol}_end[];\n")
    string(APPEND rows "    {\"/${name}\", \"${digest}\", {${symbol}_begin, ${symbol}_end}},\n")
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[
#include "server/page.h"

extern "C" {
@declarations@}

namespace obscura::server {

std::vector<PageFile> page_files() {
  return {
@rows@  };
}

}  // namespace obscura::server
]])
  target_sources(${target} PRIVATE ${output})
endfunction()
