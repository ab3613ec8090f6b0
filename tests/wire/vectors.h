// SPDX-License-Identifier: MIT
// Reads a file of vectors beside the tests: a line is a vector, its fields parted by one space; a
// line that begins with # is a comment.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace kith::wire {

using Vector = std::vector<std::string>;

inline std::vector<Vector> read_vectors(const std::string& name) {
  std::ifstream file(std::string(KITH_TEST_FILES) + "/" + name);
  EXPECT_TRUE(file) << name;
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Vector vector;
    for (std::string field; std::getline(fields, field, ' ');) vector.push_back(field);
    vectors.push_back(std::move(vector));
  }
  EXPECT_FALSE(vectors.empty()) << name;
  return vectors;
}

}  // namespace kith::wire
