// The format of tokens: bindings/store/common/token.h, token_family.h.
#include "bindings/store/common/token.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "bindings/store/common/token_family.h"

namespace mxd::store {
namespace {

// What was given out before tokens named their account: of no family, and of one.
constexpr const char* kOldToken = "mxt_mq9hUEC8p3VHPQVftHA9-MYCqkeHI2exWo1ZmdU5_b8";
constexpr const char* kOldMember = "mxt_91nRbMhiv-uO4HBU_5CeOQntuMBJz2N_QBDmqJS-28uVbofOFrxQtQPvIg";

std::string bytes_from_hex(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  EXPECT_EQ(sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), hex.data(),
                           hex.size(), nullptr, nullptr, nullptr),
            0);
  return bytes;
}

TEST(Token, NamesItsAccount) {
  ASSERT_GE(sodium_init(), 0);
  const TokenFamily family = TokenFamily::make();
  for (const int64_t account :
       {int64_t{1}, int64_t{-1}, int64_t{0x0123456789abcdef}, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max()}) {
    for (const std::string_view prefix : {kAccessTokenPrefix, kRefreshTokenPrefix}) {
      EXPECT_EQ(account_of_token(random_token(prefix, account), prefix), account);
      EXPECT_EQ(account_of_token(family.make_token(prefix, account), prefix), account);
    }
  }
  // Big-endian, at the beginning: 0x01 0x23 … in base64url.
  EXPECT_EQ(random_token("mxt_", 0x0123456789abcdef).substr(0, 14), "mxt_ASNFZ4mrze");
}

TEST(Token, IsNewEachTime) {
  const TokenFamily family = TokenFamily::make();
  EXPECT_NE(random_token("mxt_", 1), random_token("mxt_", 1));
  EXPECT_NE(family.make_token("mxt_", 1), family.make_token("mxt_", 1));
}

TEST(Token, NamesNoAccountWhereItIsNoneOfOurs) {
  const std::string token = random_token("mxt_", 7);
  for (const std::string& other :
       {std::string(), std::string("mxt_"), token.substr(4), "mxr_" + token.substr(4), token + "A",
        token + "=", token + std::string(1, '\0'), token.substr(0, token.size() - 1),
        "mxt_" + std::string(10'000, 'A'), std::string(kOldToken), std::string(kOldMember)}) {
    EXPECT_EQ(account_of_token(other, "mxt_"), std::nullopt) << other.size();
  }
}

TEST(TokenFamily, KnowsItsOwnTokensOnly) {
  const TokenFamily family = TokenFamily::make();
  const std::string token = family.make_token("mxt_", 7);
  EXPECT_EQ(family_name_of(token, "mxt_"), family.name);
  EXPECT_TRUE(family.made(token, "mxt_"));
  EXPECT_FALSE(family.made("mxr_" + token.substr(4), "mxr_")) << "it was given out as another kind";
  EXPECT_FALSE(TokenFamily::make().made(token, "mxt_"));
  for (size_t at = 4; at < token.size(); ++at) {
    std::string forged = token;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(family.made(forged, "mxt_")) << at;
  }
  EXPECT_EQ(family_name_of(random_token("mxt_", 7), "mxt_"), std::nullopt);
}

TEST(TokenFamily, KnowsItsTokensFromBeforeTheyNamedTheirAccount) {
  const TokenFamily family{
      bytes_from_hex("F759D16CC862BFEB8E"),
      bytes_from_hex("7425133AE8DE12AC43D9BC060794147587504F99B75F458FA32EFF7459EA5C35")};
  EXPECT_EQ(family_name_of(kOldMember, "mxt_"), family.name);
  EXPECT_TRUE(family.made(kOldMember, "mxt_"));
  std::string forged = kOldMember;
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(family.made(forged, "mxt_"));
}

}  // namespace
}  // namespace mxd::store
