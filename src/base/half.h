#pragma once
#include "ringdown/half.h"
