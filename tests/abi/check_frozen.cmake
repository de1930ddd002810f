# FROZEN_DIR holds a copy of HEADER for the minor that HEADER states. The copies of minors that
# were released never change again; that of the one being worked on follows the header.
file(STRINGS ${HEADER} line REGEX "^#define MXD_ABI_MINOR ")
if(NOT line MATCHES "MXD_ABI_MINOR +([0-9]+)")
  message(FATAL_ERROR "${HEADER}: expected '#define MXD_ABI_MINOR <number>', got '${line}'")
endif()
set(minor ${CMAKE_MATCH_1})
set(copy ${FROZEN_DIR}/module_v1_${minor}.h)
set(how "If version 1.${minor} is not released yet, say: cp ${HEADER} ${copy}\n"
  "If it is, the change needs a new minor: raise MXD_ABI_MINOR first.")
if(NOT EXISTS ${copy})
  message(FATAL_ERROR "expected a frozen copy of the header of 1.${minor} at ${copy}, got none.\n"
    ${how})
endif()
file(SHA256 ${HEADER} got)
file(SHA256 ${copy} expected)
if(NOT got STREQUAL expected)
  execute_process(COMMAND diff -u ${copy} ${HEADER} OUTPUT_VARIABLE difference)
  message(FATAL_ERROR "expected ${HEADER} to be ${copy} byte for byte, got:\n${difference}\n" ${how})
endif()
