# BASELINE from LIBRARY.
include(${CMAKE_CURRENT_LIST_DIR}/abi.cmake)
abi_xml(${LIBRARY} ${HEADERS_DIR} ${BASELINE})
message(STATUS "wrote ${BASELINE}")
