// Half and Halves, by the name that the floors use.
#pragma once

#include "ringdown/half.h"
