// Keys that Boost.JSON puts into one bucket of an object's table. Its hash is FNV-1a, begun with
// the address of the table, and the bucket is the hash modulo the capacity: of the address only the
// low bits are to be guessed, and those of a large table are nearly always the same.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::json_texts {

// `count` keys of six letters, all in one bucket of a table of `capacity` (a power of two of at
// most 65536) whose address ends in `low`.
inline std::vector<std::string> colliding_keys(uint32_t low, uint32_t capacity, size_t count) {
  // Large tables have pages of their own, of which the low bits are known. Left to itself, malloc
  // stops doing that once one was freed.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr uint32_t kPrime = 0x1B3;
  constexpr uint32_t kBegin = 0x2325;
  const uint32_t mask = capacity - 1;
  uint32_t inverse = kPrime;  // of the prime: the bits that are right double each time
  for (int i = 0; i < 5; ++i)
    inverse *= 2 - kPrime * inverse;
  // The two letters that lead from a state to bucket 0.
  std::multimap<uint32_t, std::string> ends;
  for (const char first : kLetters) {
    for (const char second : kLetters) {
      const uint32_t before = static_cast<unsigned char>(second) * inverse & mask;
      ends.emplace((before ^ static_cast<unsigned char>(first)) & mask, std::string{first, second});
    }
  }
  const auto next = [&](uint32_t state, char letter) {
    return (state ^ static_cast<unsigned char>(letter)) * kPrime & mask;
  };
  std::vector<std::string> keys;
  for (const char a : kLetters) {
    for (const char b : kLetters) {
      for (const char c : kLetters) {
        for (const char d : kLetters) {
          const auto state = next(next(next(next((kBegin + low) & mask, a), b), c), d);
          const auto [begin, end] = ends.equal_range(state);
          for (auto at = begin; at != end; ++at) {
            keys.push_back(std::string{a, b, c, d} + at->second);
            if (keys.size() == count) return keys;
          }
        }
      }
    }
  }
  return keys;
}

// `count` keys of six letters that share a bucket in every table of `capacity` (a power of two)
// wherever malloc, or an arena, puts it: addresses are multiples of 16.
inline std::vector<std::string> always_colliding_keys(uint32_t capacity, size_t count) {
  const auto buckets = [&](const std::string& key) {
    std::string found;
    for (uint32_t low = 0; low < capacity; low += 16) {
      uint32_t state = 0x2325 + low;
      for (const char letter : key)
        state = (state ^ static_cast<unsigned char>(letter)) * 0x1B3;
      found += std::to_string(state % capacity) + " ";
    }
    return found;
  };
  const std::string wanted = buckets("100000");
  std::vector<std::string> keys;
  for (size_t number = 100'000; keys.size() < count; ++number) {
    if (auto key = std::to_string(number); buckets(key) == wanted) keys.push_back(std::move(key));
  }
  return keys;
}

// As many keys of the same size that have nothing in common.
inline std::vector<std::string> innocent_keys(size_t count) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i)
    keys.push_back(std::to_string(100'000 + i));
  return keys;
}

// {"key":0,…}
inline std::string object_of(const std::vector<std::string>& keys) {
  std::string text = "{";
  for (const auto& key : keys)
    text += (text.size() == 1 ? "\"" : ",\"") + key + "\":0";
  return text + "}";
}

// {"a":[{…},{…},…]}: an object of these keys after the other, up to `size` bytes.
inline std::string objects_of(const std::vector<std::string>& keys, size_t size) {
  const std::string object = object_of(keys);
  std::string text = "{\"a\":[" + object;
  while (text.size() + object.size() + 3 <= size)
    text += "," + object;
  return text + "]}";
}

// The least time of this thread's processor that `work` took, in seconds, of several tries.
template <class Work>
double least_time(const Work& work) {
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double begin = now();
    work();
    least = std::min(least, now() - begin);
  }
  return least;
}

}  // namespace mxd::json_texts
