// Global memory. Every allocation lies between pages that cannot be touched, is filled with NaN, and has a Word for each of its words.
#define _GNU_SOURCE
#include "standin.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { Page = 4096, Alignment = 256, MaxAllocations = 1 << 16 };

struct Allocation { struct Range range; char *pages; u64 mapped; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct Allocation allocations[MaxAllocations]; // by address
static int count;
static u64 used;

u64 total_memory(void) { return 64ull << 30; }

u64 used_memory(void) { return used; }

static u64 words_bytes(struct Range range) { return (range.end - range.start + 3) / 4 * sizeof(struct Word); }

// The last allocation that starts at or before an address, or -1.
static int find(u64 address)
{
    int low = 0, high = count - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        if (allocations[middle].range.start <= address) low = middle + 1;
        else high = middle - 1;
    }
    return high;
}

static void *map(u64 bytes, int access)
{
    void *pages = mmap(NULL, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static int make(u64 bytes, struct Allocation *made)
{
    u64 inside = (bytes + Page - 1) / Page * Page;
    made->mapped = inside + 2 * Page;
    made->pages = map(made->mapped, PROT_NONE);
    if (!made->pages) return 0;
    mprotect(made->pages + Page, inside, PROT_READ | PROT_WRITE);
    memset(made->pages + Page, 0xFF, inside);
    // As near to the page behind it as the alignment allows.
    made->range.start = (u64)made->pages + Page + (inside - bytes) / Alignment * Alignment;
    made->range.end = made->range.start + bytes;
    made->range.words = map(words_bytes(made->range), PROT_READ | PROT_WRITE);
    return made->range.words != NULL;
}

enum Result allocate(u64 bytes, void **address)
{
    struct Allocation made;
    enum Result result = OutOfMemory;
    if (bytes == 0) return InvalidValue;
    pthread_mutex_lock(&lock);
    if (used + bytes <= total_memory() && count < MaxAllocations && make(bytes, &made)) {
        int at = find(made.range.start) + 1;
        memmove(allocations + at + 1, allocations + at, (count++ - at) * sizeof made);
        allocations[at] = made;
        used += bytes;
        *address = (void *)made.range.start;
        result = Success;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

enum Result release(void *address)
{
    enum Result result = InvalidValue;
    pthread_mutex_lock(&lock);
    int at = find((u64)address);
    if (at >= 0 && allocations[at].range.start == (u64)address) {
        struct Allocation gone = allocations[at];
        memmove(allocations + at, allocations + at + 1, (--count - at) * sizeof gone);
        used -= gone.range.end - gone.range.start;
        munmap(gone.pages, gone.mapped);
        munmap(gone.range.words, words_bytes(gone.range));
        result = Success;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void standin_find(struct Thread *t, u64 address, int bytes, int line, struct Range *range)
{
    pthread_mutex_lock(&lock);
    int at = find(address);
    int inside = at >= 0 && address + bytes <= allocations[at].range.end;
    if (inside) *range = allocations[at].range;
    pthread_mutex_unlock(&lock);
    if (!inside) standin_fault(t, "an access outside every allocation", line, address);
}
