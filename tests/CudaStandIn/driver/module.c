// Modules: PTX is translated to C by PtxToC, which lies beside this library, compiled by the C compiler and loaded. Results are kept in a folder `cache`.
#define _GNU_SOURCE
#include "standin.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// FNV-1a.
static u64 hash(const char *text)
{
    u64 h = 14695981039346656037ull;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211ull;
    return h;
}

// Runs a program with its messages in a file; whether it succeeded.
static int run(char *const arguments[], const char *messages)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, messages, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ) == 0) waitpid(child, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    return status == 0;
}

static void read_start(const char *path, char *text, size_t bytes)
{
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, bytes - 1, file) : 0;
    text[length] = 0;
    if (file) fclose(file);
}

static void folder_of_this(char *folder)
{
    Dl_info info;
    char path[PATH_MAX];
    dladdr((void *)folder_of_this, &info);
    if (!realpath(info.dli_fname, path)) strcpy(path, ".");
    strcpy(folder, dirname(path));
}

// Makes the library of a kernel under a name of this process's own, and then gives it its name: another process may be doing the same.
static int build(const char *folder, const char *base, const char *ptx, int contract, const char *library, char *log, size_t logBytes)
{
    char source[PATH_MAX + 8], c[PATH_MAX + 8], messages[PATH_MAX + 8], made[PATH_MAX + 8], translator[PATH_MAX + 16];
    char include[PATH_MAX + 8], driver[PATH_MAX + 16];
    snprintf(source, sizeof source, "%s.ptx", base);
    snprintf(c, sizeof c, "%s.c", base);
    snprintf(messages, sizeof messages, "%s.txt", base);
    snprintf(made, sizeof made, "%s.so", base);
    snprintf(translator, sizeof translator, "%s/PtxToC.dll", folder);
    snprintf(include, sizeof include, "-I%s", folder);
    snprintf(driver, sizeof driver, "%s/libcuda.so.1", folder);
    FILE *file = fopen(source, "w");
    if (!file) { snprintf(log, logBytes, "cannot write %s", source); return 0; }
    fputs(ptx, file);
    fclose(file);
    char *const translate[] = { "dotnet", translator, source, c, NULL };
    char *const compile[] = {
        // The third option has the compiler contract across statements, too.
        "cc", "-O1", "-w", "-fexpensive-optimizations", "-fwrapv", "-shared", "-fPIC", include, c, driver, "-lm", "-o", made,
#ifdef __x86_64__
        contract ? "-mfma" : "-msse2",
#endif
        contract ? "-ffp-contract=fast" : "-ffp-contract=off", NULL,
    };
    int success = run(translate, messages) && run(compile, messages) && rename(made, library) == 0;
    if (!success) read_start(messages, log, logBytes);
    unlink(source);
    unlink(messages);
    unlink(c);
    return success;
}

static int number(void *library, const char *name) { return *(int *)dlsym(library, name); }

enum Result load_module(const char *ptx, int contract, char *log, size_t logBytes, struct Module **module)
{
    char folder[PATH_MAX], cache[PATH_MAX + 16], library[PATH_MAX + 64], base[PATH_MAX + 64];
    folder_of_this(folder);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    mkdir(cache, 0755);
    snprintf(library, sizeof library, "%s/%016llx%s.so", cache, (unsigned long long)hash(ptx), contract ? "-contracted" : "");
    snprintf(base, sizeof base, "%s/%d", cache, getpid());
    pthread_mutex_lock(&lock);
    int there = access(library, R_OK) == 0 || build(folder, base, ptx, contract, library, log, logBytes);
    void *loaded = there ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (there && !loaded) snprintf(log, logBytes, "%s", dlerror());
    pthread_mutex_unlock(&lock);
    if (!loaded) return InvalidPtx;
    *module = malloc(sizeof **module);
    **module = (struct Module) {
        .run = (void (*)(struct Thread *))dlsym(loaded, "run"), .name = dlsym(loaded, "name"), .parameterBytes = number(loaded, "parameterBytes"),
        .sharedBytes = number(loaded, "sharedBytes"), .barriers = number(loaded, "barriers"), .places = number(loaded, "places"),
    };
    return Success;
}
