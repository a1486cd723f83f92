/* Publication by link(tmp, MANIFEST-<g+1>), while old names are collected and
 * processes may pause anywhere. The code is libcommon/manifest/manifest_store.c.
 *
 * present: bit g is set when MANIFEST-g exists. body[g]: the edits (bits) that
 * it contains. by[g]: the edit whose publisher linked it, which stands for the
 * inode. Several publishers are of the same mind; one makes many edits, and
 * the others may sleep through all of them.
 *
 * Properties: an edit believed published is in every later highest generation;
 * an edit believed lost is in none.
 *
 * Runs of run-models.sh, and mutants that it must refute:
 * run:
 * mutant: -DBAD_NOCHECK
 * mutant: -DBAD_NAMEONLY
 * mutant: -DBAD_HIGHER
 * mutant: -DBAD_DESC
 *
 * NOCHECK: a link that succeeded counts as published.
 * NAMEONLY: the base's name is asked for, not its inode: another sleeper may
 *	have brought the name back.
 * HIGHER: "a higher generation exists, so I lost".
 * DESC: names are collected from the highest down. */
#define MAXG 7
#ifndef QUOTA
#define QUOTA 3			/* edits of the busy publisher */
#endif
#define EDITS (QUOTA + 2)
#define BIT(i) (1 << (i))

byte present = 1, body[8], by[8], nedit = 0;
byte yes = 0, no = 0;		/* edits believed published, lost */

inline highest(h)
{
	h = MAXG;
	do
	:: (present & BIT(h)) -> break
	:: else -> h--
	od
}

#define CHECK highest(hh); assert((yes & ~body[hh]) == 0); \
	assert((no & body[hh]) == 0)

#ifdef BAD_NAMEONLY
#define BASE_IS_THERE (present & BIT(b))
#else
#define BASE_IS_THERE ((present & BIT(b)) && by[b] == inode)
#endif

proctype Publisher(byte quota)
{
	byte b, e, m, hh, inode;
	bool ok;

	do
	:: quota > 0 ->
		atomic { quota--; e = BIT(nedit); nedit++ }
		do
		:: atomic { highest(b); m = body[b]; inode = by[b] }
			if
			:: b == MAXG -> goto done
			:: else
			fi;
			atomic {	/* link() */
				if
				:: !(present & BIT(b + 1)) ->
					present = present | BIT(b + 1);
					body[b + 1] = m | e;
					by[b + 1] = e;
					ok = true
				:: else -> ok = false
				fi
			}
			if
			:: !ok -> skip	/* EEXIST: over again */
			:: ok ->
#ifdef BAD_NOCHECK
				atomic { yes = yes | e; CHECK }
				break
#else
#ifdef BAD_HIGHER
				atomic {
					highest(hh);
					if
					:: hh > b + 1 -> no = no | e
					:: else -> yes = yes | e
					fi;
					CHECK
				}
				break
#else
				if
				:: atomic { BASE_IS_THERE ->
						yes = yes | e; CHECK }
					break
				:: atomic { !(BASE_IS_THERE) ->
						highest(hh); m = body[hh];
						if
						:: (m & e) -> yes = yes | e;
							CHECK
						:: else -> ok = false
						fi }
					if
					:: ok -> break
					:: else
					fi
				fi
#endif
#endif
			fi
		od;
		atomic { e = 0; m = 0; b = 0; hh = 0; inode = 0; ok = false }
	:: quota == 0 -> break
	od;
done:	skip
}

active proctype Collector()
{
	byte h, x;

	do
	:: atomic {
			highest(h); x = 0;
#ifdef BAD_DESC
			x = h;
			do
			:: x == 0 -> break
			:: else -> x--;
				if
				:: (present & BIT(x)) -> break
				:: else
				fi
			od;
#else
			do
			:: x >= h -> break
			:: else ->
				if
				:: (present & BIT(x)) -> break
				:: else -> x++
				fi
			od;
#endif
			if
			:: x < h && (present & BIT(x)) ->
				present = present & ~BIT(x)
			:: else
			fi;
			h = 0; x = 0
		}
	od
}

init { atomic { run Publisher(1); run Publisher(1); run Publisher(QUOTA) } }
