# Where this is known to work; elsewhere configuring stops, and no user's crash says it later.

function(mxd_refuse platform)
  message(FATAL_ERROR
    "matrix-devices builds on Linux with glibc 2.36 or later: Debian 12, Ubuntu 24.04, Fedora 37 "
    "and what came after them. This is ${platform}. On macOS, on Windows and with musl "
    "(Alpine) it has not been tried and is not built: build it in a container or a virtual machine "
    "with one of these.")
endfunction()

# Before project(): what it runs on, unless it is for something else.
if(NOT CMAKE_SYSTEM_NAME AND NOT CMAKE_TOOLCHAIN_FILE AND NOT CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux")
  mxd_refuse(${CMAKE_HOST_SYSTEM_NAME})
endif()

# After project()
macro(mxd_check_platform)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    mxd_refuse(${CMAKE_SYSTEM_NAME})
  endif()
  include(CheckCSourceCompiles)
  check_c_source_compiles("
    #include <features.h>
    #if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 36)
    #error another C library
    #endif
    int main(void) { return 0; }" MXD_GLIBC_2_36)
  if(NOT MXD_GLIBC_2_36)
    mxd_refuse("Linux with another C library, or with an older one")
  endif()
endmacro()
