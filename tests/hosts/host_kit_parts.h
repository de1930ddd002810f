/* host_kit_parts.h: what the files of the kit share, and tests have no use for. */
#ifndef MATRIX_DEVICES_TESTS_HOST_KIT_PARTS_H
#define MATRIX_DEVICES_TESTS_HOST_KIT_PARTS_H
#include "host_kit.h"

/* An expectation that did not hold. */
void kit_failed(const char* file, int line, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
/* The end of the test. */
void kit_die(const char* what);

#endif
