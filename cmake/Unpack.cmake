# obscura_unpack(PACKED SHA256 OUTPUT): a build step that unpacks an .xz file and refuses it if its bytes are not the ones
# that were committed. An empty SHA256 leaves that to xz's own checksum.
function(obscura_unpack packed sha256 output)
  find_program(XZ xz REQUIRED)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DXZ=${XZ} -DPACKED=${packed} -DSHA256=${sha256} -DOUTPUT=${output}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${packed}
    COMMENT "Unpacking ${packed}"
    VERBATIM)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  # Under a passing name until the check is done, so that a build that was cut short leaves nothing that looks whole.
  execute_process(COMMAND ${XZ} -dc ${PACKED} OUTPUT_FILE ${OUTPUT}.part RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PACKED}: xz cannot unpack it (status ${status})")
  endif()
  file(SHA256 ${OUTPUT}.part found)
  if(SHA256 AND NOT found STREQUAL SHA256)
    message(FATAL_ERROR "${PACKED}: wants SHA-256 ${SHA256}, found ${found}")
  endif()
  file(RENAME ${OUTPUT}.part ${OUTPUT})
endif()
