// The Python side of the pretrained gate.
#include "binding.h"

#include <new>

#include "dispatch.h"
#include "gate.h"

namespace gatecast {

namespace {

constexpr const char* CAPSULE = "gatecast.gate";

void forget(PyObject* capsule) { delete static_cast<PackedGate*>(PyCapsule_GetPointer(capsule, CAPSULE)); }

}  // namespace

PyObject* pack_gate(PyObject*, PyObject* args) {
    GateShape shape;
    long long units, experts, mixing, levels, middle;
    unsigned long long at[9];
    if (!PyArg_ParseTuple(args, "(LLLLL)(ff)(KKKKKKKKK):pack_gate", &units, &experts, &mixing, &levels, &middle,
                          &shape.least_spread, &shape.known, &at[0], &at[1], &at[2], &at[3], &at[4], &at[5], &at[6],
                          &at[7], &at[8]))
        return nullptr;
    if (units < 1 || experts < 1 || mixing < 1 || levels < 1 || levels > 15 || middle < 0 || middle >= levels) {
        PyErr_SetString(PyExc_ValueError, "sizes must be positive, and levels at most 15");
        return nullptr;
    }
    shape.units = units, shape.experts = experts, shape.mixing = mixing, shape.levels = levels, shape.middle = middle;
    const GateLayer layers[5] = {{floats(at[0]), floats(at[1])},
                                 {floats(at[2]), nullptr},
                                 {floats(at[3]), floats(at[4])},
                                 {floats(at[5]), floats(at[6])},
                                 {floats(at[7]), floats(at[8])}};
    PackedGate* packed = nullptr;
    try {
        packed = new PackedGate(shape, layers, chosen());
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    return PyCapsule_New(packed, CAPSULE, forget);
}

PyObject* weigh(PyObject*, PyObject* args) {
    PyObject* capsule;
    unsigned long long output, error, forecast, quantiles, weights;
    long long count, states, horizon, season, first_ahead, forecast_row, threads;
    if (!PyArg_ParseTuple(args, "O(KKK)(KK)(LLLLLL)L:weigh", &capsule, &output, &error, &forecast, &quantiles, &weights,
                          &count, &states, &horizon, &season, &first_ahead, &forecast_row, &threads))
        return nullptr;
    const PackedGate* gate = static_cast<PackedGate*>(PyCapsule_GetPointer(capsule, CAPSULE));
    if (!gate) return nullptr;
    if (count < 0 || states < 1 || horizon < 1 || season < 1 || first_ahead < 1 || threads < 1) {
        PyErr_SetString(PyExc_ValueError, "sizes must be positive");
        return nullptr;
    }
    const GateRequest request = {count, states, horizon, season, first_ahead, floats(output), floats(error),
                                 floats(forecast), forecast_row, floats(quantiles), floats(weights)};
    return unlocked([&] { gate->weigh(request, threads); });
}

}  // namespace gatecast
