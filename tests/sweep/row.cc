#include "tests/sweep/row.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "tests/sweep/fault.h"

namespace mxd::sweep {
namespace {

constexpr std::string_view kError = "errcode,error";
constexpr std::string_view kLogout = "errcode,error,soft_logout";

constexpr RowRule kRules[] = {
    {Row::kA4, "A4", 401, "M_UNKNOWN_TOKEN", kLogout, false},
    {Row::kA5, "A5", 401, "M_UNKNOWN_TOKEN", kLogout, false},
    {Row::kA6, "A6", 401, "M_USER_LOCKED", kLogout, false},
    {Row::kA11, "A11", 403, "M_FORBIDDEN", kError, false},
    {Row::kA13, "A13", 400, "M_UNKNOWN_DEVICE", kError, false},
    {Row::kG1, "G1", 200, "", "devices", false},
    {Row::kNotFound, "G5, P4", 404, "M_NOT_FOUND", kError, false},
    {Row::kP1, "P1", 200, "", "", false},
    {Row::kP5, "P5", 201, "", "", false},
    {Row::kP7, "P7", 403, "M_USER_LIMIT_EXCEEDED", "errcode,error,info_uri", false},
    {Row::kL1, "L1", 429, "M_LIMIT_EXCEEDED", "errcode,error,retry_after_ms", true},
    {Row::kU4, "U4", 401, "M_FORBIDDEN", "completed,errcode,error,flows,params,session", false},
    {Row::kU4a, "U4a", 400, "M_BAD_JSON", kError, false},
    {Row::kU6, "U6", 403, "M_FORBIDDEN", kError, false},
    {Row::kU6a, "U6a", 403, "M_FORBIDDEN", kError, false},
    {Row::kU9, "U9", 401, "M_FORBIDDEN", "errcode,error,flows,params,session", false},
    {Row::kU10, "U10", 403, "M_FORBIDDEN", kError, false},
    {Row::kU17, "U17", 403, "M_FORBIDDEN", kError, false},
    {Row::kD7, "D7", 400, "M_BAD_JSON", kError, false},
    {Row::kF2, "F2", 404, "", "", false},
    {Row::kConflicts, "U26", 503, "M_UNKNOWN", kError, true},
    {Row::kH1, "H1", 503, "M_UNKNOWN", kError, true},
    {Row::kH2, "H2", 504, "M_UNKNOWN", kError, false},
    {Row::kH3, "H3", 500, "M_UNKNOWN", kError, false},
};

// What a user gets of a status that is a callback's own. OK stands for an OK without results.
constexpr struct {
  Callback callback;
  int32_t status;
  Row row;
} kOwnStatuses[] = {
    {Callback::kAuthenticate, MXD_UNKNOWN_TOKEN, Row::kA4},
    {Callback::kAuthenticate, MXD_TOKEN_EXPIRED, Row::kA5},
    {Callback::kAuthenticate, MXD_USER_LOCKED, Row::kA6},
    {Callback::kAuthenticate, MXD_FORBIDDEN, Row::kA11},
    {Callback::kAuthenticate, MXD_UNKNOWN_DEVICE, Row::kA13},
    {Callback::kListDevices, MXD_OK, Row::kG1},
    {Callback::kGetDevice, MXD_NOT_FOUND, Row::kNotFound},
    {Callback::kRenameDevice, MXD_OK, Row::kP1},
    {Callback::kRenameDevice, MXD_NOT_FOUND, Row::kNotFound},
    {Callback::kDeleteDevices, MXD_OK, Row::kAsWithout},
    {Callback::kFlows, MXD_OK, Row::kU17},
    {Callback::kCreateSession, MXD_OK, Row::kAny},  // what was not kept is not found
    {Callback::kLoadSession, MXD_NOT_FOUND, Row::kU9},
    {Callback::kReplaceSession, MXD_OK, Row::kAsWithout},
    {Callback::kReplaceSession, MXD_CONFLICT, Row::kAsWithout},
    {Callback::kReplaceSession, MXD_NOT_FOUND, Row::kGone},
    {Callback::kCheck, MXD_REFUSED, Row::kU4},
    {Callback::kCheck, MXD_BAD_DATA, Row::kU4a},
    {Callback::kPutDevice, MXD_OK, Row::kP1},
    {Callback::kPutDevice, MXD_CREATED, Row::kP5},
    {Callback::kPutDevice, MXD_LIMIT_EXCEEDED, Row::kP7},
    {Callback::kMarkValidated, MXD_OK, Row::kAsWithout},
    {Callback::kTakeLimit, MXD_OK, Row::kAsWithout},
    {Callback::kTakeLimit, MXD_LIMIT_EXCEEDED, Row::kL1},
    {Callback::kGiveBack, MXD_OK, Row::kAsWithout},
    {Callback::kGiveBack, MXD_LIMIT_EXCEEDED, Row::kL1},
};

// What the statuses come to that every callback may use; all others are H3.
constexpr struct {
  int32_t status;
  Row row;
} kCommonStatuses[] = {
    {MXD_UNAVAILABLE, Row::kH1},
    {MXD_NO_MEMORY, Row::kH1},
    {MXD_CANCELLED, Row::kH1},
    {MXD_TIMEOUT, Row::kH2},
};

// What becomes of a user's row elsewhere.
constexpr struct {
  Row row;
  Scene scene;
  Row there;
} kScenes[] = {
    {Row::kNotFound, Scene::kService, Row::kAsWithout},     // it goes on to create
    {Row::kNotFound, Scene::kPage, Row::kStatusAsWithout},  // F1: without that device's name
    {Row::kU9, Scene::kPage, Row::kF2},
    {Row::kU9, Scene::kKeptBody, Row::kD7},
    {Row::kGone, Scene::kUser, Row::kU9},
    {Row::kGone, Scene::kPage, Row::kF2},
    {Row::kGone, Scene::kKeptBody, Row::kD7},
    {Row::kGone, Scene::kDead, Row::kU6a},
    {Row::kU17, Scene::kPage, Row::kF2},
    {Row::kU6a, Scene::kPage, Row::kAny},  // the request that finishes the session meets it
    {Row::kU10, Scene::kPage, Row::kAny},  // nobody asks, but the session
    {Row::kU10, Scene::kKeptBody, Row::kD7},
    {Row::kU10, Scene::kDead, Row::kU6a},
};

Row row_of_status(Callback callback, int64_t status) {
  for (const auto& own : kOwnStatuses) {
    if (own.callback == callback && own.status == status) return own.row;
  }
  for (const auto& common : kCommonStatuses) {
    if (common.status == status) return common.row;
  }
  return Row::kH3;
}

Row row_for_user(const Fault& fault) {
  if (fault.how == How::kUntilCancelled) return row_of_status(fault.callback, MXD_CANCELLED);
  switch (fault.what) {
    case What::kRight:
      return Row::kAsWithout;
    case What::kStatus:
      if (fault.always && fault.status == MXD_CONFLICT) return Row::kConflicts;
      return row_of_status(fault.callback, fault.status);
    case What::kRetry:
      return fault.spoil.row == Row::kH3 ? Row::kH3 : row_of_status(fault.callback, fault.status);
    case What::kValue:
      if (fault.callback == Callback::kNow) return Row::kAny;
      return fault.status == MXD_OK ? Row::kAsWithout : Row::kH3;
    case What::kRubbish:
    case What::kError:
      return fault.spoil.row;
  }
  return Row::kAny;
}

bool accuses(How how) {
  switch (how) {
    case How::kCompletedAndReturned:
    case How::kReturnedThenLate:
    case How::kTwice:
    case How::kTwiceLate:
    case How::kTwiceAtOnce:
    case How::kEmittedAfter:
      return true;
    default:
      return false;
  }
}

bool cancels(How how) {
  return how == How::kUntilCancelled || how == How::kOnCancel || how == How::kAfterCancel;
}

}  // namespace

const RowRule* find_rule(Row row) {
  const auto* const found = std::find_if(std::begin(kRules), std::end(kRules),
                                         [row](const RowRule& rule) { return rule.row == row; });
  return found == std::end(kRules) ? nullptr : found;
}

Expected expected(const Fault& fault, Scene scene, bool question_follows) {
  Row row = row_for_user(fault);
  const bool named = row == Row::kH3 || row == Row::kConflicts;
  const bool accused = named || accuses(fault.how);
  if (fault.callback == Callback::kGiveBack) row = Row::kAsWithout;  // nobody waits for it
  const bool without_style = fault.callback == Callback::kRandom && scene == Scene::kPage;
  if (without_style && row == Row::kH3) row = Row::kStatusAsWithout;
  for (const auto& change : kScenes) {
    if (change.row != row || change.scene != scene) continue;
    row = change.there;
    break;
  }
  if (row == Row::kAsWithout && cancels(fault.how) && question_follows) row = Row::kH1;
  return {row, named, accused};
}

}  // namespace mxd::sweep
