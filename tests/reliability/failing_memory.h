/* Which allocations fail: the first `to_pass` are made, the next `to_fail` are not. */
#ifndef MATRIX_DEVICES_TESTS_FAILING_MEMORY_H
#define MATRIX_DEVICES_TESTS_FAILING_MEMORY_H
#include <stdint.h>

struct memory_control {
  int64_t to_pass;
  int64_t to_fail; /* 0: none */
  int64_t failed;  /* so far */
};

extern struct memory_control* memory_control;

#endif
