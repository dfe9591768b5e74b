# obscura_embed(TARGET SYMBOL FILE)
# Puts FILE's bytes into TARGET's read-only data, page-aligned, between SYMBOL_begin and SYMBOL_end: the program's own file
# is then mapped by the system like any other model file, with nothing to read or unpack at start.
function(obscura_embed target symbol file)
  set(assembly ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(CONFIGURE OUTPUT ${assembly} @ONLY CONTENT [[
    .section .rodata
    .balign 4096
    .global @symbol@_begin
    .global @symbol@_end
@symbol@_begin:
    .incbin "@file@"
@symbol@_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
]])
  set_source_files_properties(${assembly} PROPERTIES OBJECT_DEPENDS ${file} LANGUAGE ASM)
  target_sources(${target} PRIVATE ${assembly})
endfunction()
