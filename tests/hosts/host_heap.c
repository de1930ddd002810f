#include "host_heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_THE_SANITIZERS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_THE_SANITIZERS
#endif

static atomic_size_t allocations, bytes, peak, refused;

size_t heap_allocations(void) {
  return atomic_load(&allocations);
}
size_t heap_bytes(void) {
  return atomic_load(&bytes);
}
size_t heap_peak(void) {
  return atomic_load(&peak);
}
void heap_restart_peak(void) {
  atomic_store(&peak, atomic_load(&bytes));
}

void heap_refuse_from(size_t size) {
  atomic_store(&refused, size);
}

#ifdef HEAP_IS_THE_SANITIZERS
bool heap_is_counted(void) {
  puts("SKIP: a sanitizer replaces the allocator, so that allocations can't be counted");
  return false;
}
#else

bool heap_is_counted(void) {
  return true;
}

/* The C library's own, under the names that it has for those who replace malloc(). */
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);

static void* count(void* block) {
  if (block == NULL) return NULL;
  const size_t size = malloc_usable_size(block);
  const size_t now = atomic_fetch_add(&bytes, size) + size;
  atomic_fetch_add(&allocations, 1);
  size_t highest = atomic_load(&peak);
  while (now > highest && !atomic_compare_exchange_weak(&peak, &highest, now)) {
  }
  return block;
}

static void uncount(void* block) {
  if (block != NULL) atomic_fetch_sub(&bytes, malloc_usable_size(block));
}

static bool is_refused(size_t size) {
  const size_t from = atomic_load(&refused);
  if (from == 0 || size < from) return false;
  errno = ENOMEM;
  return true;
}

void* malloc(size_t size) {
  return is_refused(size) ? NULL : count(__libc_malloc(size));
}
void* calloc(size_t number, size_t size) {
  return is_refused(number * size) ? NULL : count(__libc_calloc(number, size));
}
void* memalign(size_t alignment, size_t size) {
  return is_refused(size) ? NULL : count(__libc_memalign(alignment, size));
}
void* aligned_alloc(size_t alignment, size_t size) {
  return is_refused(size) ? NULL : count(__libc_memalign(alignment, size));
}

int posix_memalign(void** out, size_t alignment, size_t size) {
  void* block = is_refused(size) ? NULL : count(__libc_memalign(alignment, size));
  if (block == NULL) return ENOMEM;
  *out = block;
  return 0;
}

void* realloc(void* block, size_t size) {
  if (is_refused(size)) return NULL;
  uncount(block);
  void* moved = __libc_realloc(block, size);
  if (moved == NULL && size != 0) { /* the old one is still there */
    if (block != NULL) atomic_fetch_add(&bytes, malloc_usable_size(block));
    return NULL;
  }
  return count(moved);
}

void free(void* block) {
  uncount(block);
  __libc_free(block);
}
#endif
