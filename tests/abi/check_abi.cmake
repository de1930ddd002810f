# LIBRARY exports what BASELINE says, down to the last type.
include(${CMAKE_CURRENT_LIST_DIR}/abi.cmake)
if(NOT EXISTS ${BASELINE})
  message(FATAL_ERROR "expected a baseline at ${BASELINE}, got none. Write it with\n"
    "cmake --build <build directory> --target abi_baseline")
endif()
file(MAKE_DIRECTORY ${WORK_DIR})
abi_xml(${LIBRARY} ${HEADERS_DIR} ${WORK_DIR}/new.abi.xml)
abi_compare(${BASELINE} ${WORK_DIR}/new.abi.xml code report)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "expected the ABI of ${BASELINE}, got:\n${report}\n"
    "A struct that grew needs a new minor, and a baseline of it: "
    "cmake --build <build directory> --target abi_baseline")
endif()
