// A thread that opens a library with BoringSSL inside, uses it, closes it and ends: BoringSSL's
// destructor of the thread runs after that.
#include <dlfcn.h>

#include <cstdio>
#include <thread>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  bool began = false;
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      void* const library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
      if (library == nullptr) {
        std::puts(dlerror());
        return;
      }
      const auto begin = reinterpret_cast<bool (*)()>(dlsym(library, "coexistence_begin"));
      began = begin != nullptr && begin();
      dlclose(library);
    }).join();
  }
  return began ? 0 : 1;
}
