// The calls of the CUDA driver that ILGPU makes. There are two devices; the second contracts multiplications and additions to multiply-adds.
#include "standin.h"
#include <stdio.h>
#include <stdlib.h>

#define EXPORT DRIVER enum Result

struct Context { int device, broken; char fault[512]; };

static __thread struct Context *current;
static __thread char failing[64];

// Makes a driver call fail on this thread of the host, for tests of the messages; an empty name ends that. The variable STANDIN_FAIL does it for a process.
DRIVER void standinFail(const char *call) { snprintf(failing, sizeof failing, "%s", call); }

static int fails(const char *call)
{
    const char *everywhere = getenv("STANDIN_FAIL");
    return strcmp(failing, call) == 0 || (everywhere && strcmp(everywhere, call) == 0);
}

// After a fault every call of the context fails, as on a card.
static enum Result state(void) { return !current ? InvalidContext : current->broken ? LaunchFailed : Success; }

EXPORT cuInit(int flags) { return fails("cuInit") ? Unknown : Success; }
EXPORT cuDriverGetVersion(int *version) { *version = 11080; return Success; }
EXPORT cuDeviceGetCount(int *count) { *count = 2; return fails("cuDeviceGetCount") ? Unknown : Success; }
EXPORT cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < 2 ? Success : InvalidDevice; }

EXPORT cuDeviceGetName(char *name, int length, int device)
{
    snprintf(name, length, "stand-in on the processor%s", device ? ", with contraction" : "");
    return Success;
}

EXPORT cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = total_memory(); return Success; }

// An H100's; 33 is the place on the PCI bus, which tells devices apart.
EXPORT cuDeviceGetAttribute(int *value, int attribute, int device)
{
    static const int values[][2] = {
        { 1, 1024 }, { 2, 1024 }, { 3, 1024 }, { 4, 64 }, { 5, 0x7FFFFFFF }, { 6, 65535 }, { 7, 65535 }, { 8, MaxShared }, { 9, 65536 },
        { 10, 32 }, { 12, 65536 }, { 13, 1980000 }, { 16, 132 }, { 36, 2619000 }, { 37, 5120 }, { 38, 50 << 20 }, { 39, 2048 }, { 40, 3 }, { 75, 9 },
        { 76, 0 }, { 81, 233472 }, { 82, 65536 },
    };
    *value = attribute == 33 ? device : 0;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) if (values[i][0] == attribute) *value = values[i][1];
    return fails("cuDeviceGetAttribute") ? Unknown : Success;
}

EXPORT cuCtxCreate_v2(struct Context **context, int flags, int device)
{
    if (fails("cuCtxCreate_v2")) return Unknown;
    *context = current = calloc(1, sizeof **context);
    current->device = device;
    return Success;
}

EXPORT cuCtxDestroy_v2(struct Context *context) { return context->broken ? LaunchFailed : Success; }
EXPORT cuCtxSetCurrent(struct Context *context) { current = context; return Success; }
EXPORT cuCtxSynchronize(void) { return state(); }
EXPORT cuCtxGetCacheConfig(int *configuration) { *configuration = 0; return Success; }
EXPORT cuCtxSetCacheConfig(int configuration) { return Success; }
EXPORT cuCtxGetSharedMemConfig(int *configuration) { *configuration = 1; return Success; }
EXPORT cuCtxSetSharedMemConfig(int configuration) { return Success; }

// Everything is done at once, so streams need no state.
EXPORT cuStreamCreate(void **stream, int flags) { *stream = (void *)16; return Success; }
EXPORT cuStreamCreateWithPriority(void **stream, int flags, int priority) { *stream = (void *)16; return Success; }
EXPORT cuStreamDestroy_v2(void *stream) { return Success; }
EXPORT cuStreamSynchronize(void *stream) { return state(); }

EXPORT cuMemAlloc_v2(void **address, size_t bytes) { return state() ? state() : allocate(bytes, address); }
EXPORT cuMemFree_v2(void *address) { return state() ? state() : release(address); }
EXPORT cuMemGetInfo_v2(size_t *available, size_t *total) { *total = total_memory(); *available = *total - used_memory(); return Success; }
EXPORT cuMemAllocHost_v2(void **address, size_t bytes) { *address = malloc(bytes); return *address ? Success : OutOfMemory; }
EXPORT cuMemFreeHost(void *address) { free(address); return Success; }

EXPORT cuMemcpyAsync(void *to, const void *from, size_t bytes, void *stream)
{
    if (state() == Success) memmove(to, from, bytes);
    return state();
}

EXPORT cuModuleLoadDataEx(struct Module **module, const char *ptx, unsigned options, const int *names, void **values)
{
    enum { ErrorLog = 5, ErrorLogBytes = 6 };
    char nowhere[1], *log = nowhere;
    size_t bytes = sizeof nowhere;
    if (state()) return state();
    for (unsigned i = 0; i < options; i++) {
        if (names[i] == ErrorLog) log = values[i];
        if (names[i] == ErrorLogBytes) bytes = (size_t)values[i];
    }
    if (!fails("cuModuleLoadDataEx")) return load_module(ptx, current->device, log, bytes, module);
    snprintf(log, bytes, "ptxas application ptx input, line 1; fatal : as the test asked");
    return InvalidPtx;
}

EXPORT cuModuleUnload(struct Module *module) { free(module); return state(); }

EXPORT cuModuleGetFunction(struct Module **function, struct Module *module, const char *name)
{
    *function = module;
    return strcmp(name, module->name) ? NotFound : Success;
}

EXPORT cuLaunchKernel(
    const struct Module *module, u32 groupsX, u32 groupsY, u32 groupsZ, u32 threadsX, u32 threadsY, u32 threadsZ, u32 dynamicShared, void *stream,
    void **arguments, void **packed)
{
    struct Grid grid = { { groupsX, groupsY, groupsZ }, { threadsX, threadsY, threadsZ } };
    u64 threads = (u64)threadsX * threadsY * threadsZ;
    if (state()) return state();
    if (!groupsX || !groupsY || !groupsZ || groupsY > 65535 || groupsZ > 65535 || !threads || threads > MaxThreads || dynamicShared) return InvalidValue;
    // Parameters come as one piece: 1, where; 2, how many bytes. ILGPU may leave out padding at the end.
    if (arguments || !packed || packed[0] != (void *)1 || packed[2] != (void *)2) return InvalidValue;
    int bytes = (int)*(size_t *)packed[3];
    if (bytes > module->parameterBytes || bytes + 8 <= module->parameterBytes || module->sharedBytes > MaxShared) return InvalidValue;
    unsigned char parameters[MaxParameters] = { 0 };
    memcpy(parameters, packed[1], bytes);
    current->broken = !run_grid(module, grid, parameters, current->fault, sizeof current->fault);
    return state();
}

EXPORT cuGetErrorString(enum Result result, const char **text)
{
    static __thread char failure[600];
    switch (result) {
        case Success: *text = "no error"; break;
        case InvalidValue: *text = "invalid argument"; break;
        case OutOfMemory: *text = "out of memory"; break;
        case InvalidDevice: *text = "invalid device ordinal"; break;
        case InvalidContext: *text = "invalid device context"; break;
        case InvalidPtx: *text = "a PTX JIT compilation failed"; break;
        case NotFound: *text = "named symbol not found"; break;
        case LaunchFailed:
            snprintf(failure, sizeof failure, "unspecified launch failure: %s", current ? current->fault : "");
            *text = failure;
            break;
        default: *text = "unknown error"; break;
    }
    return Success;
}
