// WinHttpCrackUrl.
#pragma once

#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

// URL_COMPONENTS has pointers to WCHAR of either width in it; they are `Unit`'s here.
template <class Unit>
DWORD crack_url(const Unit* url, DWORD length, DWORD flags, URL_COMPONENTS* components);

}  // namespace ringdown::winhttp
