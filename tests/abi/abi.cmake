# What the scripts of the ABI gate share; they set ABIDW and ABIDIFF.

# abi_xml(LIBRARY HEADERS OUT): what LIBRARY exports, as far as HEADERS define it, as XML.
function(abi_xml library headers out)
  execute_process(
    COMMAND ${ABIDW} --headers-dir ${headers} --drop-private-types --exported-interfaces-only
            --no-show-locs --type-id-style hash --no-corpus-path --no-comp-dir-path
            --out-file ${out} ${library}
    COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${out} xml)
  if(NOT xml MATCHES "mxd_module")
    message(FATAL_ERROR "${library}: expected types in its debug information, got none; "
      "without them only names would be compared")
  endif()
  # Where the source lay and which libraries it needs is not part of the contract.
  string(REGEX REPLACE "  <elf-needed>.*</elf-needed>\n" "" xml "${xml}")
  string(REGEX REPLACE " path='[^']*/([^'/]*)'" " path='\\1'" xml "${xml}")
  file(WRITE ${out} "${xml}")
endfunction()

# abi_compare(OLD NEW RESULT REPORT): RESULT is 0 where both are the same, else abidiff's bits.
# Nothing is suppressed: in abigail 2.2 a suppression of growth at a struct's end hides every other
# change of that struct too.
function(abi_compare old new result report)
  execute_process(COMMAND ${ABIDIFF} --no-added-syms ${old} ${new}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(${result} ${code} PARENT_SCOPE)
  set(${report} "${text}" PARENT_SCOPE)
endfunction()
