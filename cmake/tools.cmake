# Before project(), which needs them, and stops at the first that is missing: CMake itself, the
# generator's program, a compiler, pkg-config. Without one of these libraries can't be found as they
# are later; they are looked for by a header instead (mxd_by_header), so that the list is whole.
set(mxd_purpose "everything")

if(CMAKE_VERSION VERSION_LESS 3.25)
  mxd_miss("CMake 3.25 or later (this is ${CMAKE_VERSION})" "${mxd_purpose}" cmake)
endif()

if(NOT CMAKE_MAKE_PROGRAM)
  if(CMAKE_GENERATOR MATCHES "^Ninja")
    find_program(MXD_NINJA NAMES ninja ninja-build samu)
    if(NOT MXD_NINJA)
      mxd_miss(Ninja "${mxd_purpose}" ninja-build)
    endif()
  elseif(CMAKE_GENERATOR STREQUAL "Unix Makefiles")
    find_program(MXD_MAKE NAMES gmake make)
    if(NOT MXD_MAKE)
      mxd_miss(Make "${mxd_purpose}" make)
    endif()
  endif()
endif()

# mxd_find_compiler(RESULT LANGUAGE VARIABLE USUAL…): as CMake does: what the command line or the
# environment names, or else one of the usual
function(mxd_find_compiler result language variable)
  set(names ${CMAKE_${language}_COMPILER})
  if(NOT names)
    separate_arguments(names NATIVE_COMMAND "$ENV{${variable}}")
  endif()
  if(names)
    list(GET names 0 names) # without options
  else()
    set(names ${ARGN})
  endif()
  find_program(${result} NAMES ${names})
endfunction()

if(NOT CMAKE_TOOLCHAIN_FILE) # which names its own
  mxd_find_compiler(MXD_CC C CC cc gcc clang)
  mxd_find_compiler(MXD_CXX CXX CXX c++ g++ clang++)
  if(NOT MXD_CC OR NOT MXD_CXX)
    mxd_miss("compilers for C and C++20: gcc 12, clang 14 or later" "${mxd_purpose}" g++)
  endif()
endif()

find_program(PKG_CONFIG_EXECUTABLE NAMES $ENV{PKG_CONFIG} pkg-config pkgconf)
if(NOT PKG_CONFIG_EXECUTABLE)
  mxd_miss(pkg-config "${mxd_purpose}" pkg-config)
endif()
