// The name under which Windows programs include ringdown/win32.h.
#pragma once

#include "../win32.h"
