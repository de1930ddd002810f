/* host_heap.h: counts what a test program and the module allocate: malloc() and its kin are defined
 * in the program, and so found before the C library's by everything that it loads.
 */
#ifndef MATRIX_DEVICES_TESTS_HOST_HEAP_H
#define MATRIX_DEVICES_TESTS_HOST_HEAP_H
#include <stdbool.h>
#include <stddef.h>

/* false where a sanitizer has its own allocator; says so. */
bool heap_is_counted(void);

size_t heap_allocations(void); /* so far */
size_t heap_bytes(void);       /* now in use */
size_t heap_peak(void);        /* the most in use since heap_restart_peak() */
void heap_restart_peak(void);

/* From now on there is no memory for anything of so many bytes or more; 0: there is. */
void heap_refuse_from(size_t size);

#endif
