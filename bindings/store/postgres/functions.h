// The functions of the schema: what takes more than one statement is one round trip all the same.
//
// They are in PL/pgSQL, in the schema matrix_devices, and begin with the account. Each locks the
// account's row before it looks at how many there are, so that what it sees stays. Their names are
// qualified: search_path may be anything.
#ifndef MXD_BINDINGS_STORE_POSTGRES_FUNCTIONS_H
#define MXD_BINDINGS_STORE_POSTGRES_FUNCTIONS_H

namespace mxd::store::postgres {

extern const char* const kDeviceFunctions;   // device_functions.cc: devices, and tokens in use
extern const char* const kSessionFunctions;  // session_functions.cc: sessions, limits
extern const char* const kAccountFunctions;  // account_functions.cc: accounts, logins and tokens
extern const char* const kSweepFunctions;    // sweep_functions.cc: what nobody can use any more

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_FUNCTIONS_H
