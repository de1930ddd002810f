// Runs a fuzz target on files, and on changed copies of them: in builds without libFuzzer.
//   PROGRAM [--changed N] FILE_OR_FOLDER...
// With N, each file is also run N times with a few bytes changed, the same ones every time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::filesystem::path> files_below(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::string changed(std::string input, const std::vector<std::string>& others,
                    std::mt19937& random) {
  const auto below = [&](size_t end) { return end == 0 ? 0 : random() % end; };
  for (auto steps = 1 + below(6); steps > 0; --steps) {
    const auto at = below(input.size() + 1);
    switch (below(5)) {
      case 0:
        input.insert(at, 1, static_cast<char>(random()));
        break;
      case 1:
        input.erase(at, 1 + below(8));
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 3:  // a piece twice
        input.insert(at, input.substr(below(input.size() + 1), below(32)));
        break;
      default: {  // a piece of another
        const auto& other = others[below(others.size())];
        input.insert(at, other.substr(below(other.size() + 1), below(64)));
      }
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned long copies = 0;
  std::vector<std::string> inputs;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--changed" && i + 1 < argc) {
      copies = std::strtoul(argv[++i], nullptr, 10);
      continue;
    }
    for (const auto& path : files_below(argv[i]))
      inputs.push_back(read(path));
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "usage: %s [--changed N] FILE_OR_FOLDER...\n", argv[0]);
    return 2;
  }
  for (const auto& input : inputs)
    run(input);
  std::mt19937 random(1);
  for (unsigned long i = 0; i < copies; ++i) {
    for (const auto& input : inputs)
      run(changed(input, inputs, random));
  }
  std::printf("%zu inputs, %lu changed copies of each\n", inputs.size(), copies);
  return 0;
}
