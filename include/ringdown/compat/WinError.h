// The name under which Windows programs include ringdown/win32_errors.h.
#pragma once

#include "../win32_errors.h"
