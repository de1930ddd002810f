# The control of check_abi.cmake: a library built from HEADER is the same as BASELINE, and from each
# mutant of HEADER it is not.
include(${CMAKE_CURRENT_LIST_DIR}/abi.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mutations.cmake)

function(stub_xml dir)
  execute_process(
    COMMAND ${CXX} -std=c++20 -g -shared -fPIC -I${dir} ${STUB} -o ${dir}/stub.so
    COMMAND_ERROR_IS_FATAL ANY)
  abi_xml(${dir}/stub.so ${dir} ${dir}/stub.abi.xml)
endfunction()

configure_file(${HEADER} ${WORK_DIR}/same/matrix_devices/module.h COPYONLY)
stub_xml(${WORK_DIR}/same)
abi_compare(${BASELINE} ${WORK_DIR}/same/stub.abi.xml code report)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "no mutation: expected 0, got ${code}:\n${report}")
endif()
foreach(name IN LISTS MUTATIONS)
  set(dir ${WORK_DIR}/${name})
  mutate_header(${HEADER} ${dir} ${name})
  stub_xml(${dir})
  abi_compare(${BASELINE} ${dir}/stub.abi.xml code report)
  math(EXPR changed "${code} & 4") # 1 and 2 are errors of the tool itself
  if(NOT changed OR NOT report MATCHES "sub-type changes|changed")
    message(FATAL_ERROR "${name}: expected a change of ABI (4), got ${code}:\n${report}")
  endif()
endforeach()
