/* The log after a failed sync and after a kill: what is acknowledged, where it
 * is, and what a power cut at any moment leaves.
 *
 * Writes are numbered from 1. A segment is what was written to it (w, in the
 * page cache), what is believed durable (d), and what is (rd). A failed sync
 * leaves pages that the kernel calls clean and that may be nowhere on the disk:
 * a later sync of the same file says success and does nothing for them. fl: a
 * durable manifest has tables up to there. prev: the segment before, which
 * must be whole (pend) wherever tables do not cover it (prd: what it has).
 *
 * Properties, at any moment: everything acknowledged is there after a power cut,
 * the start is not refused because a segment's predecessor ends early, and no
 * segment follows a hole.
 *
 * Runs of run-models.sh, and its mutants:
 * run:
 * run: -DMAXS=5 -DMAXF=3 -DMAXK=3
 * mutant: -DBAD_RETRY
 * mutant: -DBAD_ACK
 * mutant: -DBAD_PUBLISH
 * mutant: -DBAD_NOSYNC
 * mutant: -DBAD_REWRITE
 * mutant: -DBAD_CHAIN
 *
 * RETRY: the sync is tried again. ACK: what was frozen is acknowledged before
 * its tables are published. PUBLISH: the log begins again before they are.
 * NOSYNC: a start goes on behind the replayed log without a sync of its end.
 * REWRITE: it syncs that end without writing it again. CHAIN: the log that
 * begins again names the failed segment as its predecessor. */
#ifndef MAXS
#define MAXS 4              /* writes */
#endif
#ifndef MAXF
#define MAXF 2              /* failed syncs */
#endif
#ifndef MAXK
#define MAXK 2              /* kills */
#endif
byte last, fl, ack;         /* highest write; flushed and published; acknowledged */
byte base, w, d, rd;        /* the segment: what precedes its first record, ... */
byte prd, pend; bool prev;  /* its predecessor */
bool failed, clean;         /* no writes are taken; d to w may be nowhere */
byte V, phase;              /* what is frozen, and how far that got */
byte fails, kills;
active proctype Daemon(){ byte x;
  do
  :: atomic{ !failed && last<MAXS -> last++; w=last }
  :: atomic{ !failed && d<w ->                                 /* a sync that succeeds, */
       if :: !clean -> rd=w :: else fi; d=w; if :: d>ack -> ack=d :: else fi }
  :: atomic{ !failed && d<w && fails<MAXF ->                   /* and one that does not */
       fails++; failed=true; clean=true; if :: true -> rd=w :: true fi }
#ifdef BAD_RETRY
  :: atomic{ failed -> failed=false }
#endif
  :: atomic{ failed && phase==0 -> V=last;                     /* freeze; write and sync the tables */
#ifdef BAD_ACK
       ack=V;
#endif
       phase=1 }
#ifdef BAD_PUBLISH
  :: atomic{ phase==2 -> fl=V; phase=0 }
  :: atomic{ phase==1 -> phase=2;
#else
  :: atomic{ phase==1 -> fl=V; phase=2 }                       /* publish */
  :: atomic{ phase==2 -> phase=0;                              /* begin again: a new file, its header synced */
#endif
#ifdef BAD_CHAIN
       prev=true; prd=rd; pend=w; fl=0;
#else
       prev=false; prd=0; pend=0;
#endif
       base=V; w=V; d=V; rd=V; clean=false; failed=false; ack=V }
  :: atomic{ kills<MAXK -> kills++;                            /* kill -9: the page cache stays, memory goes */
       x=w; if :: fl>x -> x=fl :: else fi;
       prev=(w>fl); pend=w;
       /* the start writes the end that is not known to be durable again, and syncs it */
#ifdef BAD_NOSYNC
       prd=rd;
#else
#ifdef BAD_REWRITE
       prd=(clean -> rd : w);
#else
       prd=w;
#endif
#endif
       last=x; base=x; w=x; d=x; rd=x; clean=false; failed=false; phase=0; V=0;
       if :: x>ack -> ack=x :: else fi; x=0 }
  od }
active proctype PowerCut(){ byte r;
  do ::
     atomic{ r=fl;
       if :: prev && pend>fl -> assert(prd>=pend); r=prd :: else fi;
       assert(base<=r);                                        /* no hole before it */
       if :: rd>r -> r=rd :: else fi;
       assert(r>=ack); r=0 }
  od }
