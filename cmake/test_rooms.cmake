# MXD_TESTS: ON is all of them; or some of the folders of tests/.

# mxd_has_tests(RESULT FOLDER…): whether any of these is to be built
function(mxd_has_tests result)
  set(${result} OFF PARENT_SCOPE)
  string(TOUPPER "${MXD_TESTS}" all)
  foreach(folder IN LISTS ARGN)
    if(all MATCHES "^(ON|YES|TRUE|Y|1)$" OR folder IN_LIST MXD_TESTS)
      set(${result} ON PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

function(mxd_add_tests folder)
  mxd_has_tests(wanted ${folder})
  if(wanted)
    add_subdirectory(${folder})
  endif()
endfunction()
