// Runs a grid, one group after the other, a fiber for each thread. A fiber runs until its thread reaches a barrier or its end.
#define _GNU_SOURCE
#include "standin.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { StackBytes = 64 << 10 };
enum State { New, Waiting, Ended };

struct Fiber {
    struct Thread thread;
    enum State state;
    int started, barrier;
    ucontext_t start;
    jmp_buf here;
};

// Each thread of the host has its own, so that tests on several threads run side by side.
struct Runner {
    const struct Module *module;
    struct Fiber fibers[MaxThreads], *running;
    char *stacks;
    jmp_buf host;
    unsigned char shared[MaxShared] __attribute__((aligned(256)));
    struct Word sharedWords[MaxShared / 4];
    u32 interval;
    char *text;
    size_t textBytes;
    struct Range *ranges;
};

static __thread struct Runner *runner;
static __thread char deletedIn[200];
static __thread int deletedBarrier = -1;
static u32 launches;

// For tests of the checks: leaves out a barrier, numbered in the order of the PTX, of the kernels of this name that this thread of the host starts. -1 leaves
// out none.
DRIVER void standinDeleteBarrier(const char *kernel, int number)
{
    snprintf(deletedIn, sizeof deletedIn, "%s", kernel);
    deletedBarrier = number;
}

void standin_fault(struct Thread *t, const char *what, int line, u64 address)
{
    snprintf(
        runner->text, runner->textBytes, "%s in line %d of the PTX of %s, at %#llx, by thread %u of group (%u, %u, %u)", what, line, runner->module->name,
        (unsigned long long)address, t->inGroup, t->ctaid[0], t->ctaid[1], t->ctaid[2]);
    _longjmp(runner->host, 2);
}

void standin_barrier(struct Thread *t, int number)
{
    struct Fiber *fiber = (struct Fiber *)t;
    fiber->state = Waiting;
    fiber->barrier = number;
    if (!_setjmp(fiber->here)) _longjmp(runner->host, 1);
}

// The life of a fiber: one thread after the other.
static void live(void)
{
    struct Fiber *fiber = runner->running;
    for (;;) {
        runner->module->run(&fiber->thread);
        fiber->state = Ended;
        if (!_setjmp(fiber->here)) _longjmp(runner->host, 1);
    }
}

static void start(struct Fiber *fiber)
{
    fiber->started = 1;
    getcontext(&fiber->start);
    fiber->start.uc_stack.ss_sp = runner->stacks + (fiber - runner->fibers) * (size_t)StackBytes;
    fiber->start.uc_stack.ss_size = StackBytes;
    makecontext(&fiber->start, live, 0);
    setcontext(&fiber->start);
}

// Lets a fiber run; false if a check failed.
static int resume(struct Fiber *fiber)
{
    int back = _setjmp(runner->host);
    if (back == 0) {
        runner->running = fiber;
        fiber->thread.interval = runner->interval;
        if (fiber->started) _longjmp(fiber->here, 1);
        start(fiber);
    }
    return back == 1;
}

static int run_directly(struct Fiber *fiber)
{
    if (_setjmp(runner->host)) return 0;
    runner->module->run(&fiber->thread);
    return 1;
}

static int fail(const char *format, int number, int other)
{
    int written = snprintf(runner->text, runner->textBytes, format, number, other);
    snprintf(runner->text + written, runner->textBytes - written, " of %s", runner->module->name);
    return 0;
}

// Runs all threads to the next barrier. 1: they wait there. 0: a check failed. -1: they ended.
static int run_interval(int threads)
{
    int waiting = 0, number = -1;
    runner->interval++;
    for (int i = 0; i < threads; i++) {
        // Every other time in reverse: the order must not matter.
        struct Fiber *fiber = runner->fibers + (runner->interval % 2 ? i : threads - 1 - i);
        if (!resume(fiber)) return 0;
        if (fiber->state == Ended) continue;
        if (waiting++ && fiber->barrier != number) return fail("threads of a group wait at barriers %d and %d", number, fiber->barrier);
        number = fiber->barrier;
    }
    if (waiting && waiting < threads) return fail("%d threads of a group wait at barrier %d and the others have ended: a barrier", waiting, number);
    return waiting ? 1 : -1;
}

static int run_group(int threads)
{
    memset(runner->shared, 0xFF, runner->module->sharedBytes);
    if (runner->module->barriers) {
        int state;
        while ((state = run_interval(threads)) == 1) { }
        return state == -1;
    }
    runner->interval++;
    for (int i = 0; i < threads; i++) {
        runner->fibers[i].thread.interval = runner->interval;
        if (!run_directly(runner->fibers + i)) return 0;
    }
    return 1;
}

static void prepare(const struct Module *module, char *text, size_t textBytes)
{
    if (!runner) {
        runner = mmap(NULL, sizeof *runner, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        runner->stacks = mmap(NULL, (size_t)MaxThreads * StackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    runner->module = module;
    runner->text = text;
    runner->textBytes = textBytes;
    runner->ranges = calloc(module->places + 1, sizeof *runner->ranges);
}

static void describe(struct Fiber *fiber, const struct Grid *grid, u32 group, u32 number, u32 threads, u32 launch, const unsigned char *parameters)
{
    const u32 *n = grid->groups, *b = grid->threads;
    fiber->thread = (struct Thread) {
        .tid = { number % b[0], number / b[0] % b[1], number / (b[0] * b[1]) }, .ctaid = { group % n[0], group / n[0] % n[1], group / n[0] / n[1] },
        .ntid = { b[0], b[1], b[2] }, .nctaid = { n[0], n[1], n[2] }, .parameters = parameters, .shared = runner->shared,
        .sharedWords = runner->sharedWords, .sharedBytes = runner->module->sharedBytes, .inGroup = number, .inGrid = group * threads + number,
        .launch = launch, .deletedBarrier = strcmp(runner->module->name, deletedIn) ? -1 : deletedBarrier, .ranges = runner->ranges,
    };
}

int run_grid(const struct Module *module, struct Grid grid, const unsigned char *parameters, char *text, size_t textBytes)
{
    u32 threads = grid.threads[0] * grid.threads[1] * grid.threads[2], groups = grid.groups[0] * grid.groups[1] * grid.groups[2];
    u32 launch = __atomic_add_fetch(&launches, 1, __ATOMIC_RELAXED);
    int sound = 1;
    prepare(module, text, textBytes);
    for (u32 group = 0; group < groups && sound; group++) {
        for (u32 i = 0; i < threads; i++) describe(runner->fibers + i, &grid, group, i, threads, launch, parameters);
        sound = run_group(threads);
    }
    // What a failed check left in the middle starts anew.
    if (!sound) for (u32 i = 0; i < MaxThreads; i++) runner->fibers[i].started = 0;
    free(runner->ranges);
    return sound;
}
