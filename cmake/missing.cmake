# What is missing, told in one message.

set(mxd_missing "") # NAME|PURPOSE|PACKAGE, of all that was not found

# mxd_miss(NAME PURPOSE PACKAGE): PACKAGE as .ci/packages.txt names it first
macro(mxd_miss name purpose package)
  list(APPEND mxd_missing "${name}|${purpose}|${package}")
endmacro()

# mxd_describe_missing(RESULT): the message
function(mxd_describe_missing result)
  set(purposes "")
  set(packages "")
  set(width 0)
  foreach(entry IN LISTS mxd_missing)
    string(REGEX MATCH "^([^|]*)\\|([^|]*)\\|(.*)$" entry "${entry}")
    list(APPEND purposes "${CMAKE_MATCH_2}")
    list(APPEND packages "${CMAKE_MATCH_3}")
    string(LENGTH "${CMAKE_MATCH_1}" length)
    if(length GREATER width)
      set(width ${length})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES purposes)
  list(REMOVE_DUPLICATES packages)

  # The command, and the name of each package, on this distribution.
  execute_process(
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/.ci/setup --print ${packages}
    OUTPUT_VARIABLE printed RESULT_VARIABLE unknown ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REPLACE "\n" ";" names "${printed}")
  list(POP_FRONT names command)
  if(unknown)
    set(names ${packages})
  endif()

  # CMake leaves lines alone that begin with a space.
  set(text "Not all that is needed is here.\n")
  foreach(purpose IN LISTS purposes)
    string(APPEND text " Missing for ${purpose}:\n")
    foreach(entry IN LISTS mxd_missing)
      if(entry MATCHES "^([^|]*)\\|([^|]*)\\|(.*)$" AND CMAKE_MATCH_2 STREQUAL purpose)
        string(LENGTH "${CMAKE_MATCH_1}" length)
        math(EXPR padding "${width} - ${length}")
        string(REPEAT " " ${padding} padding)
        list(FIND packages "${CMAKE_MATCH_3}" index)
        list(GET names ${index} name)
        string(APPEND text "   ${CMAKE_MATCH_1}${padding}  ${name}\n")
      endif()
    endforeach()
    string(APPEND text " \n")
  endforeach()
  if(unknown)
    string(APPEND text " On the right: the names of Debian's packages. Install yours, then try again.\n")
  else()
    string(APPEND text " This installs all of it; then try again:\n   ${command}\n")
  endif()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()
