#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace mxd::memory {

// The bytes of one response, contiguous, grown by half: at no time is there a second copy of them
// beside the one that realloc() may make. A buffer of ordinary size is kept over reset().
class OutputBuffer {
 public:
  static constexpr size_t kKept = 64 * 1024;  // bytes

  OutputBuffer() = default;
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;
  ~OutputBuffer() { release(); }

  // @throws std::bad_alloc
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }

  // At least `size` writable bytes after the end; advance() says how many were used.
  // @throws std::bad_alloc
  char* room(size_t size) {
    if (size > capacity_ - size_) grow(size);
    return data_ + size_;
  }
  void advance(size_t size) noexcept { size_ += size; }

  // Forgets what was appended after the first `size` bytes.
  void truncate(size_t size) noexcept { size_ = size; }

  size_t size() const noexcept { return size_; }
  std::string_view view() const noexcept { return {data_, size_}; }

  void reset() noexcept {
    if (capacity_ > kKept) release();
    size_ = 0;
  }

  void release() noexcept {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  void grow(size_t size) {
    if (size > SIZE_MAX / 4 || size_ > SIZE_MAX / 4) throw std::bad_alloc();
    size_t wanted = capacity_ + capacity_ / 2;
    if (wanted < size_ + size) wanted = size_ + size;
    if (wanted < 1024) wanted = 1024;
    void* grown = std::realloc(data_, wanted);
    if (grown == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(grown);
    capacity_ = wanted;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace mxd::memory
