// The Python side of the trainer.
#include "binding.h"

#include <string.h>

#include <memory>
#include <new>

#include "trainer.h"

namespace gatecast {

namespace {

const char CAPSULE[] = "gatecast._kernels.trainer";

void forget(PyObject* capsule) { delete static_cast<Trainer*>(PyCapsule_GetPointer(capsule, CAPSULE)); }

// Position of a name in a list, or -1 with a ValueError.
int position(const char* name, const char* const* names, int count) {
    for (int i = 0; i < count; ++i)
        if (strcmp(name, names[i]) == 0) return i;
    PyErr_Format(PyExc_ValueError, "the trainer does not know '%s'", name);
    return -1;
}

bool read_numbers(PyObject* tuple, std::vector<double>& to) {
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "a tuple of numbers is needed");
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(tuple); ++i) {
        to.push_back(PyFloat_AsDouble(PyTuple_GetItem(tuple, i)));
        if (PyErr_Occurred()) return false;
    }
    return true;
}

const int64_t AFTER_LSTM = 7;   // parameters that do not belong to a layer

Parameters parameters_of(const std::vector<float*>& at, int64_t layers) {
    Parameters all;
    all.lstm = gradients_of(std::vector<float*>(at.begin(), at.begin() + 4 * layers));
    float* const* after = at.data() + 4 * layers;
    all.readout = after[0];
    all.readout_bias = after[1];
    all.skip = after[2];
    all.from_state = after[3];
    all.from_state_bias = after[4];
    all.from_future = after[5];
    all.out = after[6];
    return all;
}

bool sound(const NetworkShape& s, const Training& t) {
    const bool positive = s.lookback > 0 && s.features > 0 && s.patch > 0 && s.units > 0 && s.layers > 0 &&
                          s.origins > 0 && s.horizon > 0 && s.targets > 0 && s.raws > 0 && s.skip >= 0 &&
                          s.future >= 0 && t.threads > 0 && t.parts > 0;
    const bool fitting =
        positive && s.lookback >= s.patch && s.origins <= s.lookback / s.patch && (s.patch == 1 || s.origins == 1);
    const bool levels = t.loss != Loss::pinball ||
                        ((int64_t)t.levels.size() == s.raws && t.middle >= 0 && t.middle < s.raws && s.raws <= 64);
    if (fitting && levels) return true;
    PyErr_SetString(PyExc_ValueError, "sizes of the network and its training do not fit together");
    return false;
}

}  // namespace

PyObject* make_trainer(PyObject*, PyObject* args) {
    static const char* const LOSSES[] = {"mse", "mae", "huber", "pinball"};
    static const char* const OPTIMIZERS[] = {"none", "sgd", "adam", "adamw"};
    long long lookback, features, patch, units, layers, origins, horizon, targets, raws, skip, future;
    long long middle, threads, parts, count;
    unsigned long long seed, values, gradient, first, second;
    const char *loss, *optimizer;
    double momentum, decay, clip, dropout;
    PyObject *levels, *value_tuple, *gradient_tuple;
    if (!PyArg_ParseTuple(args, "(LLLLLLLLLLL)(sOLsddddKLL)OO(LKKKK):trainer", &lookback, &features, &patch, &units,
                          &layers, &origins, &horizon, &targets, &raws, &skip, &future, &loss, &levels, &middle,
                          &optimizer, &momentum, &decay, &clip, &dropout, &seed, &threads, &parts, &value_tuple,
                          &gradient_tuple, &count, &values, &gradient, &first, &second))
        return nullptr;
    const int which_loss = position(loss, LOSSES, 4);
    const int which_optimizer = which_loss < 0 ? -1 : position(optimizer, OPTIMIZERS, 4);
    std::vector<double> numbers;
    if (which_optimizer < 0 || !read_numbers(levels, numbers)) return nullptr;
    NetworkShape shape = {lookback, features, patch, units, layers, origins, horizon, targets, raws, skip, future};
    const std::vector<float> rising(numbers.begin(), numbers.end());
    Training training = {(Loss)which_loss, rising, middle, (Optimizer)which_optimizer, (float)momentum, (float)decay,
                         (float)clip, (float)dropout, seed, threads, parts};
    std::vector<float*> value_at, gradient_at;
    if (!sound(shape, training) || !read_addresses(value_tuple, 4 * layers + AFTER_LSTM, value_at) ||
        !read_addresses(gradient_tuple, 4 * layers + AFTER_LSTM, gradient_at))
        return nullptr;
    Flat flat = {count, floats(values), floats(gradient), floats(first), floats(second)};
    const Parameters at_values = parameters_of(value_at, layers), at_gradients = parameters_of(gradient_at, layers);
    Trainer* trainer = new (std::nothrow) Trainer(shape, training, at_values, at_gradients, flat);
    return trainer ? PyCapsule_New(trainer, CAPSULE, forget) : PyErr_NoMemory();
}

// Steps over consecutive batches that lie one after the other; per step (loss, error, norm) go to `results`.
PyObject* train(PyObject*, PyObject* args) {
    PyObject *capsule, *size_tuple, *rate_tuple;
    unsigned long long context, target, weight, future, results;
    long long context_row, target_row, future_row, number;
    if (!PyArg_ParseTuple(args, "O(KKKK)(LLL)OOLK:train", &capsule, &context, &target, &weight, &future, &context_row,
                          &target_row, &future_row, &size_tuple, &rate_tuple, &number, &results))
        return nullptr;
    Trainer* trainer = static_cast<Trainer*>(PyCapsule_GetPointer(capsule, CAPSULE));
    std::vector<double> sizes, rates;
    if (!trainer || !read_numbers(size_tuple, sizes) || !read_numbers(rate_tuple, rates)) return nullptr;
    bool matched = sizes.size() == rates.size();
    for (double size : sizes) matched = matched && size >= 1;
    if (!matched) {
        PyErr_SetString(PyExc_ValueError, "each step needs a batch of at least one window and a learning rate");
        return nullptr;
    }
    if (trainer->needs_future() && !future) {
        PyErr_SetString(PyExc_ValueError, "the network has a step readout: future covariates are needed");
        return nullptr;
    }
    bool full = false;
    Py_BEGIN_ALLOW_THREADS
    try {
        int64_t row = 0;
        for (size_t i = 0; i < sizes.size(); ++i) {
            TrainingBatch batch = {(int64_t)sizes[i], floats(context) + row * context_row,
                                   floats(target) + row * target_row,
                                   weight ? floats(weight) + row * target_row : nullptr,
                                   future ? floats(future) + row * future_row : nullptr};
            StepResult result = trainer->step(batch, number + (int64_t)i, (float)rates[i]);
            float* to = floats(results) + 3 * i;
            to[0] = result.loss;
            to[1] = result.error;
            to[2] = result.norm;
            row += batch.rows;
        }
    } catch (const std::bad_alloc&) {
        full = true;
    }
    Py_END_ALLOW_THREADS
    if (full) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

}  // namespace gatecast
