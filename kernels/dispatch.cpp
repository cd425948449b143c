#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include <atomic>

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif
#if defined(GATECAST_HAS_AMX)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace gatecast {

extern const Kernels kernels_amx, kernels_avx512, kernels_avx2, kernels_portable, kernels_neon;

namespace {

#if defined(__GNUC__) && defined(__x86_64__)
bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#elif defined(_MSC_VER) && defined(_M_X64)
// Both the processor and the operating system (which saves the registers) have to know them.
bool leaf7(int bit, unsigned long long saved) {
    int basic[4], extended[4];
    __cpuid(basic, 1);
    if (!(basic[2] >> 27 & 1) || !(basic[2] >> 12 & 1)) return false;
    __cpuidex(extended, 7, 0);
    return (_xgetbv(0) & saved) == saved && (extended[1] >> bit & 1);
}
bool has_avx512() { return leaf7(16, 0xe6) && leaf7(17, 0xe6) && leaf7(30, 0xe6) && leaf7(31, 0xe6); }
bool has_avx2() { return leaf7(5, 0x6); }
#endif

#if defined(GATECAST_HAS_AMX)
// Leaf 7 tells of bf16 in tiles (edx 22) and of tiles (edx 24), its second part of bf16 in vectors (eax 5). The system
// has to save tiles (bits 17 and 18), and lets a process have them that asks: arch_prctl(ARCH_REQ_XCOMP_PERM, 18).
bool has_amx() {
    unsigned int a, b, c, d, saved, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return false;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return false;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    return (saved >> 17 & 3) == 3 && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#endif

struct List {
    const Kernels* all[5];
    int count = 0;

    List() {
#if defined(GATECAST_HAS_AMX)
        if (has_avx512() && has_amx()) all[count++] = &kernels_amx;
#endif
#if defined(GATECAST_HAS_AVX512)
        if (has_avx512()) all[count++] = &kernels_avx512;
#endif
#if defined(GATECAST_HAS_AVX2)
        if (has_avx2()) all[count++] = &kernels_avx2;
#endif
#if defined(GATECAST_HAS_NEON)
        all[count++] = &kernels_neon;
#endif
#if defined(GATECAST_HAS_PORTABLE)
        all[count++] = &kernels_portable;
#endif
    }

    const Kernels* named(const char* name) const {
        for (int i = 0; name && i < count; ++i)
            if (strcmp(all[i]->name, name) == 0) return all[i];
        return nullptr;
    }
};

const List& list() {
    static const List only;
    return only;
}

std::atomic<const Kernels*>& current() {
    static std::atomic<const Kernels*> kernels{[] {
        const Kernels* wanted = list().named(getenv("GATECAST_KERNELS"));
        return wanted ? wanted : list().all[0];
    }()};
    return kernels;
}

}  // namespace

const Kernels* const* runnable(int* count) {
    *count = list().count;
    return list().all;
}

const Kernels& chosen() { return *current().load(); }

bool choose(const char* name) {
    const Kernels* found = list().named(name);
    if (found) current().store(found);
    return found != nullptr;
}

}  // namespace gatecast
