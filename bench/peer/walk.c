/*
 * The peer of `make bench pin`: pinning and releasing pages as cheaply as C can with the same walk.
 *
 * A page structure of 64 bytes, entries of 8 bytes, four levels. For each page:
 *   pin    read the entry; present, writable, for users and not special; the page's head;
 *          atomic add of 1024 to the head's reference count, which must have been positive; read the
 *          entry and the one above it again, which must not have changed, and the head; store the
 *          page's number (4 bytes) in the list.
 *   unpin  the page's head; atomic subtraction of 1024; look whether that was the last reference.
 * A leaf of 2 MiB takes one addition to the reference count and one to the pin count, and stores its
 * pages' numbers; releasing it gathers neighbours of one head.
 * Left out are the tests of flags and the counters of pages pinned that the kernel and Pinfold have.
 *
 * Arguments: `sequential` or `scattered` or `leaf`, and a number of pages. Then one round for each line on
 * standard input; answers `<ns of the pin> <ns of the unpin>` by page.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define MEMORY (1u << 20) /* pages of memory: 4 GiB */
#define BIAS 1024
#define PIECE 4096 /* pages timed together */
#define PIECE_CALLS(nr) ((nr) < PIECE ? 8192 / (nr) : 1)
#define PRESENT 1ull
#define WRITE 2ull
#define USER 4ull
#define LEAF 0x80ull
#define SPECIAL 0x200ull

struct page {
  uint64_t flags;
  uint64_t compound_head; /* bit 0: a tail, head number above */
  uint64_t mapping, index, private;
  int32_t mapcount;
  _Atomic int32_t refcount;
  _Atomic int32_t pincount;
  uint32_t order, spare[2];
};
_Static_assert(sizeof(struct page) == 64, "a page structure is one cache line");

static struct page *map;
static uint64_t *tables;
static uint64_t table_count = 1; /* table 0 is the top one */

static void *memory(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(1); }
  memset(p, 0, bytes);
  return p;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint64_t look(const uint64_t *p) { return *(const volatile uint64_t *)p; }

static uint64_t *entry(uint64_t vpn, int level) {
  uint64_t table = 0;
  for (int l = 3; l > level; l--) {
    uint64_t *e = &tables[table * 512 + (vpn >> (9 * l) & 511)];
    if (*e == 0) *e = table_count++ << 12 | PRESENT | WRITE | USER;
    table = *e >> 12;
  }
  return &tables[table * 512 + (vpn >> (9 * level) & 511)];
}

static struct page *head(struct page *page) {
  uint64_t h = look(&page->compound_head);
  return h & 1 ? &map[h >> 1] : page;
}

static void drop(struct page *h, int n) {
  if (atomic_fetch_sub(&h->refcount, n) == n) abort(); /* the last one would free it */
}

static uint32_t pin_table(const uint64_t *pmdp, uint64_t pmd, uint64_t vpn, uint32_t n, uint32_t *out) {
  const uint64_t *e = &tables[(pmd >> 12) * 512 + (vpn & 511)];
  uint32_t i;
  for (i = 0; i < n; i++, e++) {
    uint64_t pte = look(e);
    if ((pte & (PRESENT | WRITE | USER | SPECIAL)) != (PRESENT | WRITE | USER)) break;
    struct page *page = &map[pte >> 12], *h = head(page);
    if (atomic_fetch_add(&h->refcount, BIAS) <= 0) { drop(h, BIAS); break; }
    if (look(e) != pte || look(pmdp) != pmd || head(page) != h) { drop(h, BIAS); break; }
    out[i] = pte >> 12;
  }
  return i;
}

static uint32_t pin_leaf(const uint64_t *pmdp, uint64_t pmd, uint64_t vpn, uint32_t n, uint32_t *out) {
  if ((pmd & (WRITE | USER)) != (WRITE | USER)) return 0;
  uint32_t pfn = (pmd >> 12) + (vpn & 511);
  struct page *h = head(&map[pfn]);
  if (atomic_fetch_add(&h->refcount, (int)n) <= 0) { drop(h, n); return 0; }
  atomic_fetch_add(&h->pincount, (int)n);
  if (look(pmdp) != pmd) { atomic_fetch_sub(&h->pincount, (int)n); drop(h, n); return 0; }
  for (uint32_t i = 0; i < n; i++) out[i] = pfn + i;
  return n;
}

__attribute__((noinline)) static uint32_t pin(uint64_t vpn, uint32_t nr, uint32_t *out) {
  uint32_t done = 0;
  while (done < nr) {
    uint64_t at = vpn + done, e, table = 0;
    const uint64_t *p = NULL;
    for (int level = 3; level > 0; level--) {
      p = &tables[table * 512 + (at >> (9 * level) & 511)];
      e = look(p);
      if (!(e & PRESENT)) return done;
      table = e >> 12;
    }
    uint32_t want = 512 - (at & 511);
    if (want > nr - done) want = nr - done;
    uint32_t got = e & LEAF ? pin_leaf(p, e, at, want, out + done) : pin_table(p, e, at, want, out + done);
    done += got;
    if (got != want) break;
  }
  return done;
}

__attribute__((noinline)) static void unpin(const uint32_t *list, uint32_t nr) {
  uint32_t i = 0;
  while (i < nr) {
    struct page *h = head(&map[list[i]]);
    if (h->order == 0) { drop(h, BIAS); i++; continue; }
    uint32_t n = 1;
    while (i + n < nr && head(&map[list[i + n]]) == h) n++;
    atomic_fetch_sub(&h->pincount, (int)n);
    drop(h, n);
    i += n;
  }
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 3) { fprintf(stderr, "usage: walk sequential|scattered|leaf PAGES\n"); return 2; }
  uint32_t nr = strtoul(argv[2], NULL, 10);
  uint64_t vpn = 0x7f0000000ull;
  map = memory(sizeof(struct page) * (size_t)MEMORY);
  tables = memory(4096ull * (MEMORY / 512 + 64));
  uint32_t *frames = memory(4ull * MEMORY), *list = memory(4ull * nr);
  for (uint32_t i = 0; i < MEMORY; i++) frames[i] = i;
  if (strcmp(argv[1], "scattered") == 0) {
    uint64_t s = 88172645463325252ull;
    for (uint32_t i = MEMORY - 1; i > 0; i--) {
      s ^= s << 13, s ^= s >> 7, s ^= s << 17;
      uint32_t j = s % (i + 1), t = frames[i];
      frames[i] = frames[j], frames[j] = t;
    }
  }
  if (strcmp(argv[1], "leaf") == 0) {
    for (uint32_t i = 0; i < nr; i++) {
      if (i % 512 != 0) { map[i].compound_head = (uint64_t)(i - i % 512) << 1 | 1; continue; }
      *entry(vpn + i, 1) = (uint64_t)i << 12 | PRESENT | WRITE | USER | LEAF;
      map[i].order = 9, map[i].refcount = 1;
    }
  } else {
    for (uint32_t i = 0; i < nr; i++) {
      *entry(vpn + i, 0) = (uint64_t)frames[i] << 12 | PRESENT | WRITE | USER;
      map[frames[i]].refcount = 1;
    }
  }
  /* A round goes by pieces, and the middle one counts: a piece that another program interrupted does not. */
  uint32_t piece = nr < PIECE ? nr : PIECE, calls = PIECE_CALLS(nr), pieces = nr < PIECE ? 8 : nr / PIECE;
  double *pinned = memory(sizeof(double) * pieces), *released = memory(sizeof(double) * pieces);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    for (uint32_t i = 0; i < pieces; i++) {
      uint32_t from = nr < PIECE ? 0 : i * PIECE;
      uint64_t t = now();
      for (uint32_t q = 0; q < calls; q++) if (pin(vpn + from, piece, list + from) != piece) abort();
      pinned[i] = (double)(now() - t) / (calls * piece);
    }
    for (uint32_t i = 0; i < pieces; i++) {
      uint32_t from = nr < PIECE ? 0 : i * PIECE;
      uint64_t t = now();
      for (uint32_t q = 0; q < calls; q++) unpin(list + from, piece);
      released[i] = (double)(now() - t) / (calls * piece);
    }
    qsort(pinned, pieces, sizeof(double), by_size), qsort(released, pieces, sizeof(double), by_size);
    printf("%.4f %.4f\n", pinned[pieces / 2], released[pieces / 2]);
    fflush(stdout);
  }
  return 0;
}
