/* Call sites: the functions that are under way when a call is made, from the innermost to main, each as a module and an
 * offset in it. So a site has the same hash in every run of the same build, wherever the system loads it.
 *
 * The table is a file of records, which all processes of a rank have mapped: nothing has to be written when they end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "faults.h"

enum { SITES = 4096, DEEPEST = 64, TEXT = 4000 };

/* tests/run/faults.py reads these. */
typedef struct record {
    uint64_t hash;   /* 0: the table ends here */
    int64_t calls;   /* from this site */
    char text[TEXT]; /* the call, the path of the first one, and the functions, separated by tabs */
} record;

static record *table;

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static uint64_t add_text(uint64_t hash, const char *text) {
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

uint64_t site_find(char *text, size_t size) {
    void *frame[DEEPEST];
    Dl_info own, info;
    dladdr((void *)(uintptr_t)site_find, &own);
    const int frames = backtrace(frame, DEEPEST);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t length = 0;
    for (int f = 0; f < frames; f++) {
        char name[200];
        if (!dladdr(frame[f], &info) || !info.dli_fname || info.dli_fbase == own.dli_fbase)
            continue;
        snprintf(name, sizeof name, "%s+0x%zx", name_of(info.dli_fname),
                 (size_t)((char *)frame[f] - (char *)info.dli_fbase));
        hash = add_text(hash, name);
        if (length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? " " : "", name);
    }
    return hash;
}

static int note_program(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    *(struct dl_phdr_info *)context = *info;
    return 1; /* the program is the first */
}

bool site_is_in_program(const void *address) {
    struct dl_phdr_info program = {0};
    dl_iterate_phdr(note_program, &program);
    for (int n = 0; n < program.dlpi_phnum; n++) {
        const char *first = (const char *)program.dlpi_addr + program.dlpi_phdr[n].p_vaddr;
        if (program.dlpi_phdr[n].p_type == PT_LOAD && (const char *)address >= first &&
            (const char *)address < first + program.dlpi_phdr[n].p_memsz)
            return true;
    }
    return false;
}

void site_open_table(const char *path) {
    void *frame[1];
    backtrace(frame, 1); /* the first time it loads a library */
    const int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, SITES * sizeof *table) != 0)
        return;
    void *mapped = mmap(NULL, SITES * sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    table = mapped == MAP_FAILED ? NULL : mapped;
    close(fd);
}

/* Two processes may come with a new site at the same time: one of them goes on to the next record. */
void site_note(const char *call, const char *path) {
    char text[TEXT];
    const int begin = snprintf(text, sizeof text, "%s\t%s\t", call, path);
    if (!table || begin < 0 || (size_t)begin >= sizeof text)
        return;
    const uint64_t hash = site_find(text + begin, sizeof text - (size_t)begin);
    for (record *r = table; r < table + SITES; r++) {
        uint64_t none = 0;
        const bool is_new =
            __atomic_compare_exchange_n(&r->hash, &none, hash, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        if (is_new)
            memcpy(r->text, text, sizeof text);
        if (is_new || none == hash) {
            __atomic_add_fetch(&r->calls, 1, __ATOMIC_RELAXED);
            return;
        }
    }
}
