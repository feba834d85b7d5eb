// The name under which Windows programs include ringdown/win32_sockets.h.
#pragma once

#include "../win32_sockets.h"
