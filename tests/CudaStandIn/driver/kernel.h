// What a translated kernel sees: its thread, the memory that it may touch, and the checks that every access passes.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

// Who used one word of memory last, and when. For shared memory the time is the interval between two barriers, for global memory it is the launch.
struct Word { u32 writeTime, writer, readTime, reader; };

// An allocation in global memory, and its words.
struct Range { u64 start, end; struct Word *words; };

struct Thread {
    u32 tid[3], ctaid[3], ntid[3], nctaid[3];
    const unsigned char *parameters;
    unsigned char *shared;
    struct Word *sharedWords;
    u64 sharedBytes;
    u32 inGroup, inGrid; // its number in the group, and in the grid
    u32 interval, launch;
    int deletedBarrier;
    struct Range *ranges; // by place in the program, the allocation that was used there last
};

#define DRIVER __attribute__((visibility("default")))
DRIVER void standin_fault(struct Thread *, const char *what, int line, u64 address) __attribute__((noreturn, cold));
DRIVER void standin_barrier(struct Thread *, int number);
DRIVER void standin_find(struct Thread *, u64 address, int bytes, int line, struct Range *range);

enum { ManyReaders = 0xFFFFFFFF };

// Two threads race if both use a word at the same time and one of them writes.
static inline void use_word(struct Thread *t, struct Word *word, u32 time, u32 thread, int write, int line, u64 address)
{
    if (word->writeTime == time && word->writer != thread) standin_fault(t, write ? "a race of two writes" : "a race of a read after a write", line, address);
    if (write) {
        if (word->readTime == time && word->reader != thread) standin_fault(t, "a race of a write after a read", line, address);
        word->writeTime = time;
        word->writer = thread;
    } else if (word->readTime != time) {
        word->readTime = time;
        word->reader = thread;
    } else if (word->reader != thread) {
        word->reader = ManyReaders;
    }
}

static inline void use_shared(struct Thread *t, u64 address, int bytes, int write, int line)
{
    u64 offset = address - (u64)t->shared;
    if (offset + bytes > t->sharedBytes || offset > t->sharedBytes) standin_fault(t, "an access outside shared memory", line, offset);
    if (offset % bytes) standin_fault(t, "a misaligned access to shared memory", line, offset);
    for (int i = 0; i < bytes / 4; i++) use_word(t, t->sharedWords + offset / 4 + i, t->interval, t->inGroup, write, line, offset);
}

static inline void use_global(struct Thread *t, u64 address, int bytes, int write, int line, int place)
{
    struct Range *range = t->ranges + place;
    if (address < range->start || address + bytes > range->end) standin_find(t, address, bytes, line, range);
    if (address % bytes) standin_fault(t, "a misaligned access to global memory", line, address);
    for (int i = 0; i < bytes / 4; i++) use_word(t, range->words + (address - range->start) / 4 + i, t->launch, t->inGrid, write, line, address);
}

static inline void use_generic(struct Thread *t, u64 address, int bytes, int write, int line, int place)
{
    if (address - (u64)t->shared < t->sharedBytes) use_shared(t, address, bytes, write, line);
    else use_global(t, address, bytes, write, line, place);
}

static inline void barrier(struct Thread *t, int number)
{
    if (number != t->deletedBarrier) standin_barrier(t, number);
}

static inline float as_float(u32 bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline u32 as_bits(float x) { u32 bits; memcpy(&bits, &x, 4); return bits; }

// cvt.rzi.s32.f32: saturates, and takes NaN to 0.
static inline s32 to_int(float x) { return x != x ? 0 : x >= 2147483648.f ? INT32_MAX : x <= -2147483648.f ? INT32_MIN : (s32)x; }
