// The Python side of the smoothings.
#include "binding.h"

#include "smoothing.h"

namespace gatecast {

namespace {

template <typename T>
T* at(unsigned long long address) { return reinterpret_cast<T*>(address); }

bool read_lags(PyObject* tuple, int64_t horizon, std::vector<int64_t>& to) {
    bool sound = PyTuple_Check(tuple) && PyTuple_Size(tuple) > 0 && PyTuple_Size(tuple) <= MOST_LAGS;
    for (Py_ssize_t i = 0; sound && i < PyTuple_Size(tuple); ++i) {
        to.push_back(PyLong_AsLongLong(PyTuple_GetItem(tuple, i)));
        sound = !PyErr_Occurred() && to.back() > (i ? to[(size_t)i - 1] : 0) && to.back() <= horizon;
    }
    if (!sound && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "lags must rise, within the horizon, 6 at most");
    return sound;
}

template <typename T>
PyObject* levels(const unsigned long long (&data)[6], const long long (&sizes)[3], double alpha, double gamma,
                 long long threads) {
    const LevelRequest<T> request = {at<T>(data[0]), at<int64_t>(data[1]), at<int64_t>(data[2]),
                                     at<int64_t>(data[3]), sizes[0], sizes[1], sizes[2], alpha, gamma,
                                     at<T>(data[4]), at<T>(data[5])};
    return unlocked([&] { smooth_levels(request, threads); });
}

}  // namespace

PyObject* exponential_smoothing(PyObject*, PyObject* args) {
    unsigned long long values, first, origin, out;
    long long row, column, count, columns, horizon, season, threads;
    int wide;
    PyObject* lag_tuple;
    if (!PyArg_ParseTuple(args, "(KKKK)(LL)p(LLLL)OL:exponential_smoothing", &values, &first, &origin, &out, &row,
                          &column, &wide, &count, &columns, &horizon, &season, &lag_tuple, &threads))
        return nullptr;
    std::vector<int64_t> lags;
    if (count < 0 || columns < 0 || horizon < 1 || season < 1 || threads < 1) {
        PyErr_SetString(PyExc_ValueError, "sizes must be positive");
        return nullptr;
    }
    if (!read_lags(lag_tuple, horizon, lags)) return nullptr;
    const SmoothingRequest request = {at<char>(values), (ptrdiff_t)row, (ptrdiff_t)column, wide != 0,
                                      at<int64_t>(first), at<int64_t>(origin), count, columns, horizon, season,
                                      lags.data(), (int64_t)lags.size(), at<double>(out)};
    return unlocked([&] { exponential_smoothings(request, threads); });
}

PyObject* smoothed_levels(PyObject*, PyObject* args) {
    unsigned long long data[6];
    long long sizes[3], threads;
    int wide;
    double alpha, gamma;
    if (!PyArg_ParseTuple(args, "(KKKKKK)p(LLL)(dd)L:smoothed_levels", &data[0], &data[1], &data[2], &data[3], &data[4],
                          &data[5], &wide, &sizes[0], &sizes[1], &sizes[2], &alpha, &gamma, &threads))
        return nullptr;
    if (sizes[0] < 0 || sizes[1] < 1 || sizes[2] < 1 || threads < 1) {
        PyErr_SetString(PyExc_ValueError, "sizes must be positive");
        return nullptr;
    }
    return wide ? levels<double>(data, sizes, alpha, gamma, threads)
                : levels<float>(data, sizes, alpha, gamma, threads);
}

}  // namespace gatecast
