# obscura_layer(NAME [DEPENDS layer…] [LIBRARIES target…] [EXCLUDE path…])
# Declares src/NAME as a layer. Every source below the folder belongs to it, except folders that are layers of their own in
# tools/layers.txt, and under EXCLUDE sources that only some programs link. Objects, not archives: an op kernel or a node
# registers itself from a static object, which an archive would drop.
function(obscura_layer name)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;LIBRARIES;EXCLUDE" ${ARGN})
  string(REPLACE "/" "_" target ${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp ${CMAKE_SOURCE_DIR}/src/${name}/*.cu)
  obscura_layers_within(${name} within)
  foreach(path ${within} ${LAYER_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "/src/${name}/${path}")
  endforeach()
  obscura_join(sources obscura_${target} ${CMAKE_SOURCE_DIR}/src)
  if(NOT sources)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/empty_${target}.cpp CONTENT "")
    set(sources ${CMAKE_BINARY_DIR}/empty_${target}.cpp)
  endif()
  add_library(obscura_${target} OBJECT ${sources})
  obscura_check_layer(${name} obscura_${target})
  target_link_libraries(obscura_${target} PUBLIC obscura_flags ${LAYER_LIBRARIES})
  foreach(dependency ${LAYER_DEPENDS})
    string(REPLACE "/" "_" dependency ${dependency})
    target_link_libraries(obscura_${target} PUBLIC obscura_${dependency})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY OBSCURA_LAYERS obscura_${target})
endfunction()

# obscura_layers_within(NAME FOLDERS): sets FOLDERS to those below src/NAME that are layers, each with a slash behind it.
function(obscura_layers_within name folders)
  set(table ${CMAKE_SOURCE_DIR}/tools/layers.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
  file(STRINGS ${table} found REGEX "^${name}/[^:]+:")
  list(TRANSFORM found REPLACE "^${name}/([^:]+):.*" "\\1/")
  set(${folders} ${found} PARENT_SCOPE)
endfunction()

# obscura_check_layer(NAME TARGET)
# Looks through the layer's includes before anything of it is compiled, whenever one of its files has changed.
function(obscura_check_layer name target)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.h ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp
       ${CMAKE_SOURCE_DIR}/src/${name}/*.cu)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${target}.layer)
  set(check ${CMAKE_SOURCE_DIR}/tools/check_layers)
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${check} --root ${CMAKE_SOURCE_DIR} --layer ${name}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${sources} ${check} ${CMAKE_SOURCE_DIR}/tools/layers.txt
            ${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt
    COMMENT "Checking the includes of ${name}"
    VERBATIM)
  target_sources(${target} PRIVATE ${stamp})
endfunction()

# obscura_link_layers(TARGET layer…)
# Links the objects of each layer, and of all that those depend on. (CMake does not pass objects on transitively.)
function(obscura_link_layers target)
  set(open ${ARGN})
  set(closed "")
  while(open)
    list(POP_FRONT open layer)
    string(REPLACE "/" "_" layer ${layer})
    if(layer IN_LIST closed)
      continue()
    endif()
    list(APPEND closed ${layer})
    target_link_libraries(${target} PRIVATE obscura_${layer})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:obscura_${layer}>)
    get_target_property(links obscura_${layer} LINK_LIBRARIES)
    foreach(link ${links})
      if(link MATCHES "^obscura_" AND NOT link STREQUAL "obscura_flags")
        string(REPLACE "obscura_" "" link ${link})
        list(APPEND open ${link})
      endif()
    endforeach()
  endwhile()
endfunction()
