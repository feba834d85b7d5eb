// The same as C++.
#include "sync_echo.c"
