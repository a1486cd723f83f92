/* Versions, snapshots, tombstones, expiry, drops and replay, across a
 * compaction that reads generation N and publishes on M > N.
 *
 * One key. The version with sequence number i is bit i of a mask; bit i of
 * `del` says that it is a tombstone, bit i of `ttl` that it expires, which all
 * of those do at once, when `gone` is set. `drop` is the sequence at which the
 * keyspace was dropped (once): versions below it are invisible to reads at or
 * above it.
 *
 * Expiry has three clocks. `gone` is that of the world and of live reads. A
 * snapshot goes by what it was when the snapshot was registered. The compactor
 * goes by `cgone`, which a job takes at its start: its grace is longer than it
 * takes a snapshot to be listed, so that it follows `gone` once every snapshot
 * from before is in the manifest. What it expires and cannot leave out becomes
 * a tombstone: bit i of `tomb`.
 *
 * Properties: a read at t finds the newest version at or below t, or that there
 * is none, expiry judged by the read's own clock; so does a read after a
 * restart.
 *
 * SNAP: registered snapshots read. READ: pinned reads. EXPIRE, DROP: as above.
 * Runs of run-models.sh, and its mutants (three writes with expiry and snapshots
 * are tens of millions of states more):
 * run: -DSNAP
 * run: -DREAD
 * run: -DSNAP -DEXPIRE -DMAXC=0 -DMAXS=2
 * run: -DSNAP -DDROP -DMAXC=0
 * run: -DREAD -DEXPIRE -DDROP -DMAXC=0
 * run: -DJOBS=2 -DMAXC=0
 * run: -DSNAP -DJOBS=2 -DMAXC=0 -DMAXS=2
 * long: -DJOBS=2
 * long: -DSNAP -DEXPIRE -DDROP -DJOBS=2 -DMAXC=0 -DMAXS=2
 * mutant: -DSNAP -DBAD_CAPTURE
 * mutant: -DSNAP -DBAD_SNAPREG
 * mutant: -DSNAP -DBAD_SCARRY
 * mutant: -DSNAP -DBAD_BOTTOM
 * mutant: -DSNAP -DBAD_RETAIN
 * mutant: -DSNAP -DBAD_PICK
 * mutant: -DSNAP -DBAD_NOCAS
 * mutant: -DSNAP -DBAD_REPLAY
 * mutant: -DREAD -DBAD_READORDER
 * mutant: -DSNAP -DEXPIRE -DMAXC=0 -DMAXS=2 -DBAD_EXPSKIP
 * mutant: -DSNAP -DEXPIRE -DMAXC=0 -DMAXS=2 -DBAD_EXPSEEN
 * mutant: -DSNAP -DEXPIRE -DMAXC=0 -DMAXS=2 -DBAD_GRACE
 * mutant: -DSNAP -DDROP -DMAXC=0 -DBAD_DROPSNAP
 * mutant: -DJOBS=2 -DBAD_JOBS
 *
 * CAPTURE: the snapshots are listed before the freeze. SNAPREG: a snapshot is
 * registered in two steps. SCARRY: the compactor publishes the snapshots of N.
 * BOTTOM: a tombstone goes without a look at what is older. RETAIN: what is
 * newer than the oldest snapshot is kept, nothing else. PICK: the newest of
 * level 0 goes first. NOCAS: the daemon publishes on what it read earlier.
 * REPLAY: flushed sequences are replayed. READORDER: the read sequence is
 * taken before the view. EXPSKIP: an expired version is left out. EXPSEEN: what
 * a listed snapshot sees expires, too. GRACE: the compactor goes by the world's
 * clock. DROPSNAP: a dropped version goes when it is below every snapshot,
 * although a snapshot between it and the drop sees it. JOBS: of two jobs at once
 * the later one does not look whether the level it goes into is as it was. */
#ifndef MAXS
#define MAXS 3              /* writes */
#endif
#ifndef MAXC
#define MAXC 1              /* daemon crashes / power cuts */
#endif
#ifndef JOBS
#define JOBS 1              /* compaction jobs at once */
#endif
#define BIT(i) (1<<(i))
#define UPTO(i) ((1<<((i)+1))-1)
/* g: the clock of the read */
#define DEAD(f,g) ((del&BIT(f)) || ((g) && (ttl&BIT(f))))
#define SEEN(f,r,g) ((f==0 || DEAD(f,g) || (tomb&BIT(f)) || (drop!=0 && r>=drop && f<drop)) -> 0 : f)
#define WANT(r,g) ((r==0 || r==drop || DEAD(r,g)) -> 0 : r)
typedef Man { byte l0; byte l1; byte l2; byte fl; byte S; byte dr }
Man cur, dv;                /* published manifest; version loaded by the daemon */
byte ttl, tomb, drop; bool gone, cgone;
byte old;                   /* live snapshots from before gone */
byte del, last, mem, imm, immhi, wal, dur, live, epoch, crashes;
byte fu, fv, fs, fmin, fsep, fbelow, fshade, fexp;
#define COPY(a,b) a.l0=b.l0; a.l1=b.l1; a.l2=b.l2; a.fl=b.fl; a.S=b.S; a.dr=b.dr
inline top(tm,tt,tr){ tr=tt; do :: tr==0 -> break :: else -> if :: ((tm)&BIT(tr)) -> break :: else -> tr-- fi od }
/* first hit wins, newest place first: catches ordering violations too */
inline lookup(zV,zM,zI,zt,zf){ top(zM,zt,zf); if :: zf==0 -> top(zI,zt,zf); if :: zf==0 -> top(zV.l0,zt,zf); if :: zf==0 -> top(zV.l1,zt,zf);
   if :: zf==0 -> top(zV.l2,zt,zf) :: else fi :: else fi :: else fi :: else fi }
/* compaction rule: newest version per snapshot stripe; drop a tombstone iff nothing older can exist and no snapshot is below it;
   a version expires by the clock zc unless a snapshot sees it, and becomes a tombstone (zt) if it cannot go */
inline filter(zm,zs,zb,zd,zo,zc,zt){ d_step{ fu=0; fv=MAXS; zo=0; zt=0; fmin=0; do :: fmin>MAXS -> break :: else -> if :: ((zs)&BIT(fmin)) -> break :: else -> fmin++ fi od;
  do :: fv==0 -> break :: else -> if :: ((zm)&BIT(fv)) ->
       fsep=(fu==0); fs=fv; do :: fs>=fu -> break :: else -> if :: ((zs)&BIT(fs)) -> fsep=1 :: else fi; fs++ od;
#ifdef BAD_RETAIN
       fsep=(fu==0 || fv>fmin);        /* "keep what is newer than the oldest snapshot" */
#endif
       fbelow=(fmin<fv);
       /* a dropped version goes unless a snapshot below the drop sees it; what is older is dropped too */
       fshade=((zd)!=0 && fv<(zd));
#ifdef BAD_DROPSNAP
       if :: fshade -> fshade=!fbelow :: else fi;
#else
       fs=fv; do :: fs>=(zd) -> break :: else -> if :: ((zs)&BIT(fs)) -> fshade=0 :: else fi; fs++ od;
#endif
       fexp=(zc) && (ttl&BIT(fv))!=0;
#ifndef BAD_EXPSEEN
       fs=fv; do :: fs>MAXS -> break :: else -> if :: ((zs)&BIT(fs)) -> fexp=0 :: else fi; fs++ od;
#endif
#ifdef BAD_EXPSKIP
       if :: gone && (ttl&BIT(fv)) && !fbelow -> fshade=1 :: else fi;
#endif
       if :: fsep && !fshade && !((zb) && (fexp || ((del|tomb)&BIT(fv))) && !fbelow) -> zo=zo|BIT(fv);
          if :: fexp -> zt=zt|BIT(fv) :: else fi :: else fi; fu=fv
     :: else fi; fv-- od; fu=0; fv=0; fs=0; fsep=0; fbelow=0; fshade=0; fexp=0; fmin=0 } }
#ifdef EXPIRE
#define KIND if :: true -> del=del|BIT(last) :: true -> ttl=ttl|BIT(last) :: true fi
#else
#define KIND if :: true -> del=del|BIT(last) :: true fi
#endif
inline write_one(){ last++; KIND; mem=mem|BIT(last); wal=wal|BIT(last); if :: true -> dur=last :: true fi }
/* a flush publishes the drops at or below its last sequence */
#define SETDR if :: drop<=immhi -> cur.dr=drop :: else fi
active proctype Daemon(){ byte cap, e, q; Man n;
  do
  :: atomic{ last<MAXS -> write_one() }
#ifdef EXPIRE
  :: atomic{ !gone && ttl!=0 -> gone=true }
#ifdef BAD_GRACE
  :: atomic{ gone && !cgone -> cgone=true }
#else
  :: atomic{ gone && !cgone && (old&~cur.S)==0 -> cgone=true }
#endif
#ifdef SNAP
  :: atomic{ imm==0 && immhi==0 && cur.S!=live -> cap=live } atomic{ cur.S=cap; cap=0; COPY(dv,cur) }
#endif
#endif
#ifdef DROP
  :: atomic{ last<MAXS && drop==0 && last>0 -> last++; drop=last; wal=wal|BIT(last); if :: true -> dur=last :: true fi }
#endif
  :: atomic{ (mem!=0 || cur.dr!=drop) && imm==0 && immhi==0 ->
#ifdef BAD_CAPTURE
       cap=live } atomic{ if :: last<MAXS -> write_one() :: else fi } atomic{ imm=mem; mem=0; immhi=last }
#else
       imm=mem; mem=0; immhi=last } cap=live;                 /* freeze first, capture S after */
#endif
#ifdef BAD_NOCAS
     atomic{ COPY(n,cur) } atomic{ cur.l0=n.l0|imm; cur.l1=n.l1; cur.l2=n.l2; cur.fl=immhi; cur.S=cap; SETDR }
#else
     atomic{ cur.l0=cur.l0|imm; cur.fl=immhi; cur.S=cap; SETDR }      /* edit applied to the newest generation */
#endif
     atomic{ COPY(dv,cur); imm=0; immhi=0; cap=0; n.l0=0; n.l1=0; n.l2=0; n.fl=0; n.S=0; n.dr=0 }
  :: atomic{ (dv.l0!=cur.l0 || dv.l1!=cur.l1 || dv.l2!=cur.l2 || dv.S!=cur.S) -> COPY(dv,cur) }
  :: atomic{ crashes<MAXC && last>0 -> crashes++; epoch++; live=0; old=0; imm=0; immhi=0;
       if :: true -> wal=wal&UPTO(dur) :: true fi;
       if :: drop!=0 && cur.dr!=drop && !(wal&BIT(drop)) -> drop=0 :: else fi;             /* power cut may lose the unsynced WAL tail */
#ifdef BAD_REPLAY
       mem=wal&~BIT(drop);
#else
       mem=wal&~UPTO(cur.fl)&~BIT(drop);                                  /* replay skips seq <= flushed_seq */
#endif
       top(wal,MAXS,e); if :: e<cur.fl -> e=cur.fl :: else fi; last=e; dur=e; e=0; del=del&UPTO(last); ttl=ttl&UPTO(last); tomb=tomb&UPTO(last);
       cur.S=0; COPY(dv,cur); lookup(dv,mem,imm,last,q); assert(SEEN(q,last,gone)==WANT(last,gone)); q=0 }
  od }
active [JOBS] proctype Compactor(){ Man n; byte out, k, t; bool c;
  do
  :: atomic{ (cur.l0!=0 || cur.l1!=0) -> COPY(n,cur); n.fl=0; c=cgone }
     if
     :: n.l0!=0 -> k=0;
#ifdef BAD_PICK
        atomic{ top(n.l0,MAXS,out); n.l0=BIT(out); out=0 }     /* newest L0 first */
#else
        if :: true :: true -> n.l0=n.l0&(~n.l0+1) fi;          /* all of L0, or its oldest file */
#endif
#ifdef BAD_BOTTOM
        filter(n.l0|n.l1, n.S, true, n.dr, out, c, t)
#else
        filter(n.l0|n.l1, n.S, n.l2==0, n.dr, out, c, t)
#endif
     :: n.l0!=0 -> k=1; filter(n.l0, n.S, false, n.dr, out, c, t)           /* L0 -> L0, newest suffix allowed, never drops tombstones */
     :: n.l1!=0 -> k=2; filter(n.l1|n.l2, n.S, true, n.dr, out, c, t)
     fi;
     atomic{ if
#ifdef BAD_JOBS
       :: k==0 && (cur.l0&n.l0)==n.l0 -> cur.l0=cur.l0&~n.l0; cur.l1=(cur.l1&~n.l1)|out; tomb=tomb|t
#endif
       :: k==0 && (cur.l0&n.l0)==n.l0 && cur.l1==n.l1 -> cur.l0=cur.l0&~n.l0; cur.l1=out; tomb=tomb|t
       :: k==1 && (cur.l0&n.l0)==n.l0 -> cur.l0=(cur.l0&~n.l0)|out; tomb=tomb|t
       :: k==2 && cur.l1==n.l1 && cur.l2==n.l2 -> cur.l1=0; cur.l2=out; tomb=tomb|t
       :: else fi;
#ifdef BAD_SCARRY
       cur.S=n.S;
#endif
       out=0; k=0; t=0; c=0; n.l0=0; n.l1=0; n.l2=0; n.S=0; n.dr=0 }
  od }
#ifdef SNAP
#define OLD if :: !gone -> old=old|BIT(t) :: else fi; g=gone
active proctype Snapshot(){ byte t, f, e; bool on, g;
  do
  :: !on ->
#ifdef BAD_SNAPREG
     atomic{ t=last; e=epoch } atomic{ if :: e==epoch -> live=live|BIT(t); OLD; on=true :: else -> t=0; e=0 fi }
#else
     atomic{ t=last; e=epoch; live=live|BIT(t); OLD; on=true }
#endif
  :: on -> atomic{ if :: e==epoch -> lookup(dv,mem,imm,t,f); assert(SEEN(f,t,g)==WANT(t,g)); f=0 :: else -> on=false; t=0; e=0; g=0 fi }
  :: on -> atomic{ if :: e==epoch -> live=live&~BIT(t); old=old&~BIT(t) :: else fi; on=false; t=0; e=0; g=0 }
  od }
#endif
#ifdef READ
active proctype Reader(){ byte r, f, e, m, i; Man v;
  do ::
#ifdef BAD_READORDER
     atomic{ e=epoch; r=last } atomic{ COPY(v,dv); m=mem; i=imm }
#else
     atomic{ e=epoch; COPY(v,dv); m=mem; i=imm; r=last }        /* pin version+memtables, THEN take the read seq */
#endif
     d_step{ if :: e==epoch -> lookup(v,m,i,r,f); assert(SEEN(f,r,gone)==WANT(r,gone)) :: else fi; r=0; f=0; e=0; m=0; i=0; v.l0=0; v.l1=0; v.l2=0; v.fl=0; v.S=0; v.dr=0 }
  od }
#endif
