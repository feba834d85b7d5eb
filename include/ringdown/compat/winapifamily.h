// The name under which Windows programs include ringdown/win32_versions.h.
#pragma once

#include "../win32_versions.h"
