# mutate_header(HEADER DIR NAME): writes into DIR/matrix_devices/module.h what HEADER would be with
# the mistake called NAME, each of which breaks hosts that are built already.
set(MUTATIONS removed_callback moved_field resized_field grown_struct changed_sign changed_parameter)
# Only the layout test sees it: a macro leaves no trace in a library.
set(LAYOUT_MUTATIONS ${MUTATIONS} changed_constant)

function(mutate_header header dir name)
  file(READ ${header} text)
  if(name STREQUAL "removed_callback")
    string(REGEX REPLACE "\n  void \\(\\*log\\)[^;]*;" "" mutant "${text}")
  elseif(name STREQUAL "moved_field")
    string(REPLACE "const char* product_version;" "uintptr_t inserted; const char* product_version;"
      mutant "${text}")
  elseif(name STREQUAL "resized_field")
    string(REPLACE "uint32_t max_live;" "uint64_t max_live;" mutant "${text}")
  elseif(name STREQUAL "changed_sign")
    string(REPLACE "int64_t revision;" "uint64_t revision;" mutant "${text}")
  elseif(name STREQUAL "grown_struct") # without a new minor
    string(REGEX REPLACE "(\n} mxd_device;)" "\n  mxd_view more;\\1" mutant "${text}")
  elseif(name STREQUAL "changed_constant")
    string(REGEX REPLACE "(#define MXD_CONFLICT +)13" "\\114" mutant "${text}")
  elseif(name STREQUAL "changed_parameter")
    string(REPLACE "(mxd_op op, int32_t status)" "(mxd_op op, int64_t status)" mutant "${text}")
  else()
    message(FATAL_ERROR "no mutation is called ${name}")
  endif()
  if(mutant STREQUAL text)
    message(FATAL_ERROR "mutation ${name} changes nothing in ${header}: the header no longer has "
      "the line that it looks for; mend tests/abi/mutations.cmake")
  endif()
  file(WRITE ${dir}/matrix_devices/module.h "${mutant}")
endfunction()
