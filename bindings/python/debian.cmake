# The package as Debian's has it: of the Python that it was built for, with the libraries of
# /usr/lib, and what pip writes of it, so that pip and pytest know it.
set(folder lib/python3/dist-packages)
set(COMPONENT COMPONENT python)
install(TARGETS matrix_devices_python LIBRARY DESTINATION ${folder}/matrix_devices ${COMPONENT})
install(DIRECTORY matrix_devices pytest_matrix_devices DESTINATION ${folder} ${COMPONENT}
  FILES_MATCHING PATTERN *.py PATTERN *.pyi PATTERN py.typed PATTERN __pycache__ EXCLUDE)
foreach(name matrix_devices matrix_devices_sqlite matrix_devices_postgres)
  set(link ${CMAKE_CURRENT_BINARY_DIR}/lib${name}.so)
  file(CREATE_LINK ../../../${CMAKE_LIBRARY_ARCHITECTURE}/lib${name}.so ${link} SYMBOLIC)
  install(FILES ${link} DESTINATION ${folder}/matrix_devices ${COMPONENT})
endforeach()

set(metadata matrix_devices-${PROJECT_VERSION}.dist-info)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/pyproject.toml)
execute_process(
  COMMAND ${MXD_PYTHON_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/packaging/write_metadata.py
    ${PROJECT_SOURCE_DIR}/pyproject.toml ${PROJECT_VERSION} ${CMAKE_CURRENT_BINARY_DIR}/${metadata}
  COMMAND_ERROR_IS_FATAL ANY)
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${metadata} DESTINATION ${folder} ${COMPONENT})
install(PROGRAMS packaging/matrix-devices DESTINATION ${CMAKE_INSTALL_BINDIR} ${COMPONENT})

# What describes the command, from what its parser says of itself: the manual page, and what shells
# complete.
function(describe script file)
  add_custom_command(OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${PROJECT_BINARY_DIR}/python ${MXD_PYTHON_EXECUTABLE} -B
      ${CMAKE_CURRENT_SOURCE_DIR}/packaging/${script} > ${file}
    DEPENDS packaging/${script} matrix_devices/__main__.py
      matrix_devices_python matrix_devices_python_libraries VERBATIM)
endfunction()
describe(man_page.py matrix-devices.1)
describe(command_line.py command_line.json)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/matrix-devices.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 ${COMPONENT})

set(completions "")
function(complete shell file destination)
  add_custom_command(OUTPUT ${file}
    COMMAND write_completion ${shell} < command_line.json > ${file}
    DEPENDS write_completion command_line.json)
  list(APPEND completions ${CMAKE_CURRENT_BINARY_DIR}/${file})
  set(completions ${completions} PARENT_SCOPE)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/${destination} ${COMPONENT})
endfunction()
complete(bash matrix-devices bash-completion/completions)
complete(zsh _matrix-devices zsh/vendor-completions)
complete(fish matrix-devices.fish fish/vendor_completions.d)
add_custom_target(matrix_devices_python_description ALL DEPENDS matrix-devices.1 ${completions})
