// The Python side: numbers and addresses in, nothing but a capsule out. Built against the limited API, so that one
// build serves every Python from 3.11 on. The caller vouches for the addresses; sizes are checked where that is cheap.
#include "binding.h"

#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "dispatch.h"
#include "pool.h"
#include "stack.h"

using namespace gatecast;

namespace {

const char CAPSULE[] = "gatecast._kernels.memory";

struct Memory {
    Memory(const StackShape& shape, int64_t threads, bool training, Dropout dropout, bool halves)
        : stack(shape, threads, training, dropout, 0, halves) {}
    Stack stack;
    StackData data = {};  // of the forward pass; its states lie in the stack, so backward reads none of the tensors
    std::vector<int64_t> lengths;
    std::vector<float> zeros;  // a state before all that is not given, where it has to be met
};

// The layers leave out the products with a state of 0, of which torch makes NaN where a factor is infinite.
bool zeros_count(const Stack& stack, const std::vector<Weights>& weights) {
    const int64_t count = 4 * stack.shape().units * stack.shape().units;
    for (const Weights& cell : weights)
        if (!std::isfinite(stack.kernels().squares(cell.hidden, count))) return true;
    return false;
}

void forget(PyObject* capsule) { delete static_cast<Memory*>(PyCapsule_GetPointer(capsule, CAPSULE)); }

bool sound(const StackShape& s, long long threads, bool ragged) {
    bool positive = s.batch > 0 && s.steps > 0 && s.features > 0 && s.units > 0 && s.layers > 0 && threads > 0;
    bool kept = s.keep > 0 && s.keep <= s.steps && (s.keep == s.steps || (s.directions == 1 && !ragged));
    if (positive && kept && (s.directions == 1 || s.directions == 2)) return true;
    PyErr_SetString(PyExc_ValueError,
                    "sizes must be positive, directions 1 or 2, and keep at most the number of steps");
    return false;
}

PyObject* lstm_forward(PyObject*, PyObject* args) {
    long long batch, steps, features, units, layers, directions, x_row, x_step, out_row, out_step, keep, threads;
    unsigned long long x, lengths, h0, c0, out, hn, cn, seed;
    PyObject* addresses;
    int train, halves;
    double dropout;
    if (!PyArg_ParseTuple(args, "(LLLLLLLLLLL)(KKKKKKK)OLpdKp:lstm_forward", &batch, &steps, &features, &units, &layers,
                          &directions, &x_row, &x_step, &out_row, &out_step, &keep, &x, &lengths, &h0, &c0, &out, &hn,
                          &cn, &addresses, &threads, &train, &dropout, &seed, &halves))
        return nullptr;
    StackShape shape = {batch, steps, features, units, layers, directions, (ptrdiff_t)x_row, (ptrdiff_t)x_step,
                        (ptrdiff_t)out_row, (ptrdiff_t)out_step, keep};
    std::vector<float*> at;
    if (!sound(shape, threads, lengths != 0) || !read_addresses(addresses, 4 * layers * directions, at)) return nullptr;
    std::unique_ptr<Memory> memory;
    bool full = false;
    Py_BEGIN_ALLOW_THREADS
    try {
        memory.reset(new Memory(shape, threads, train != 0, Dropout{(float)dropout, seed}, halves != 0));
        const int64_t* given = reinterpret_cast<const int64_t*>(lengths);
        if (given) memory->lengths.assign(given, given + batch);
        const int64_t* kept = given ? memory->lengths.data() : nullptr;
        memory->data = {floats(x), kept, floats(h0), floats(c0), floats(out), floats(hn), floats(cn)};
        const std::vector<Weights> weights = weights_of(at);
        if (!h0 && !c0 && zeros_count(memory->stack, weights)) {
            memory->zeros.assign((size_t)(layers * directions * batch * units), 0.0f);
            memory->data.h0 = memory->data.c0 = memory->zeros.data();
        }
        memory->stack.forward(memory->data, weights.data());
    } catch (const std::bad_alloc&) {
        full = true;
    }
    Py_END_ALLOW_THREADS
    if (full) return PyErr_NoMemory();
    if (!train) Py_RETURN_NONE;
    return PyCapsule_New(memory.release(), CAPSULE, forget);
}

PyObject* lstm_backward(PyObject*, PyObject* args) {
    PyObject *capsule, *weight_tuple, *gradient_tuple;
    unsigned long long x, dout, dhn, dcn, dx, dh0, dc0;
    long long x_row, x_step, dout_row, dout_step, dx_row, dx_step;
    if (!PyArg_ParseTuple(args, "O(KKKKKKK)(LLLLLL)OO:lstm_backward", &capsule, &x, &dout, &dhn, &dcn, &dx, &dh0, &dc0,
                          &x_row, &x_step, &dout_row, &dout_step, &dx_row, &dx_step, &weight_tuple, &gradient_tuple))
        return nullptr;
    Memory* memory = static_cast<Memory*>(PyCapsule_GetPointer(capsule, CAPSULE));
    if (!memory) return nullptr;
    const StackShape& shape = memory->stack.shape();
    std::vector<float*> weights, gradients;
    const int64_t count = 4 * shape.layers * shape.directions;
    if (!read_addresses(weight_tuple, count, weights) || !read_addresses(gradient_tuple, count, gradients))
        return nullptr;
    StackData data = memory->data;
    data.x = floats(x);
    data.out = nullptr;
    StackGradients given = {floats(dout), floats(dhn), floats(dcn), floats(dx), floats(dh0), floats(dc0),
                            (ptrdiff_t)dout_row, (ptrdiff_t)dout_step, (ptrdiff_t)dx_row, (ptrdiff_t)dx_step};
    return unlocked([&] {
        memory->stack.backward(data, given, weights_of(weights).data(), gradients_of(gradients).data());
    });
}

PyObject* variants(PyObject*, PyObject*) {
    int count;
    const Kernels* const* list = runnable(&count);
    PyObject* names = PyTuple_New(count);
    for (int i = 0; names && i < count; ++i) PyTuple_SetItem(names, i, PyUnicode_FromString(list[i]->name));
    return names;
}

PyObject* variant(PyObject*, PyObject*) { return PyUnicode_FromString(chosen().name); }

PyObject* use(PyObject*, PyObject* args) {
    const char* name;
    if (!PyArg_ParseTuple(args, "s:use", &name)) return nullptr;
    if (!choose(name)) {
        PyErr_Format(PyExc_ValueError, "this machine has no kernels called '%s'", name);
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyMethodDef METHODS[] = {
    {"variants", variants, METH_NOARGS, "Instruction sets that this machine can run, best first."},
    {"variant", variant, METH_NOARGS, "The instruction set in use."},
    {"use", use, METH_VARARGS, "Use another instruction set."},
    {"lstm_forward", lstm_forward, METH_VARARGS, "Run a stack of LSTM layers."},
    {"lstm_backward", lstm_backward, METH_VARARGS, "Its gradients."},
    {"trainer", make_trainer, METH_VARARGS, "What trains a network in place."},
    {"train", train, METH_VARARGS, "Take training steps."},
    {"exponential_smoothing", exponential_smoothing, METH_VARARGS, "Averages of exponential smoothings."},
    {"smoothed_levels", smoothed_levels, METH_VARARGS, "Level and season at every step."},
    {"bank", bank, METH_VARARGS, "The simple forecasts that a pretrained network weighs."},
    {"pack_gate", pack_gate, METH_VARARGS, "The layers above that network's LSTM."},
    {"weigh", weigh, METH_VARARGS, "Weigh forecasts with them."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_kernels", "Kernels of Gatecast.", 0, METHODS, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__kernels() {
    remember_process();
    return PyModule_Create(&MODULE);
}
