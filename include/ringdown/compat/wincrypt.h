// The name under which Windows programs include ringdown/win32_crypt.h.
#pragma once

#include "../win32_crypt.h"
