# obscura_revision(TARGET): adds the source of src/app/version.h's functions to TARGET, with the version and the git commit
# looked up before each build.
function(obscura_revision target)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/revision/version.cpp)
  add_custom_target(obscura_write_revision
    COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION} -DOUTPUT=${output}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    BYPRODUCTS ${output}
    COMMENT "Looking up the revision"
    VERBATIM)
  add_dependencies(${target} obscura_write_revision)
  set_source_files_properties(${output} PROPERTIES GENERATED TRUE)
  target_sources(${target} PRIVATE ${output})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  cmake_minimum_required(VERSION 3.25)
  execute_process(COMMAND git -C ${ROOT} describe --always --dirty --abbrev=12 --exclude=*
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    set(revision unknown)
  endif()
  # Written only when it changes, so that a build without changes compiles nothing.
  file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "app/version.h"

namespace obscura::app {

std::string_view version() {
  return "@VERSION@";
}

std::string_view revision() {
  return "@revision@";
}

}  // namespace obscura::app
]])
endif()
