/* The library stays when the last handle to it is closed: threads may still be inside it, and
 * tokens may still be completed. */
#include <dlfcn.h>
#include <stdio.h>

#include "matrix_devices/module.h"

static int expect(const char* what, int32_t expected, int32_t got) {
  if (got == expected) return 0;
  fprintf(stderr, "%s: expected %d, got %d\n", what, expected, got);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: nodelete_test libmatrix_devices.so\n");
    return 2;
  }
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "expected a library, got: %s\n", dlerror());
    return 1;
  }
  mxd_entry_v1 entry = NULL;
  *(void**)&entry = dlsym(library, MXD_ENTRY_V1);
  if (entry == NULL) {
    fprintf(stderr, "expected %s in %s, got: %s\n", MXD_ENTRY_V1, argv[1], dlerror());
    return 1;
  }
  const mxd_module* module = entry();
  dlclose(library);

  if (dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD) == NULL) {
    fprintf(stderr, "after dlclose: expected the library to be loaded still, got unloaded\n");
    return 1;
  }
  mxd_instance* instance = NULL;
  const mxd_host empty = {.size = 0};
  int failures = 0;
  failures += expect("the entry gives the same table", 1, entry() == module);
  failures += expect("complete(0)", MXD_STALE, module->complete(0, MXD_OK));
  failures += expect("create() from an empty table", MXD_INVALID_ARGUMENT,
                     module->create(&empty, (mxd_view){NULL, 0}, &instance, NULL, 0));
  return failures == 0 ? 0 : 1;
}
