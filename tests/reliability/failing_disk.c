/* A library for LD_PRELOAD that stands between a server and its disk: calls on the database and its
 * write-ahead log fail, and what is written is told, so that a power cut can be made of it.
 *
 * DISK_CONTROL=FILE   struct control, mapped.
 * DISK_LOG=FILE       a struct event for each write, cut, synchronisation and new file, in order; a
 *                     write's bytes behind it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { kSync = 1, kWrite = 2, kCut = 4, kOpen = 8, kRead = 16, kHalf = 32 };
enum file { kOther, kDatabase, kLog };
enum { kFiles = 65536 };

/* Of the calls in `calls`, the first `to_pass` are made, the next `to_fail` fail with `error`. With
 * kHalf, a write that fails has written half of its bytes. */
struct control {
  int32_t calls, error;
  int64_t to_pass, to_fail, failed;
};

struct event {
  uint32_t what; /* enum call; kOpen: the file is empty now */
  uint32_t file; /* enum file */
  int64_t offset, size;
};

static struct control off, *control = &off;
static int told = -1;
static unsigned char file_of[kFiles];
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void set_up(void) {
  const char* path = getenv("DISK_CONTROL");
  if (path != NULL) {
    const int file = REAL(open)(path, O_RDWR | O_CLOEXEC);
    if (file >= 0) {
      void* mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      close(file);
      if (mapped != MAP_FAILED) control = mapped;
    }
  }
  path = getenv("DISK_LOG");
  if (path != NULL) told = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int ends_with(const char* text, const char* end) {
  const size_t size = strlen(text), end_size = strlen(end);
  return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static enum file kind_of(const char* path) {
  if (ends_with(path, ".db")) return kDatabase;
  return ends_with(path, ".db-wal") ? kLog : kOther;
}

static enum file opened_as(int file) {
  return file >= 0 && file < kFiles ? file_of[file] : kOther;
}

static int fails(enum call call, enum file file) {
  if (file == kOther || (control->calls & (int)call) == 0) return 0;
  if (__atomic_fetch_sub(&control->to_pass, 1, __ATOMIC_SEQ_CST) > 0) return 0;
  if (__atomic_fetch_sub(&control->to_fail, 1, __ATOMIC_SEQ_CST) <= 0) return 0;
  __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
  errno = control->error;
  return 1;
}

static void tell(enum call what, enum file file, int64_t offset, int64_t size, const void* bytes) {
  if (told < 0 || file == kOther) return;
  struct event event = {what, file, offset, size};
  const struct iovec parts[] = {{&event, sizeof event},
                                {(void*)(uintptr_t)bytes, bytes == NULL ? 0 : (size_t)size}};
  pthread_mutex_lock(&telling);
  if (writev(told, parts, 2) < 0) abort(); /* a trial without its log tells lies */
  pthread_mutex_unlock(&telling);
}

static int opened(int file, const char* path, int flags) {
  if (file < 0 || file >= kFiles) return file;
  file_of[file] = (unsigned char)kind_of(path);
  if ((flags & O_TRUNC) != 0) tell(kOpen, opened_as(file), 0, 0, NULL);
  return file;
}

#define OPEN(name)                                             \
  int name(const char* path, int flags, ...) {                 \
    va_list rest;                                              \
    va_start(rest, flags);                                     \
    const mode_t mode = va_arg(rest, mode_t);                  \
    va_end(rest);                                              \
    if (fails(kOpen, kind_of(path))) return -1;                \
    return opened(REAL(name)(path, flags, mode), path, flags); \
  }
OPEN(open)
OPEN(open64)

int close(int file) {
  if (file >= 0 && file < kFiles) file_of[file] = kOther;
  return REAL(close)(file);
}

int unlink(const char* path) {
  const int result = REAL(unlink)(path);
  if (result == 0) tell(kOpen, kind_of(path), 0, 0, NULL);
  return result;
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  const enum file kind = opened_as(file);
  if (fails(kWrite, kind)) {
    const int error = errno;
    if ((control->calls & kHalf) != 0) {
      const ssize_t half = REAL(pwrite64)(file, bytes, size / 2, offset);
      if (half > 0) tell(kWrite, kind, offset, half, bytes);
    }
    errno = error;
    return -1;
  }
  const ssize_t written = REAL(pwrite64)(file, bytes, size, offset);
  if (written > 0) tell(kWrite, kind, offset, written, bytes);
  return written;
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return pwrite64(file, bytes, size, offset);
}

ssize_t pread64(int file, void* bytes, size_t size, off64_t offset) {
  return fails(kRead, opened_as(file)) ? -1 : REAL(pread64)(file, bytes, size, offset);
}

#define SYNC(name)                                             \
  int name(int file) {                                         \
    if (fails(kSync, opened_as(file))) return -1;              \
    const int result = REAL(name)(file);                       \
    if (result == 0) tell(kSync, opened_as(file), 0, 0, NULL); \
    return result;                                             \
  }
SYNC(fsync)
SYNC(fdatasync)

int ftruncate64(int file, off64_t size) {
  if (fails(kCut, opened_as(file))) return -1;
  const int result = REAL(ftruncate64)(file, size);
  if (result == 0) tell(kCut, opened_as(file), size, 0, NULL);
  return result;
}

int ftruncate(int file, off_t size) {
  return ftruncate64(file, size);
}
