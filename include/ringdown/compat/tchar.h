// The name under which Windows programs include ringdown/win32_tchar.h.
#pragma once

#include "../win32_tchar.h"
