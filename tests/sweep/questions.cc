#include "tests/sweep/questions.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>

#include "matrix_devices/module.hpp"

namespace mxd::sweep {
namespace {

bool is_utf8(std::string_view bytes) {
  const bool plain =
      std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) { return c < 0x80; });
  if (plain) return true;
  boost::system::error_code failed;
  boost::json::parse(boost::json::serialize(boost::json::string_view(bytes)), failed);
  return !failed;
}

}  // namespace

std::vector<mxd_view> texts_of(const mxd_credentials& asked) {
  return {asked.access_token, asked.user_id, asked.device_id, asked.remote_addr};
}

std::vector<mxd_view> texts_of(const mxd_device_query& asked) {
  return {asked.user_id};
}

std::vector<mxd_view> texts_of(const mxd_device_key& asked) {
  return {asked.user_id, asked.device_id};
}

std::vector<mxd_view> texts_of(const mxd_device_update& asked) {
  return {asked.user_id, asked.device_id, asked.display_name};
}

std::vector<mxd_view> texts_of(const mxd_deletion& asked) {
  std::vector<mxd_view> texts(asked.device_ids, asked.device_ids + asked.device_id_count);
  texts.push_back(asked.user_id);
  return texts;
}

std::vector<mxd_view> texts_of(const mxd_uia_operation& asked) {
  return {asked.user_id, asked.device_id, asked.method, asked.endpoint};
}

std::vector<mxd_view> texts_of(const mxd_uia_session& asked) {
  return {asked.proposed_id, asked.user_id,  asked.device_id, asked.token_id,   asked.state,
          asked.method,      asked.endpoint, asked.target,    asked.description};
}

std::vector<mxd_view> texts_of(const mxd_uia_session_key& asked) {
  return {asked.session_id};
}

std::vector<mxd_view> texts_of(const mxd_uia_replacement& asked) {
  return {asked.session_id, asked.user_id, asked.state};
}

std::vector<mxd_view> texts_of(const mxd_uia_attempt& asked) {
  return {asked.user_id,     asked.device_id, asked.session_id, asked.type,
          asked.remote_addr, asked.user,      asked.medium,     asked.address,
          asked.country,     asked.password,  asked.auth_json};
}

std::vector<mxd_view> texts_of(const mxd_validation& asked) {
  return {asked.user_id, asked.device_id, asked.token_id};
}

std::vector<mxd_view> texts_of(const mxd_limit_request& asked) {
  std::vector<mxd_view> texts;
  for (size_t i = 0; i < asked.limit_count; ++i) {
    texts.push_back(asked.limits[i].name);
    texts.push_back(asked.limits[i].key);
  }
  return texts;
}

std::string fault_of_text(mxd_view text) {
  if (text.data == nullptr && text.size != 0) return "NULL with a size";
  const std::string_view bytes = mxd::text(text);
  if (bytes.find('\0') != bytes.npos) return "U+0000 in it";
  return is_utf8(bytes) ? "" : "bytes that are not UTF-8";
}

}  // namespace mxd::sweep
