/* Who may unlink which file, and when: ownership, fencing, the sweep of a dead
 * compactor's files, and what survives a power cut. Two compactors; the first
 * may crash or pause anywhere and wake as a zombie.
 *
 * File f is bit f; names are never used again. live, obs and cep are the
 * contents of the highest generation; dlive is what survives a power cut (the
 * last sync of the directory). ex: files on disk. pin, pin2: the versions that
 * the daemon's readers hold.
 *
 * Properties: what is live, pinned or durable is on disk.
 *
 * Runs of run-models.sh (NF=5: 24.7 million states), and its mutants:
 * run: -DNF=4
 * mutant: -DNF=4 -DBAD_SWEEPALL
 * mutant: -DNF=4 -DBAD_NOOBS
 * mutant: -DNF=4 -DBAD_NOEPOCH
 * mutant: -DNF=4 -DBAD_NODIRSYNC
 * mutant: -DNF=4 -DBAD_ABORT
 * mutant: -DNF=4 -DBAD_NOPIN
 *
 * SWEEPALL: "unlink what no manifest references". NOOBS: no obsolete list.
 * NOEPOCH: a publish does not look at the epoch. NODIRSYNC: unlink before the
 * directory's sync. ABORT: an unknown outcome is taken for a failure. NOPIN:
 * pinned files are unlinked. */
#ifndef NF
#define NF 5
#endif
#ifdef BAD_NOEPOCH
#define EPOCHOK true
#else
#define EPOCHOK (cep==me)
#endif
#define BIT(i) (1<<(i))
byte ex, live, obs, cep, dlive, pin, pin2, own1, own2, nf;
#define OK  assert((live & ~ex)==0); assert(((pin|pin2) & ~ex)==0); assert((dlive & ~ex)==0)
active proctype Daemon(){ byte f, x;
  do
  :: nf<NF -> atomic{ f=nf; nf++; ex=ex|BIT(f) }                        /* flush: write + fsync an SST */
     atomic{ live=live|BIT(f); OK }                                     /* publish (create-if-absent on the next generation) */
     atomic{ dlive=live; f=0 }                                          /* fsync(directory) */
  :: atomic{ pin!=live -> if :: pin2==0 -> pin2=pin :: true fi; pin=live; OK }   /* reload; a reader may keep the older version */
  :: atomic{ pin2!=0 -> pin2=0 }
  :: obs!=0 ->                                                          /* file GC: only files on the obsolete list */
#ifdef BAD_NOPIN
     x=obs;
#else
     x=obs & ~(pin|pin2);
#endif
#ifndef BAD_NODIRSYNC
     dlive=live;                                                        /* fsync(directory) BEFORE unlink */
#endif
     atomic{ x=x&obs&~live;
#ifndef BAD_NOPIN
       x=x & ~(pin|pin2);
#endif
       ex=ex&~x; OK }
     atomic{ obs=obs&~x; x=0 }                                          /* next publication clears the list */
#ifdef BAD_SWEEPALL
  :: atomic{ x=ex&~(live|obs|pin|pin2); ex=ex&~x; x=0; OK }             /* "unlink what no manifest references" */
#endif
  :: atomic{ pin!=live || pin2!=0 -> pin=live; pin2=0; OK }             /* daemon restart drops its pins */
  od }
proctype Compactor(byte me){ byte in, out, f; bool pub;
  atomic{ cep<me -> cep=me }                                            /* claiming the role is a publication */
  atomic{ if :: me==2 ->                                                /* sweep outputs of dead epochs, decided on a manifest read AFTER the bump */
#ifdef BAD_NOOBS
        f = own1 & ex & ~live;
#else
        f = own1 & ex & ~(live|obs);
#endif
        ex=ex&~f; OK; f=0 :: else fi }
  do
  :: atomic{ (live!=0 && nf<NF) -> in=live; if :: true :: true -> in=in&((in-1)^255) fi; if :: in==0 -> in=live :: else fi }
     atomic{ if :: nf<NF -> f=nf; nf++; ex=ex|BIT(f); out=BIT(f); if :: me==1 -> own1=own1|out :: else -> own2=own2|out fi :: else -> out=0 fi }
     atomic{ pub=false; if :: (out!=0 && (live&in)==in && EPOCHOK) -> live=(live&~in)|out; obs=obs|in; pub=true; OK :: else fi }
#ifdef BAD_ABORT
     if :: true -> pub=false :: true fi;                                /* treats an unknown outcome as a failure */
#endif
     if
     :: pub && cep==me -> dlive=live
     :: pub                                                             /* dies between link() and fsync(directory) */
     :: !pub && out!=0 -> atomic{ ex=ex&~out; OK }                      /* aborted job unlinks its own, never-published output */
     :: !pub && out==0
     fi;
     if :: cep!=me -> break :: else fi; in=0; out=0; f=0; pub=false
  :: atomic{ me==1 -> break }                                           /* crash; compactor 1 may also pause anywhere: the zombie */
  od }
init { atomic{ run Compactor(1); run Compactor(2) } }
