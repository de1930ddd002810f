# Run by cpack over the installed files, a folder for each package, before it packs them: the manual
# pages are compressed, and each package gets the list of changes that Debian's tools read.
file(GLOB pages ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/man*/*)
file(GLOB folders ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC) # or SOURCE_DATE_EPOCH
foreach(folder ${folders})
  file(WRITE ${folder}/changelog "matrix-devices (${CPACK_PACKAGE_VERSION}) stable; urgency=medium

  * What has changed: /usr/share/doc/libmatrix-devices/CHANGELOG.md

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
  list(APPEND pages ${folder}/changelog)
endforeach()
execute_process(COMMAND gzip -9nf ${pages} COMMAND_ERROR_IS_FATAL ANY)
