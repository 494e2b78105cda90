/*
 * Two threads pin and release one page by the lockless walk while a third unmaps it and frees its page tables:
 * bench/litmus/unmap.litmus at 5.10. One atomic step is one access to something that two threads share, in the order in
 * which Pinfold's search stops at them; what a thread computes from an access goes with it.
 */
#define BIAS 1024
#define ipi(c)    atomic { !irq_off[c] }

bool irq_off[2];
/* Entries on the way to the page: 0 the top level, 3 the PTE. */
bool gone[4];
short refs = 1;
bool referenced, freed, anon_lock, mmap_lock;
byte free_pages;

active proctype Unmapper() {
  byte level = 2;
  atomic { !mmap_lock -> mmap_lock = 1 };
  atomic { if :: gone[2] -> assert(false) :: else fi };
  gone[3] = 1;
  ipi(0);
  ipi(1);
  atomic { refs--; if :: refs == 0 -> freed = 1 :: else goto held fi };
  free_pages++;
held:
  atomic { !anon_lock -> anon_lock = 1 };
  anon_lock = 0;
tables:
  gone[level] = 1;
  ipi(0);
  ipi(1);
  atomic { free_pages++; if :: level > 0 -> level--; goto tables :: else fi };
  mmap_lock = 0
}

active [2] proctype Pinner() {
  byte me = _pid - 1;
  byte level;
  irq_off[me] = 1;
walk:
  atomic { if :: gone[level] -> level = 9; goto out :: level == 3 -> skip :: else -> level++; goto walk fi };
  skip;
  atomic { if :: refs > 0 -> refs++ :: else -> level = 9; goto out fi };
  refs = refs + BIAS - 1;
  atomic { if :: gone[3] -> skip :: else -> goto taken fi };
  atomic { refs = refs - BIAS; level = 9; if :: refs == 0 -> freed = 1 :: else goto out fi };
  free_pages++;
  goto out;
taken:
  assert(!freed);
  referenced = 1;
out:
  irq_off[me] = 0;
  if
  :: level == 3 ->
    atomic { refs = refs - BIAS; level = 0; if :: refs == 0 -> freed = 1 :: else goto done fi };
    free_pages++
  :: else -> level = 0
  fi;
done:
  skip
}
