// What an examination finds, before it is told.
#ifndef MXD_BINDINGS_STORE_COMMON_FINDINGS_H
#define MXD_BINDINGS_STORE_COMMON_FINDINGS_H

#include <absl/functional/function_ref.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/store/common/outcome.h"
#include "bindings/store/common/text.h"
#include "matrix_devices/store.h"

namespace mxd::store {

// What is said of damage.
inline constexpr const char* kRestore = ": restore the database from a backup";

struct Finding {
  const char* subject;
  bool is_problem;
  std::string text;
};

using Findings = std::vector<Finding>;

// What `look` finds: it is called with a function that takes a problem. Where it finds none, `well`
// is said.
template <class Look>
void look_at(const char* subject, const char* well, Findings& findings, Look&& look) {
  const size_t before = findings.size();
  look([&](std::string problem) { findings.push_back({subject, true, std::move(problem)}); });
  if (findings.size() == before) findings.push_back({subject, false, well});
}

// Of the schema's version; false: it is not the one that is known here.
inline bool tell_version(int64_t version, int64_t known, bool is_too_new, Findings& findings) {
  const std::string schema = "schema " + std::to_string(version);
  if (is_too_new) {
    findings.push_back({"version", true,
                        schema + " is of a newer version (known here up to " +
                            std::to_string(known) + "): update this program"});
  } else if (version > known) {
    findings.push_back({"version", false,
                        schema + " is of a newer version, beside which this "
                                 "program may go on"});
  } else if (version < known) {
    findings.push_back({"version", false,
                        schema + " is of an older version: it is brought up to " +
                            std::to_string(known) + " when it is opened"});
  } else {
    findings.push_back({"version", false, schema + " is this program's"});
  }
  return version == known;
}

inline std::string of_another_server(std::string_view kept, std::string_view given) {
  return "the database belongs to the server " + std::string(kept) + ", not to " +
         std::string(given);
}

// A status of the visitor's other than OK ends it.
inline Outcome tell_findings(const Findings& findings,
                             absl::FunctionRef<int32_t(const mxd_store_finding&)> visit) {
  for (const Finding& finding : findings) {
    const int32_t status =
        visit({sizeof(mxd_store_finding), finding.is_problem ? MXD_STORE_FINDING_PROBLEM : 0u,
               view(finding.subject), view(finding.text)});
    if (status != MXD_OK) return {status, {}};
  }
  return {};
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_FINDINGS_H
