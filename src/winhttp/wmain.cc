// The `main` of programs that begin with `wmain`: an archive of its own, for whoever asks for it.
// Nothing of C++' library is here, for programs that are linked as C.
#include <stdio.h>
#include <stdlib.h>

#include "ringdown/win32.h"

// As it is spelled in C, and the ways in which it is in C++, whose symbols tell their parameters.
// The one that the program has is there.
#define RINGDOWN_ENTRY(name, symbol, ...) \
  extern "C" __attribute__((weak)) int name(__VA_ARGS__) __asm__(symbol)
RINGDOWN_ENTRY(of_c, "wmain", int, wchar_t**, wchar_t**);
RINGDOWN_ENTRY(of_nothing, "_Z5wmainv", void);
RINGDOWN_ENTRY(of_arguments, "_Z5wmainiPPw", int, wchar_t**);
RINGDOWN_ENTRY(of_const_arguments, "_Z5wmainiPPKw", int, wchar_t**);
RINGDOWN_ENTRY(of_environment, "_Z5wmainiPPwS0_", int, wchar_t**, wchar_t**);
RINGDOWN_ENTRY(of_const_environment, "_Z5wmainiPPKwS1_", int, wchar_t**, wchar_t**);

// The program's for as long as it runs. Everybody may see them, so they are not taken for lost.
extern "C" {
wchar_t** ringdown_wmain_words;
wchar_t** ringdown_wmain_variables;
}

namespace {

// Texts of UTF-8 up to a null pointer, as wide ones.
wchar_t** widened(char** texts) {
  size_t count = 0;
  while (texts[count] != nullptr) ++count;
  auto** const wide = static_cast<wchar_t**>(calloc(count + 1, sizeof(wchar_t*)));
  for (size_t i = 0; wide != nullptr && i < count; ++i) {
    const int size = MultiByteToWideChar(CP_ACP, 0, texts[i], -1, nullptr, 0);
    wide[i] = static_cast<wchar_t*>(malloc(static_cast<size_t>(size) * sizeof(wchar_t)));
    if (wide[i] == nullptr) return nullptr;
    MultiByteToWideChar(CP_ACP, 0, texts[i], -1, wide[i], size);
  }
  return wide;
}

int refuse(const char* why) {
  fprintf(stderr, "ringdown-wmain: %s\n", why);
  return 127;
}

}  // namespace

int main(int count, char** arguments, char** environment) {
  wchar_t** const words = ringdown_wmain_words = widened(arguments);
  wchar_t** const variables = ringdown_wmain_variables = widened(environment);
  if (words == nullptr || variables == nullptr) return refuse("there is no memory");
  if (of_c != nullptr) return of_c(count, words, variables);
  if (of_nothing != nullptr) return of_nothing();
  if (of_arguments != nullptr) return of_arguments(count, words);
  if (of_const_arguments != nullptr) return of_const_arguments(count, words);
  if (of_environment != nullptr) return of_environment(count, words, variables);
  if (of_const_environment != nullptr) return of_const_environment(count, words, variables);
  return refuse("the program has neither main nor a wmain of (int, wchar_t**)");
}
