// Preloaded into a server whose passwords guard nothing: hashing them costs next to nothing, so
// that a suite of hundreds of logins takes seconds. What is asked for is libsodium's least.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#define LEAST_OPERATIONS 1ULL
#define LEAST_BYTES      8192U

typedef int HashPassword(char* out, const char* password, unsigned long long length,
                         unsigned long long operations, size_t bytes, int algorithm);

int crypto_pwhash_str_alg(char* out, const char* password, unsigned long long length,
                          unsigned long long operations, size_t bytes, int algorithm) {
  HashPassword* hash = (HashPassword*)dlsym(RTLD_NEXT, "crypto_pwhash_str_alg");
  (void)operations;
  (void)bytes;
  return hash(out, password, length, LEAST_OPERATIONS, LEAST_BYTES, algorithm);
}
