// Where no PostgreSQL is installed every test is skipped.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/store/postgres/cluster.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!testing::GTEST_FLAG(list_tests)) {
    const std::string reason = mxd::test::why_no_cluster();
    if (!reason.empty()) {
      std::cout << "[  SKIPPED ] " << reason << "\n";
      return 0;
    }
  }
  return RUN_ALL_TESTS();
}
