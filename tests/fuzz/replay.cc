// Runs a fuzz target without libFuzzer: over every file of its corpus, and over mutations of them
// that are the same each time.
//
//     NAME_replay MUTATIONS FILE|DIRECTORY...
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz_input.h"

namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

std::vector<fs::path> files_of(int count, char** names) {
  std::vector<fs::path> files;
  for (int i = 0; i < count; ++i) {
    if (!fs::is_directory(names[i])) {
      files.emplace_back(names[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(names[i])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());  // a directory has no order
  return files;
}

Bytes contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    std::exit(2);
  }
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

class Mutations {
 public:
  explicit Mutations(const std::vector<Bytes>& corpus) : corpus_(corpus) {}

  Bytes next() {
    Bytes bytes = any();
    for (std::size_t count = 1 + below(4); count > 0; --count) mutate(bytes);
    return bytes;
  }

 private:
  const Bytes& any() { return corpus_[below(corpus_.size())]; }
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  Bytes::iterator place(Bytes& bytes) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() + 1));
  }

  void mutate(Bytes& bytes) {
    constexpr std::uint8_t edges[] = {0, 1, 2, 10, 13, 125, 126, 127, 128, 255};
    const auto at = place(bytes);
    switch (below(6)) {
      case 0:
        if (at != bytes.end()) *at = static_cast<std::uint8_t>(*at ^ 1U << below(8));
        break;
      case 1:
        if (at != bytes.end()) *at = edges[below(std::size(edges))];
        break;
      case 2: bytes.insert(at, static_cast<std::uint8_t>(random_())); break;
      case 3: bytes.erase(at, at + static_cast<std::ptrdiff_t>(below(1 + left(bytes, at)))); break;
      case 4: {  // what is here, once more
        const Bytes copy(at, at + static_cast<std::ptrdiff_t>(below(1 + left(bytes, at))));
        bytes.insert(place(bytes), copy.begin(), copy.end());
        break;
      }
      case 5: {  // the end of another
        Bytes other = any();
        bytes.erase(at, bytes.end());
        bytes.insert(bytes.end(), place(other), other.end());
        break;
      }
    }
  }

  static std::size_t left(const Bytes& bytes, Bytes::const_iterator at) {
    return static_cast<std::size_t>(bytes.end() - at);
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937_64 random_{6455};
};

// Of its own, so that the sanitizers see the ends of it.
void run(const Bytes& bytes) {
  const Bytes copy(bytes);
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "%s MUTATIONS FILE|DIRECTORY...\n", argv[0]);
    return 2;
  }
  std::vector<Bytes> corpus;
  for (const auto& file : files_of(argc - 2, argv + 2)) {
    corpus.push_back(contents(file));
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);  // the last one is it, if the target ends the process
    run(corpus.back());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no file\n");
    return 2;
  }
  const int mutations = std::atoi(argv[1]);
  Mutations mutated(corpus);
  for (int i = 0; i < mutations; ++i) run(mutated.next());
  std::printf("%zu files, %d mutations\n", corpus.size(), mutations);
  return 0;
}
