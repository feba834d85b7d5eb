// The same as C++.
#include "async_half_close.c"
