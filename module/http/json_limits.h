#pragma once

#include "abi/config/settings.h"

namespace mxd::http {

using config::JsonLimits;

}  // namespace mxd::http
