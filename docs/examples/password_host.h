/* password_host.h: what the host in password_host.c and its server have in common. One thread. */
#ifndef PASSWORD_HOST_H
#define PASSWORD_HOST_H
#include <matrix_devices/module.h>
#include <string.h>

#define VIEW(text) ((mxd_view){(text), strlen(text)})
enum { kText = 256 }; /* an ID of 255 bytes, terminated: the module's text holds no U+0000 */

static inline int same(mxd_view view, const char* text) {
  return view.size == strlen(text) && memcmp(view.data, text, view.size) == 0;
}
static inline void copy(char* text, mxd_view view) {
  if (view.size) memcpy(text, view.data, view.size);
  text[view.size] = '\0';
}

/* ---- The server's ---- */

typedef struct account {
  const char *id, *localpart, *hash; /* of the password, by crypt(3) */
} account;

/* The account of this name, "alice" or "@alice:example.org"; NULL: there is none. */
const account* find_account(mxd_view name);
/* A hash for those who are not there, so that it takes as long to refuse them. */
extern const char nobodys_hash[];
extern const mxd_module* module;
void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response);

/* ---- The host's ---- */

typedef struct device {
  struct device* next;
  const account* owner;
  char id[kText], token[kText];
  int has_name;
  char name[]; /* terminated */
} device;
extern device* devices; /* each from malloc() */
extern const mxd_host password_host;

#endif
