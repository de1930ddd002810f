# All that the parts which are switched on are built from, in one place, so that all that is missing
# is told at once. Nothing in the folders below looks for a library of its own.
#
# mxd_by_header: tools are missing (tools.cmake), and project() has not been called.

# mxd_require_package(NAME VERSION PACKAGE HEADER [CONFIG…]): with find_package(). VERSION: "" for any
macro(mxd_require_package name version package header)
  if(mxd_by_header)
    mxd_find_header(${name} ${header})
  else()
    find_package(${name} ${version} QUIET ${ARGN})
  endif()
  if(NOT ${name}_FOUND)
    set(mxd_name "${name}")
    if(NOT "${version}" STREQUAL "")
      string(APPEND mxd_name " ${version} or later")
    endif()
    if(${name}_CONSIDERED_VERSIONS)
      string(APPEND mxd_name " (this is ${${name}_CONSIDERED_VERSIONS})")
    endif()
    mxd_miss("${mxd_name}" "${mxd_purpose}" ${package})
  endif()
endmacro()

# mxd_require_module(PREFIX MODULE PACKAGE HEADER): with pkg-config, as PkgConfig::PREFIX
macro(mxd_require_module prefix module package header)
  if(mxd_by_header)
    mxd_find_header(${prefix} ${header})
  else()
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
  endif()
  if(NOT ${prefix}_FOUND)
    mxd_miss(${module} "${mxd_purpose}" ${package})
  endif()
endmacro()

function(mxd_find_header name header)
  find_path(folder ${header} PATHS /usr/local/include /usr/include PATH_SUFFIXES postgresql NO_CACHE)
  if(folder)
    set(${name}_FOUND TRUE PARENT_SCOPE)
  endif()
endfunction()

# Sets Python_FOUND, as find_package() does
function(mxd_find_python)
  find_program(python NAMES ${Python_EXECUTABLE} python3 NO_CACHE)
  if(python)
    execute_process(
      COMMAND ${python} -c "import os, sys, sysconfig
sys.exit(sys.version_info < (3, 11)
         or not os.path.exists(sysconfig.get_path('include') + '/Python.h'))"
      RESULT_VARIABLE is_missing OUTPUT_QUIET ERROR_QUIET)
    if(is_missing EQUAL 0)
      set(Python_FOUND TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# MXD_PYTEST_PYTHON: the first Python that has pytest; Debian's comes before others.
function(mxd_find_pytest)
  foreach(candidate /usr/bin/python3 python3)
    if(NOT MXD_PYTEST_PYTHON)
      execute_process(COMMAND ${candidate} -c "import pytest"
        RESULT_VARIABLE is_missing OUTPUT_QUIET ERROR_QUIET)
      if(is_missing EQUAL 0)
        find_program(MXD_PYTEST_PYTHON ${candidate} DOC "A Python that has pytest")
      endif()
    endif()
  endforeach()
endfunction()

# mxd_for(PURPOSE HINT): what comes is needed for that. With pip nothing can be switched off.
macro(mxd_for purpose hint)
  set(mxd_purpose "${purpose}")
  if(NOT SKBUILD)
    string(APPEND mxd_purpose " (${hint})")
  endif()
endmacro()

# ---- Everything ----
set(mxd_purpose "everything")
if(NOT mxd_by_header)
  find_package(Threads REQUIRED)
  find_package(PkgConfig REQUIRED)
  foreach(minimum GNU:12 Clang:14)
    string(REPLACE ":" ";" minimum ${minimum})
    list(POP_FRONT minimum id)
    if(CMAKE_CXX_COMPILER_ID STREQUAL id AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS minimum)
      mxd_miss("a compiler for C++20: gcc 12, clang 14 or later (${CMAKE_CXX_COMPILER} is ${CMAKE_CXX_COMPILER_VERSION})"
        "${mxd_purpose}" g++)
    endif()
  endforeach()
endif()
mxd_require_package(Boost 1.81 libboost-dev boost/json.hpp CONFIG)
mxd_require_package(absl "" libabsl-dev absl/strings/string_view.h CONFIG)
mxd_require_module(sodium libsodium libsodium-dev sodium.h)

# ---- The stores ----
if(MXD_SQLITE)
  mxd_for("the store, the server and Python" "-DMXD_SQLITE=OFF does without them")
  mxd_require_package(SQLite3 "" libsqlite3-dev sqlite3.h)
  mxd_require_package(SQLiteCpp "" libsqlitecpp-dev SQLiteCpp/SQLiteCpp.h CONFIG)
  mxd_require_package(re2 "" libre2-dev re2/re2.h MODULE)
endif()
if(MXD_POSTGRES)
  mxd_for("the store in PostgreSQL" "-DMXD_POSTGRES=OFF does without it")
  mxd_require_package(PostgreSQL 14 libpq-dev libpq-fe.h)
  if(NOT MXD_SQLITE)
    mxd_require_package(re2 "" libre2-dev re2/re2.h MODULE)
  endif()
endif()

# ---- The server ----
if(MXD_SERVER)
  mxd_for("the server" "-DMXD_SERVER=OFF does without it")
  mxd_require_package(CLI11 "" libcli11-dev CLI/CLI.hpp CONFIG)
  mxd_require_package(prometheus-cpp "" prometheus-cpp-dev prometheus/registry.h CONFIG)
  mxd_require_package(yaml-cpp "" libyaml-cpp-dev yaml-cpp/yaml.h CONFIG)
  mxd_require_module(systemd libsystemd libsystemd-dev systemd/sd-daemon.h)
endif()

# ---- The Python package ----
if(MXD_PYTHON)
  mxd_for("the Python package" "-DMXD_PYTHON=OFF does without it")
  if(NOT Python_EXECUTABLE AND NOT SKBUILD AND EXISTS /usr/bin/python3)
    set(Python_EXECUTABLE /usr/bin/python3) # Debian's, whose packages the tests use
  endif()
  if(mxd_by_header)
    mxd_find_python()
  else()
    find_package(Python 3.11 QUIET COMPONENTS Interpreter Development.Module)
    set(MXD_PYTHON_EXECUTABLE "${Python_EXECUTABLE}"
      CACHE INTERNAL "The Python that the package is for")
  endif()
  if(NOT Python_FOUND)
    mxd_miss("Python 3.11 or later, with its headers" "${mxd_purpose}" python3-dev)
  endif()
  # With pip, pybind11 comes with the build. It insists on a Python.
  set(PYBIND11_FINDPYTHON ON)
  if(Python_FOUND AND NOT mxd_by_header)
    mxd_require_package(pybind11 2.10 pybind11-dev pybind11/pybind11.h CONFIG)
  elseif(NOT SKBUILD)
    mxd_find_header(pybind11 pybind11/pybind11.h)
    if(NOT pybind11_FOUND)
      mxd_miss("pybind11 2.10 or later" "${mxd_purpose}" pybind11-dev)
    endif()
  endif()
endif()

# ---- The tests ----
if(MXD_TESTS)
  mxd_for("the tests" "-DMXD_TESTS=OFF does without them")
  mxd_has_tests(mxd_uses_gtest unit common store server check)
  if(mxd_uses_gtest)
    mxd_require_package(GTest "" libgtest-dev gtest/gtest.h CONFIG)
    mxd_find_header(gmock gmock/gmock.h) # a package of its own
    if(NOT gmock_FOUND)
      mxd_miss(gmock "${mxd_purpose}" libgmock-dev)
    endif()
  endif()
  mxd_has_tests(mxd_uses_pytest abi/growth conformance e2e browser reliability postgres python check
    install scaling setup)
  if(mxd_uses_pytest)
    mxd_find_pytest()
    if(NOT MXD_PYTEST_PYTHON)
      mxd_miss("Python 3 with pytest" "${mxd_purpose}" python3-pytest)
    endif()
  endif()
endif()

# ---- The benchmarks ----
if(MXD_BENCH)
  set(mxd_purpose "the benchmarks (-DMXD_BENCH=OFF does without them)")
  mxd_require_package(benchmark "" libbenchmark-dev benchmark/benchmark.h CONFIG)
endif()
