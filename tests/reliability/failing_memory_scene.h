/* The module and the store in this process, and requests to them. */
#ifndef MATRIX_DEVICES_TESTS_FAILING_MEMORY_SCENE_H
#define MATRIX_DEVICES_TESTS_FAILING_MEMORY_SCENE_H
#include <stdbool.h>
#include <stdint.h>

#include "matrix_devices/module.h"
#include "matrix_devices/store.h"

#define VIEW(text) ((mxd_view){(text), strlen(text)})
#define LIST       "/_matrix/client/v3/devices"
#define AS_USER    "?user_id=%40alice%3Aexample.org"
#define AS_TOKEN   "as-token-of-the-test"
#define PASSWORD   "pass word"

enum { kBody = 1 << 16 };

extern const mxd_store_library* library;
extern mxd_store* store;
extern mxd_instance* instance; /* NULL: none */
extern char why[256];          /* of what failed last in the store */
extern char last_body[kBody];  /* of the last answer */
extern const char* doing;      /* what is tried, */
extern int64_t at;             /* and the allocation that fails first */
extern int problems;

void problem(const char* what);
void must(bool holds, const char* what);

/* Sends a request, waits for its answer, and gives its status. */
unsigned ask(const char* method, const char* target, const char* token, const char* body);

/* While memory fails: whether it was answered as it should be, and whether an account function did
 * what it should. Anything but that and a failure for want of memory is a problem. */
bool answered(unsigned expected, unsigned status);
bool returned(int32_t status);

/* False: one of them can't be loaded. */
bool load_libraries(const char* module_path, const char* store_path, const char* database_path);

int32_t open_store(void);
int32_t create_instance(void);
int32_t add_service(void);
void close_all(void);

#endif
