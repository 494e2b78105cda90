/*
 * Lamport's fast mutual exclusion (1987) over shared words; every process goes through once,
 * the first one twice (-DTWICE=n: the first n). The same algorithm,
 * statement by statement, is bench/litmus/lock.litmus. One shared access is one atomic step, together with what the
 * process computes from it before its next one: that is how Pinfold steps.
 */
#ifndef N
#define N 4
#endif
#ifndef TWICE
#define TWICE 1
#endif

byte x, y, owner;
byte b[N + 1];

active [N] proctype P() {
  byte r;
  byte j;
  byte me = _pid + 1;
  bool more = (_pid < TWICE);
again:
  b[me] = 1;
  x = me;
  atomic { r = y; if :: r != 0 -> skip :: else -> goto free fi };
  b[me] = 0;
busy:
  atomic { r = y; if :: r != 0 -> goto busy :: else -> goto again fi };
free:
  y = me;
  atomic { r = x; if :: r == me -> goto critical :: else -> skip fi };
  d_step { b[me] = 0; j = 1; r = 1 };
scan:
  atomic { r = b[j]; if :: r != 0 -> goto scan :: else -> j++ fi; if :: j <= N -> r = 1; goto scan :: else -> j = 0 fi };
  atomic { r = y; if :: r == me -> goto critical :: r == 0 -> goto again :: else -> skip fi };
late:
  atomic { r = y; if :: r != 0 -> goto late :: else -> goto again fi };
critical:
  owner = me;
  atomic { r = owner; assert(r == me) };
  y = 0;
  atomic { b[me] = 0; r = 0; if :: more -> more = 0; goto again :: else fi }
}
