# LIBRARY exports exactly the names in EXPECTED, one a line.
execute_process(COMMAND ${NM} -D --defined-only --format=posix ${LIBRARY}
  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE " [^\n]*" "" names "${symbols}")
string(REGEX REPLACE "@[^\n]*" "" names "${names}")
file(READ ${EXPECTED} expected)
if(NOT names STREQUAL expected)
  message(FATAL_ERROR "${LIBRARY} exports other names than ${EXPECTED}\n"
    "expected:\n${expected}got:\n${names}"
    "module/exports.map says what is exported.")
endif()
