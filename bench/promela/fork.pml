/*
 * Two threads pin one page by the lockless walk while a third forks: bench/litmus/fork.litmus at 5.10, with -DSEQ at
 * 5.11, where the walk looks at the fork's sequence count. One atomic step is one access to something that two threads
 * share, in the order in which Pinfold's search stops at them; what a thread computes from an access goes with it.
 */
#define BIAS 1024
#define lock(l)   atomic { !l -> l = 1 }
#define ipi(c)    atomic { !irq_off[c] }
#define alloc()   pool = pool + 1

bool mmap_write, ptl, has_pinned, posted, started;
byte mmap_readers, seq, pool;
bool irq_off[2];
byte pte_pfn;
bool pte_present = 1, pte_write = 1;
short refs[2] = 1;
byte maps[2] = 1, val[2] = 1;
bool referenced[2];
byte pinned_pfn, bad;

/* Breaks copy-on-write of the page: a write fault, with the mmap_lock held. do_wp_page() as of 5.8. */
inline fault() {
  atomic { if :: pte_present && !pte_write -> old = pte_pfn :: else -> goto faulted fi };
  lock(ptl);
  atomic { if :: pte_present && !pte_write && pte_pfn == old -> same = 1 :: else -> same = 0 fi };
  if
  :: same == 0 -> goto unlock
  :: else
  fi;
  atomic { same = 0; if :: refs[old] == 1 -> same = 1 :: else fi };
  if
  :: same -> pte_write = 1; goto unlock
  :: else
  fi;
  refs[old]++;
  ptl = 0;
  alloc();
  copy = val[old];
  lock(ptl);
  atomic { if :: pte_present && !pte_write && pte_pfn == old -> same = 1 :: else -> same = 0 fi };
  if
  :: same == 0 ->
    ptl = 0;
    atomic { refs[old]--; copy = 0; same = 0 };
    goto faulted
  :: else
  fi;
  pte_present = 0;
  ipi(0);
  ipi(1);
  d_step { refs[1] = 1; val[1] = copy; maps[1]++ };
  referenced[1] = 0;
  d_step { pte_pfn = 1; pte_write = 1; pte_present = 1 };
  maps[old]--;
  ptl = 0;
  d_step { refs[old] = refs[old] - 2; same = 0; copy = 0; old = 0 };
  goto faulted;
unlock:
  atomic { ptl = 0; same = 0; old = 0 };
faulted:
  skip
}

active proctype Forker() {
  byte old, copy;
  bool same, early;
  started = 0;
  alloc();
  atomic { !mmap_write && mmap_readers == 0 -> mmap_write = 1 };
#ifdef SEQ
  seq++;
#endif
  alloc();
  alloc();
  alloc();
  lock(ptl);
  skip;
  atomic { if :: has_pinned -> early = 1 :: else fi };
  if
  :: early -> atomic { if :: refs[0] >= BIAS -> skip :: else -> early = 0 fi }
  :: else
  fi;
  if
  :: early ->
    /* the child gets a page of its own; allocated without the lock, and all asked again */
    ptl = 0;
    alloc();
    lock(ptl);
    skip;
    atomic { if :: has_pinned -> skip :: else -> early = 0 fi };
    atomic { if :: refs[0] >= BIAS -> skip :: else -> early = 0 fi }
  :: else
  fi;
  if
  :: early ->
    skip;
    skip;
    skip
  :: else ->
    refs[0]++;
    maps[0]++;
    pte_write = 0
  fi;
  atomic { ptl = 0; early = 0 };
#ifdef SEQ
  seq++;
#endif
  ipi(0);
  ipi(1);
  mmap_write = 0;
  started = 1;
  posted;
again:
  atomic { if :: pte_present && pte_write -> val[pte_pfn] = 2; goto written :: else fi };
  atomic { !mmap_write -> mmap_readers++ };
  fault();
  mmap_readers--;
  goto again;
written:
  atomic { if :: val[pinned_pfn] != 2 -> bad = 1; assert(false) :: else fi }
}

active [2] proctype Pinner() {
  byte old, copy, pfn, s;
  bool same;
  byte me = _pid - 1;
  has_pinned = 1;
#ifdef SEQ
  atomic { s = seq; if :: s & 1 -> goto slow :: else fi };
#endif
  irq_off[me] = 1;
  atomic { if :: pte_present && pte_write -> pfn = pte_pfn :: else -> pfn = 9 fi };
  if
  :: pfn != 9 ->
    atomic { if :: refs[pfn] > 0 -> refs[pfn]++ :: else -> pfn = 9 fi };
    refs[pfn] = refs[pfn] + BIAS - 1;
    atomic { if :: pte_present && pte_write && pte_pfn == pfn -> same = 1 :: else -> same = 0 fi };
    if
    :: same -> if :: !referenced[pfn] -> referenced[pfn] = 1 :: else fi
    :: else -> d_step { refs[pfn] = refs[pfn] - BIAS; pfn = 9 }
    fi
  :: else
  fi;
  atomic { irq_off[me] = 0; same = 0 };
#ifdef SEQ
  atomic { if :: seq != s -> same = 1 :: else fi; s = 0 };
  if
  :: same && pfn != 9 -> d_step { refs[pfn] = refs[pfn] - BIAS; pfn = 9; same = 0 }
  :: else -> same = 0
  fi;
#endif
  if
  :: pfn != 9 -> goto pinned
  :: else
  fi;
slow:
  atomic { !mmap_write -> mmap_readers++ };
follow:
  lock(ptl);
  atomic { if :: pte_present && pte_write -> pfn = pte_pfn :: else -> pfn = 9 fi };
  if
  :: pfn != 9 ->
    skip;
    refs[pfn] = refs[pfn] + BIAS;
    if :: !referenced[pfn] -> referenced[pfn] = 1 :: else fi;
    ptl = 0;
    mmap_readers--;
    goto pinned
  :: else
  fi;
  ptl = 0;
  fault();
  goto follow;
pinned:
  if
  :: me == 0 -> d_step { pinned_pfn = pfn; posted = 1; pfn = 0 }
  :: else -> d_step { refs[pfn] = refs[pfn] - BIAS; pfn = 0 }
  fi
}
