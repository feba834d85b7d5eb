// The name under which Windows programs include ringdown/winhttp.h.
#pragma once

#include "../winhttp.h"
