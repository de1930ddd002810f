# What is in memory is guarded, in each of the LIBRARIES: buffers on the stack (-fstack-protector),
# calls that are told how long a buffer is (_FORTIFY_SOURCE), and the tables of addresses, which are
# read-only from the start (-z now).
foreach(library IN LISTS LIBRARIES)
  execute_process(COMMAND ${NM} -D --undefined-only ${library}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${READELF} -dW ${library}
    OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
  foreach(sign " __stack_chk_fail@" "n?printf_chk@")
    if(NOT symbols MATCHES "${sign}")
      message(SEND_ERROR "${library} calls nothing that matches '${sign}': it is to be built with "
        "the options that MXD_HARDEN in CMakeLists.txt gives.")
    endif()
  endforeach()
  if(NOT dynamic MATCHES "BIND_NOW")
    message(SEND_ERROR "${library} is to be linked with -z now.")
  endif()
endforeach()
