// What the parts of the stand-in driver share.
#pragma once
#include "kernel.h"
#include <stddef.h>

// Results of driver calls, as CUDA numbers them.
enum Result {
    Success = 0, InvalidValue = 1, OutOfMemory = 2, InvalidDevice = 101, InvalidContext = 201, InvalidPtx = 218, NotFound = 500,
    LaunchFailed = 719, Unknown = 999
};

// A module holds one kernel: that is how ILGPU makes them.
struct Module {
    void (*run)(struct Thread *);
    const char *name;
    int parameterBytes, sharedBytes, barriers, places;
};

enum { MaxThreads = 1024, MaxShared = 48 << 10, MaxParameters = 4352 };

struct Grid { u32 groups[3], threads[3]; };

// memory.c
u64 total_memory(void);
u64 used_memory(void);
enum Result allocate(u64 bytes, void **address);
enum Result release(void *address);

// module.c: translates and loads PTX, with multiply-adds contracted or not. Why that failed is written to the log.
enum Result load_module(const char *ptx, int contract, char *log, size_t logBytes, struct Module **module);

// launch.c: runs every thread to its end. 0 if a check failed; the text then says which.
int run_grid(const struct Module *module, struct Grid grid, const unsigned char *parameters, char *text, size_t textBytes);
