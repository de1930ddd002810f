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

add_custom_command(OUTPUT matrix-devices.1
  COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${PROJECT_BINARY_DIR}/python ${MXD_PYTHON_EXECUTABLE} -B
    ${CMAKE_CURRENT_SOURCE_DIR}/packaging/man_page.py > matrix-devices.1
  DEPENDS packaging/man_page.py matrix_devices/__main__.py
    matrix_devices_python matrix_devices_python_libraries VERBATIM)
add_custom_target(matrix_devices_python_manual ALL DEPENDS matrix-devices.1)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/matrix-devices.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 ${COMPONENT})
