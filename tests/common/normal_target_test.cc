#include "bindings/common/normal_target.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace mxd::common {
namespace {

using Table = std::vector<std::pair<std::string, std::string>>;

void expect(const Table& table) {
  for (const auto& [raw, normal] : table) {
    std::string storage;
    EXPECT_EQ(normal_target(raw, storage), normal) << raw;
    std::string again;
    EXPECT_EQ(normal_target(normal, again), normal) << "a normal target stays as it is";
  }
}

std::string text(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes)
    out += static_cast<char>(byte);
  return out;
}

TEST(NormalTarget, R13AnOriginFormStaysAsItIs) {
  expect({
      {"/", "/"},
      {"", ""},
      {"*", "*"},
      {"/a//b/../%2F%2f%zz?x=%20+&http://y#z", "/a//b/../%2F%2f%zz?x=%20+&http://y#z"},
      {"//host/a", "//host/a"},
      {"/http://host/a", "/http://host/a"},
      {"/!\"$'()*,:;<>@[\\]^`{|}~", "/!\"$'()*,:;<>@[\\]^`{|}~"},
  });
  const std::string raw = "/plain";
  std::string storage;
  EXPECT_EQ(normal_target(raw, storage).data(), raw.data()) << "it is not copied";
}

TEST(NormalTarget, R13AnAbsoluteFormLosesSchemeAndAuthority) {
  expect({
      {"http://host/a/b?c=d", "/a/b?c=d"},
      {"https://host:8448/a", "/a"},
      {"HTTP://HOST/A", "/A"},
      {"hTTpS://[2001:db8::1]:80/a", "/a"},
      {"http://user:password@host/a", "/a"},
      {"http://a:b:c^%zz/a", "/a"},
      {"http:///a", "/a"},
      {"http://host", "/"},
      {"http://host/", "/"},
      {"http://host?a=b", "/?a=b"},
      {"http://host?a=/b", "/?a=/b"},
      {"http://host#a/b", "/#a/b"},
      {"http://", "/"},
      {"http://host//a", "//a"},
      {"http://host/http://other/a", "/http://other/a"},
      {text({'h', 't', 't', 'p', ':', '/', '/', 0xFF, ' ', '/', 'a'}), "/a"},
  });
}

TEST(NormalTarget, R13OtherFormsAreNobodysPath) {
  expect({
      {"ftp://host/a", "ftp://host/a"},
      {"httpx://host/a", "httpx://host/a"},
      {"http:/a", "http:/a"},
      {"http:a", "http:a"},
      {"://host/a", "://host/a"},
      {"host:80", "host:80"},
      {"a/http://host/b", "a/http://host/b"},
  });
}

TEST(NormalTarget, R13ControlCharactersAndSpacesAreEncoded) {
  expect({
      {std::string("/a\0b", 4), "/a%00b"},
      {"/a b\t\r\n", "/a%20b%09%0D%0A"},
      {"/\x01\x1f\x7f!", "/%01%1F%7F!"},
      {" /a", "%20/a"},
      {"http://host/a b", "/a%20b"},
  });
}

TEST(NormalTarget, R13BytesThatAreNotUtf8AreEncoded) {
  expect({
      {"/\u00e9\u20ac\U0001F600", "/\u00e9\u20ac\U0001F600"},
      {"/\u0080\u00a0\u2028", "/\u0080\u00a0\u2028"},
      {text({'/', 0xFF, 'a'}), "/%FFa"},
      {text({'/', 0x80}), "/%80"},
      {text({'/', 0xC3, 'a'}), "/%C3a"},
      {text({'/', 0xC3}), "/%C3"},
      {text({'/', 0xE2, 0x82}), "/%E2%82"},
      {text({'/', 0xE2, 0x82, 0xC3, 0xA9}), "/%E2%82\u00e9"},
      {text({'/', 0xC0, 0xAF}), "/%C0%AF"},
      {text({'/', 0xE0, 0x80, 0xAF}), "/%E0%80%AF"},
      {text({'/', 0xED, 0xA0, 0x80}), "/%ED%A0%80"},
      {text({'/', 0xF4, 0x90, 0x80, 0x80}), "/%F4%90%80%80"},
      {text({'/', 0xF8, 0x88, 0x80, 0x80, 0x80}), "/%F8%88%80%80%80"},
  });
}

}  // namespace
}  // namespace mxd::common
