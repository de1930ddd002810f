/* malloc() and its kin, made to fail: as a library for LD_PRELOAD, or linked into a test.
 *
 * What fails is said in struct memory_control (failing_memory.h): of this process, or, with
 * MEMORY_CONTROL=FILE in the environment, in that file, which the test has mapped too.
 */
#include "failing_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library's own, under the names that it has for those who replace malloc(). */
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

static struct memory_control of_this_process;
struct memory_control* memory_control = &of_this_process;

__attribute__((constructor)) static void map_control(void) {
  const char* path = getenv("MEMORY_CONTROL");
  if (path == NULL) return;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof *memory_control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) memory_control = mapped;
}

static int fails(void) {
  if (__atomic_load_n(&memory_control->to_fail, __ATOMIC_RELAXED) <= 0) return 0;
  if (__atomic_fetch_sub(&memory_control->to_pass, 1, __ATOMIC_RELAXED) > 0) return 0;
  if (__atomic_fetch_sub(&memory_control->to_fail, 1, __ATOMIC_RELAXED) <= 0) return 0;
  __atomic_add_fetch(&memory_control->failed, 1, __ATOMIC_RELAXED);
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

void* realloc(void* block, size_t size) {
  return fails() ? NULL : __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void** out, size_t alignment, size_t size) {
  if (fails()) return ENOMEM;
  void* block = __libc_memalign(alignment, size);
  if (block == NULL) return ENOMEM;
  *out = block;
  return 0;
}

/* Argon2id takes its 64 MiB here. */
void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) {
  if ((flags & MAP_ANONYMOUS) != 0 && fails()) return MAP_FAILED;
  return (void*)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}
