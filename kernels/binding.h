// What the parts of the Python side share.
#pragma once

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>

#include <stdint.h>

#include <new>
#include <vector>

#include "kernels.h"

namespace gatecast {

inline float* floats(unsigned long long address) { return reinterpret_cast<float*>(address); }

// A tuple of count addresses, or a ValueError.
inline bool read_addresses(PyObject* tuple, int64_t count, std::vector<float*>& to) {
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != count) {
        PyErr_Format(PyExc_ValueError,
                     "%lld addresses are needed: four for each layer and direction, and those of the readout",
                     (long long)count);
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(tuple); ++i) {
        to.push_back(floats(PyLong_AsUnsignedLongLong(PyTuple_GetItem(tuple, i))));
        if (PyErr_Occurred()) return false;
    }
    return true;
}

inline std::vector<Weights> weights_of(const std::vector<float*>& at) {
    std::vector<Weights> weights;
    for (size_t i = 0; i < at.size(); i += 4) weights.push_back({at[i], at[i + 1], at[i + 2], at[i + 3]});
    return weights;
}

inline std::vector<Gradients> gradients_of(const std::vector<float*>& at) {
    std::vector<Gradients> gradients;
    for (size_t i = 0; i < at.size(); i += 4) gradients.push_back({at[i], at[i + 1], at[i + 2], at[i + 3]});
    return gradients;
}

// Run what may find no memory, without the interpreter's lock.
template <typename Body>
PyObject* unlocked(const Body& body) {
    bool full = false;
    Py_BEGIN_ALLOW_THREADS
    try {
        body();
    } catch (const std::bad_alloc&) {
        full = true;
    }
    Py_END_ALLOW_THREADS
    if (full) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

PyObject* make_trainer(PyObject*, PyObject* args);
PyObject* train(PyObject*, PyObject* args);
PyObject* exponential_smoothing(PyObject*, PyObject* args);
PyObject* smoothed_levels(PyObject*, PyObject* args);
PyObject* bank(PyObject*, PyObject* args);
PyObject* pack_gate(PyObject*, PyObject* args);
PyObject* weigh(PyObject*, PyObject* args);

}  // namespace gatecast
