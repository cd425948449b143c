// The kernels that this machine can run.
#pragma once

#include "kernels.h"

namespace gatecast {

const Kernels* const* runnable(int* count);   // best first
const Kernels& chosen();
bool choose(const char* name);                // false: unknown, or this machine cannot run it

}  // namespace gatecast
