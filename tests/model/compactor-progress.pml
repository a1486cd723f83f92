/* The record of a job under way (COMPACTOR.PROGRESS, K1 to K7 of
 * riptide-compactd/progress.h): compactors that die at any step, each going on
 * with what the one before had finished; a daemon that publishes meanwhile.
 *
 * One job of two ranges, whose outputs are files. A name is a bit: those of
 * epoch e are 3(e-1) to 3(e-1)+2. Several names may be one file, that of its
 * first name: ino. Of a file: fin, all of it is written; syn, it is synced; dmg,
 * the disk lost a part of it, which its footer does not show. dsyn: names that
 * a sync of the directory has made safe. rec*: what the record says of each
 * range: name + 1 or 0, and whether it was read back; rec is 0 when there is
 * none, 2 when it is torn. Epochs begin when the one before was killed; with
 * ZOMBIE it may go on all the same and does not know it. With POWER each death
 * is a power cut: files that were not synced and names that were not are lost, or
 * not; the record is the last one, or the one before it, or none; of one file
 * the disk had lied.
 *
 * Properties: what is published is there, whole, synced, undamaged and once, no
 * flush is lost (P1); what the record named of a job that can go on is with the
 * successor when it begins to work (P2, not where a power cut or a zombie takes
 * it); what a dead epoch left under its names is gone by then (P3), but for what
 * a zombie makes later, which is gone at the next start.
 *
 * Runs of run-models.sh (with POWER 5.1 million states), and its mutants; three
 * compactors with ZOMBIE have more than 25 million, and were not searched to the
 * end:
 * run:
 * run: -DZOMBIE -DLIVES=2
 * run: -DPOWER -DLIVES=2
 * long: -DPOWER
 * mutant: -DBAD_SWEEPFIRST
 * mutant: -DBAD_RECORDLATE
 * mutant: -DBAD_INPLACE
 * mutant: -DBAD_NOSWEEP
 * mutant: -DBAD_GCALL
 * mutant: -DBAD_NOCAS
 * mutant: -DBAD_NOSYNC
 * mutant: -DBAD_NODIRSYNC
 * mutant: -DLIVES=2 -DZOMBIE -DBAD_NOLINK
 * mutant: -DLIVES=2 -DZOMBIE -DBAD_NOEPOCH
 * mutant: -DPOWER -DBAD_NOCHECK
 * mutant: -DPOWER -DBAD_OLDBOOT
 *
 * SWEEPFIRST: dead epochs are swept before their outputs have new names.
 * RECORDLATE: before the record has those names. INPLACE: the record is written
 * where it is, not beside. NOSWEEP: not at all. GCALL: the daemon unlinks what
 * no manifest names. NOCAS: a publish looks at nothing again. NOSYNC,
 * NODIRSYNC: outputs, their names are published unsynced. NOLINK: outputs are
 * published under the names of the dead. NOEPOCH: a publish does not look at the
 * epoch. NOCHECK: kept outputs are not read back. OLDBOOT: what was read back
 * before the machine was started counts. */
#ifndef LIVES
#define LIVES 3
#endif
#define PER_LIFE 3
#define NAMES (LIVES * PER_LIFE)
#define BIT(i) (1 << (i))
#define BELOW(e) (BIT(PER_LIFE * ((e) - 1)) - 1)
#define NAMED(x) ((x) != 0 -> BIT((x) - 1) : 0)

short ex, fin, syn, dmg, dsyn;	/* by name, file, file, file, name */
short fresh;			/* names made since the last claim */
byte ino[NAMES];
byte rec, rname[2], pname[2];	/* and the record before it */
bool rchk[2];
byte rboot;
byte gen, cep, flushes, flushed;	/* the newest manifest */
bool published;
byte live[2];			/* name + 1, when published */
byte alive = 1, boot;
bool kept[2];			/* P2: the record named a whole file */

#define LIVEBITS (published -> NAMED(live[0]) | NAMED(live[1]) : 0)
#ifdef ZOMBIE
#define AWAKE true
#else
#define AWAKE (alive == me)
#endif

#define RECORD \
	pname[0] = rname[0]; pname[1] = rname[1]; \
	rname[0] = mine[0]; rname[1] = mine[1]; \
	rchk[0] = chk[0]; rchk[1] = chk[1]; rboot = boot; \
	rec = (mine[0] != 0 || mine[1] != 0 -> 1 : 0); \
	kept[0] = (mine[0] != 0); kept[1] = (mine[1] != 0)
#ifdef BAD_INPLACE
#define TEAR atomic { AWAKE -> rec = 2 }
#else
#define TEAR skip
#endif
inline save() {
	TEAR;
	atomic { AWAKE -> RECORD }
}

/* A name of a dead epoch that goes: no manifest has it. */
#ifdef BAD_NOLINK
#define SWEPT(n) ((ex & BIT(n) & ~(clive | NAMED(mine[0]) | NAMED(mine[1]))) != 0)
#else
#define SWEPT(n) ((ex & BIT(n) & ~clive) != 0)
#endif
#ifdef BAD_NOSWEEP
#define DEAD_NAMES 0
#else
#define DEAD_NAMES (PER_LIFE * (me - 1))
#endif

inline sweep() {
	n = 0;
	do
	:: n < DEAD_NAMES && SWEPT(n) ->
		atomic { AWAKE -> ex = ex & ~BIT(n); n++ }
	:: n < DEAD_NAMES && !SWEPT(n) -> n++
	:: n == DEAD_NAMES -> break
	od;
	n = 0
}

#if defined(ZOMBIE) || defined(POWER)
#define MAY_LOSE true
#else
#define MAY_LOSE false
#endif

/* What the record has of a range, if it is there. */
#define IS_KEPT(p) (stands && rec == 1 && rname[p] != 0 && \
	rname[p] <= PER_LIFE * (me - 1) && \
	(ex & BIT(rname[p] - 1)) != 0 && (fin & BIT(ino[rname[p] - 1])) != 0)
#ifdef BAD_OLDBOOT
#define SAME_BOOT true
#else
#define SAME_BOOT (rboot == boot)
#endif
#ifdef BAD_NOLINK
#define LINK(p) mine[p] = rname[p]
#else
#define LINK(p) ino[next] = ino[rname[p] - 1]; \
	ex = ex | BIT(next); fresh = fresh | BIT(next); \
	mine[p] = next + 1; next++
#endif
#define ADOPT(p) d_step { AWAKE -> \
	if \
	:: IS_KEPT(p) -> LINK(p); chk[p] = (rchk[p] && SAME_BOOT) \
	:: else -> assert(MAY_LOSE || !stands || !kept[p])	/* P2 */ \
	fi }

proctype Life(byte me) {
	byte mine[2], n, next, g, p;
	bool chk[2], ours[2], stands, good;
	short clive, m;

	d_step { alive >= me && cep == me - 1 ->	/* claim */
		cep = me; gen++; fresh = 0;
		stands = !published; clive = LIVEBITS;
		next = PER_LIFE * (me - 1)
	}
#ifdef BAD_SWEEPFIRST
	sweep();
#endif
	ADOPT(0);
	ADOPT(1);
#ifdef BAD_RECORDLATE
	sweep();
	save();
#else
	save();
#ifndef BAD_SWEEPFIRST
	sweep();
#endif
#endif
	d_step { AWAKE ->
		if
		:: cep == me ->
			assert((ex & BELOW(me) & ~(LIVEBITS | fresh |
			    NAMED(mine[0]) | NAMED(mine[1]))) == 0)	/* P3 */
		:: else
		fi
	}
	if :: !stands -> goto end :: else fi;
	do
	/* Merge what is missing. */
	:: (mine[0] == 0 || mine[1] == 0) && next < PER_LIFE * me ->
		d_step { AWAKE ->
			p = (mine[0] == 0 -> 0 : 1);
			n = next; next++; ino[n] = n;
			ex = ex | BIT(n); fresh = fresh | BIT(n);
			fin = fin & ~BIT(n); syn = syn & ~BIT(n)
		}
		atomic { AWAKE -> fin = fin | BIT(n) }
#ifndef BAD_NOSYNC
		atomic { AWAKE -> syn = syn | BIT(n) }
#endif
		d_step { AWAKE -> mine[p] = n + 1; ours[p] = true; n = 0 }
		save()
	/* Read back what was kept. */
	:: mine[0] != 0 && mine[1] != 0 &&
	    ((!ours[0] && !chk[0]) || (!ours[1] && !chk[1])) ->
		d_step { AWAKE ->
			p = (!ours[0] && !chk[0] -> 0 : 1);
#ifdef BAD_NOCHECK
			good = true;
#else
			good = (dmg & BIT(ino[mine[p] - 1])) == 0 &&
			    (fin & BIT(ino[mine[p] - 1])) != 0;
#endif
			if
			:: good -> chk[p] = true
			:: else ->
				ex = ex & ~BIT(mine[p] - 1);
				mine[p] = 0; kept[p] = false
			fi
		}
		save()
	:: mine[0] != 0 && mine[1] != 0 && (ours[0] || chk[0]) &&
	    (ours[1] || chk[1]) ->
#ifndef BAD_NODIRSYNC
		atomic { AWAKE -> dsyn = ex };
#endif
		break
	/* An error: nothing is kept. */
	:: atomic { AWAKE && (mine[0] != 0 || mine[1] != 0) ->
		ex = ex & ~(NAMED(mine[0]) | NAMED(mine[1]));
		mine[0] = 0; mine[1] = 0; kept[0] = false; kept[1] = false }
		save();
		goto end
	od;
	/* Publish: look at the newest manifest, then compare and swap. */
	do
	:: atomic { AWAKE -> g = gen }
#ifndef BAD_NOEPOCH
		if
		:: cep != me -> goto end		/* fenced */
		:: else
		fi;
#endif
		if
		:: published -> goto end		/* a conflict */
		:: else
		fi;
#ifdef BAD_NOCAS
		n = flushed;
#endif
		atomic { AWAKE ->
			if
#ifdef BAD_NOCAS
			:: true ->
				flushed = n;
#else
			:: gen == g ->
#endif
				assert(!published);			/* P1 */
				m = NAMED(mine[0]) | NAMED(mine[1]);
				assert((m & ~ex) == 0 && (m & ~dsyn) == 0);
				m = BIT(ino[mine[0] - 1]) |
				    BIT(ino[mine[1] - 1]);
				assert((m & ~fin) == 0 && (m & ~syn) == 0 &&
				    (m & dmg) == 0);
				published = true; gen++; n = 0; m = 0;
				live[0] = mine[0]; live[1] = mine[1]; g = 0
			:: else
			fi
		}
		if :: published -> break :: else fi
	od;
	atomic { AWAKE -> mine[0] = 0; mine[1] = 0 }
	save();
end:
	skip
}

active proctype Daemon() {
	do
	:: flushes < 1 ->
		d_step { flushes++; flushed++; gen++;
			assert(flushed == flushes) }
	/* What is published stays, whoever unlinks what. */
	:: d_step { published && (LIVEBITS & ~ex) != 0 -> assert(false) }
	:: d_step { flushed != flushes -> assert(false) }
#ifdef BAD_GCALL
	:: atomic { (ex & ~LIVEBITS) != 0 -> ex = ex & LIVEBITS }
#endif
	od
}

#ifdef POWER
proctype Death() {
	byte i;

	do
	:: alive < LIVES -> atomic {
		alive++; boot++;
		if
		:: true ->				/* what was not safe */
			dmg = dmg | (fin & ~syn); ex = ex & (dsyn | LIVEBITS)
		:: true -> dmg = dmg | (fin & ~syn)
		:: true
		fi;
		syn = syn | fin;
		/* A lie; of what is published it is not this record's matter. */
		i = 0;
		do
		:: i < NAMES && (ex & BIT(i)) != 0 && !published ->
			dmg = dmg | BIT(ino[i]); break
		:: i < NAMES -> i++
		:: i == NAMES -> break
		od;
		i = 0;
		if
		:: true
		:: rec == 1 -> rname[0] = pname[0]; rname[1] = pname[1];
			rchk[0] = false; rchk[1] = false
		:: true -> rec = 0
		fi }
	od
}
#else
proctype Death() {
	do
	:: alive < LIVES -> alive++
	od
}
#endif

init { atomic { run Death(); run Life(1); run Life(2);
	if :: LIVES > 2 -> run Life(3) :: else fi } }
