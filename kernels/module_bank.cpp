// The Python side of the bank of simple forecasts.
#include "binding.h"

#include "bank.h"

namespace gatecast {

PyObject* bank(PyObject*, PyObject* args) {
    unsigned long long values, first, length, forecast, error, channel, unit;
    long long count, season, long_season, horizon, steps, threads;
    if (!PyArg_ParseTuple(args, "(KKK)(KKKK)(LLLLL)L:bank", &values, &first, &length, &forecast, &error, &channel,
                          &unit, &count, &season, &long_season, &horizon, &steps, &threads))
        return nullptr;
    if (count < 0 || season < 1 || long_season < 0 || horizon < 1 || steps < 1 || threads < 1) {
        PyErr_SetString(PyExc_ValueError, "sizes must be positive");
        return nullptr;
    }
    const BankRequest request = {
        reinterpret_cast<double*>(values), reinterpret_cast<int64_t*>(first), reinterpret_cast<int64_t*>(length), count,
        season, long_season, horizon, steps, floats(forecast), floats(error), floats(channel),
        reinterpret_cast<double*>(unit), 0, nullptr, nullptr, nullptr};
    return unlocked([&] { bank_of_forecasts(request, threads); });
}

}  // namespace gatecast
