/* A write that is not safe is looked at sector by sector, each of which may be
 * new, old, torn, zeros or garbage; bytes outside of the write are never
 * touched. Sizes change with the writes, in order: one of the sizes that a file
 * went through is chosen. A write of which a sync failed is never safe, however
 * often the file is synced after; another one over it is. */
#include "tests/powercut/cuts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

#define SECTOR_BYTES 512

struct pending {
	size_t event;
	bool failed;		/* a sync of it */
	size_t from, to;	/* what of its bytes is still meant */
};

struct name {
	char name[RT_PATH_NAME_BYTES];
	uint32_t inode;
};

struct rtt_cut_inode {
	bool used;
	bool is_dir;
	struct rtt_cow bytes;	/* what is safe of a file, */
	struct name *names;	/* and of a directory */
	size_t names_count;
	struct pending *pending;
	size_t pending_count, pending_cap;
};

uint64_t
rtt_cuts_draw(uint64_t *state)
{
	uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
	return word ^ word >> 31;
}

/* -- what is safe -- */

static struct rtt_cut_inode *
need_inode(struct rtt_cuts *cuts, uint32_t number, bool is_dir)
{
	if (number >= cuts->inodes_count) {
		uint32_t count = number + 64;

		cuts->inodes = rt_realloc(cuts->inodes,
		    count * sizeof(cuts->inodes[0]));
		memset(&cuts->inodes[cuts->inodes_count], 0,
		    (count - cuts->inodes_count) * sizeof(cuts->inodes[0]));
		cuts->inodes_count = count;
	}
	if (!cuts->inodes[number].used) {
		cuts->inodes[number].used = true;
		cuts->inodes[number].is_dir = is_dir;
	}
	return &cuts->inodes[number];
}

static void
drop_name(struct rtt_cut_inode *dir, const char *name)
{
	for (size_t i = 0; i < dir->names_count; i++)
		if (strcmp(dir->names[i].name, name) == 0) {
			dir->names[i] = dir->names[--dir->names_count];
			return;
		}
}

static void
put_name(struct rtt_cut_inode *dir, const char *name, uint32_t inode)
{
	struct name *added;

	drop_name(dir, name);
	dir->names = rt_realloc(dir->names,
	    (dir->names_count + 1) * sizeof(dir->names[0]));
	added = &dir->names[dir->names_count++];
	snprintf(added->name, sizeof(added->name), "%s", name);
	added->inode = inode;
}

struct loading {
	struct rtt_cuts *cuts;
	struct rtt_disk *disk;
	uint32_t dir;
};

static void
load_name(void *arg, const char *name, uint32_t inode, bool is_dir)
{
	struct loading *loading = arg;
	struct loading below = { loading->cuts, loading->disk, inode };
	bool known = inode < loading->cuts->inodes_count &&
	    loading->cuts->inodes[inode].used;
	struct rtt_cut_inode *added =
	    need_inode(loading->cuts, inode, is_dir);

	if (!known && is_dir)
		rtt_disk_each_name(loading->disk, inode, load_name, &below);
	else if (!known)
		rtt_disk_get_file(loading->disk, inode, &added->bytes);
	put_name(&loading->cuts->inodes[loading->dir], name, inode);
}

void
rtt_cuts_init(struct rtt_cuts *cuts, struct rtt_disk *disk)
{
	struct loading loading = { cuts, disk, RTT_INODE_PARENT };

	memset(cuts, 0, sizeof(*cuts));
	need_inode(cuts, RTT_INODE_PARENT, true);
	rtt_disk_each_name(disk, RTT_INODE_PARENT, load_name, &loading);
}

void
rtt_cuts_begin(struct rtt_cuts *cuts, const struct rtt_record *record)
{
	cuts->events = record->events;
	cuts->count = record->count;
}

void
rtt_cuts_fini(struct rtt_cuts *cuts)
{
	for (uint32_t i = 0; i < cuts->inodes_count; i++) {
		rtt_cow_fini(&cuts->inodes[i].bytes);
		free(cuts->inodes[i].names);
		free(cuts->inodes[i].pending);
	}
	free(cuts->inodes);
}

static void
make_safe(struct rtt_cut_inode *inode, const struct rtt_event *event)
{
	switch (event->kind) {
	case RTT_EVENT_WRITE:
		rtt_cow_write(&inode->bytes, event->offset, event->data.data,
		    event->data.len);
		break;
	case RTT_EVENT_TRUNCATE:
		rtt_cow_resize(&inode->bytes, event->offset);
		break;
	case RTT_EVENT_ALLOCATE:
		if (inode->bytes.size < event->offset)
			rtt_cow_resize(&inode->bytes, event->offset);
		break;
	case RTT_EVENT_RENAME:
		drop_name(inode, event->from);
		put_name(inode, event->name, event->target);
		break;
	case RTT_EVENT_REMOVE:
		drop_name(inode, event->name);
		break;
	default:
		put_name(inode, event->name, event->target);
		break;
	}
}

/* Safe bytes stand where a sync had failed before. */
static void
write_over_failed(struct rtt_cuts *cuts, struct rtt_cut_inode *inode,
    const struct rtt_event *safe)
{
	for (size_t i = 0; i < inode->pending_count; i++) {
		struct pending *pending = &inode->pending[i];
		const struct rtt_event *event = &cuts->events[pending->event];
		uint64_t from = event->offset + pending->from;
		uint64_t to = event->offset + pending->to;
		uint64_t end = safe->offset + safe->data.len;

		if (!pending->failed || event > safe || end <= from ||
		    safe->offset >= to)
			continue;
		/* Of what lies on both sides the front is enough. */
		if (safe->offset > from)
			pending->to = (size_t)(safe->offset - event->offset);
		else if (end < to)
			pending->from = (size_t)(end - event->offset);
		else
			pending->to = pending->from;
	}
}

/* What was there when the sync began is safe. A sync of data leaves a size
 * that no data needs. */
static void
end_sync(struct rtt_cuts *cuts, const struct rtt_event *sync)
{
	struct rtt_cut_inode *inode = need_inode(cuts, sync->inode, false);
	size_t kept = 0;

	for (size_t i = 0; i < inode->pending_count; i++) {
		struct pending *pending = &inode->pending[i];
		const struct rtt_event *event = &cuts->events[pending->event];

		if (pending->event > sync->begin || pending->failed ||
		    (sync->data_only && event->kind == RTT_EVENT_ALLOCATE)) {
			inode->pending[kept++] = *pending;
			continue;
		}
		make_safe(inode, event);
		if (event->kind == RTT_EVENT_WRITE)
			write_over_failed(cuts, inode, event);
		cuts->unsafe--;
	}
	inode->pending_count = kept;
}

static void
fail_sync(struct rtt_cuts *cuts, const struct rtt_event *sync)
{
	struct rtt_cut_inode *inode = need_inode(cuts, sync->inode, false);

	for (size_t i = 0; i < inode->pending_count; i++)
		if (inode->pending[i].event < sync->begin &&
		    cuts->events[inode->pending[i].event].kind ==
			RTT_EVENT_WRITE)
			inode->pending[i].failed = true;
}

bool
rtt_cuts_step(struct rtt_cuts *cuts, bool *changed)
{
	const struct rtt_event *event;
	struct rtt_cut_inode *inode;

	*changed = true;
	if (cuts->at == cuts->count)
		return false;
	event = &cuts->events[cuts->at++];
	switch (event->kind) {
	case RTT_EVENT_NOTE:
		rt_assert(event->inode < RTT_NOTES);
		cuts->notes[event->inode] = event->offset;
		break;
	case RTT_EVENT_SYNC_BEGIN:
		*changed = false;
		break;
	case RTT_EVENT_SYNC_END:
		end_sync(cuts, event);
		break;
	case RTT_EVENT_SYNC_FAILED:
		fail_sync(cuts, event);
		break;
	default:
		if (event->kind == RTT_EVENT_ADD)
			need_inode(cuts, event->target, event->target_is_dir);
		inode = need_inode(cuts, event->inode, false);
		if (inode->pending_count == inode->pending_cap) {
			inode->pending_cap = inode->pending_cap * 2 + 8;
			inode->pending = rt_realloc(inode->pending,
			    inode->pending_cap * sizeof(inode->pending[0]));
		}
		inode->pending[inode->pending_count++] =
		    (struct pending){ .event = cuts->at - 1,
			.to = event->data.len };
		cuts->unsafe++;
		break;
	}
	return true;
}

/* -- what is left -- */

struct making {
	const struct rtt_cuts *cuts;
	const struct rtt_cut *cut;
	struct rtt_disk *disk;
	uint64_t random;
	size_t journal_end;	/* event */
};

/* Each change that is not safe has a bit: the earlier, the lower. */
static bool
has_bit(const struct making *making, size_t event)
{
	const struct rtt_cuts *cuts = making->cuts;
	unsigned bit = 0;

	for (uint32_t i = 0; i < cuts->inodes_count; i++)
		for (size_t j = 0; j < cuts->inodes[i].pending_count; j++)
			bit += cuts->inodes[i].pending[j].event < event;
	return bit < 64 && (making->cut->mask >> bit & 1) != 0;
}

/* Zeros or garbage where a write changes bytes. What is written over with what
 * it is already stays so. */
static void
spoil(struct making *making, struct rtt_cow *bytes, const struct rtt_cow *safe,
    const struct rtt_event *write, size_t at, size_t len, bool garbage)
{
	uint8_t piece[SECTOR_BYTES] = { 0 }, old[SECTOR_BYTES];
	const uint8_t *data = write->data.data + at;
	size_t known = rtt_cow_read(safe, write->offset + at, old, len);

	rt_assert(len <= sizeof(piece));
	for (size_t i = 0; garbage && i < len; i += 8) {
		uint64_t word = rtt_cuts_draw(&making->random);

		memcpy(piece + i, &word, len - i < 8 ? len - i : 8);
	}
	for (size_t i = 0; i < known; i++)
		if (old[i] == data[i])
			piece[i] = old[i];
	rtt_cow_write(bytes, write->offset + at, piece, len);
}

/* One sector's part of a write. */
static void
leave_sector(struct making *making, struct rtt_cow *bytes,
    const struct rtt_cow *safe, const struct rtt_event *write, size_t at,
    size_t len)
{
	const uint8_t *data = write->data.data + at;
	unsigned fate = (unsigned)(rtt_cuts_draw(&making->random) % 20);

	if (making->cut->data != RTT_DATA_MIX)
		spoil(making, bytes, safe, write, at, len,
		    making->cut->data == RTT_DATA_GARBAGE);
	else if (fate < 9)
		rtt_cow_write(bytes, write->offset + at, data, len);
	else if (fate < 12)
		rtt_cow_write(bytes, write->offset + at, data,
		    rtt_cuts_draw(&making->random) % (len + 1));
	else if (fate < 14)
		spoil(making, bytes, safe, write, at, len, fate == 13);
}

static void
leave_sectors(struct making *making, struct rtt_cow *bytes,
    const struct rtt_cow *safe, const struct rtt_event *write)
{
	size_t len = write->data.len;

	for (size_t at = 0; at < len;) {
		size_t next = ((write->offset + at) / SECTOR_BYTES + 1) *
		    SECTOR_BYTES - write->offset;

		if (next > len)
			next = len;
		leave_sector(making, bytes, safe, write, at, next - at);
		at = next;
	}
}

static void
leave_write(struct making *making, struct rtt_cow *bytes,
    const struct rtt_cow *safe, const struct pending *pending)
{
	const struct rtt_event *event = &making->cuts->events[pending->event];
	size_t len = pending->to - pending->from;
	const struct rtt_event part = {
		.offset = event->offset + pending->from,
		.data = rt_slice(event->data.data + pending->from, len),
	}, *write = &part;

	switch (making->cut->data) {
	case RTT_DATA_LOSE:
		break;
	case RTT_DATA_HALF:
		rtt_cow_write(bytes, write->offset, write->data.data, len / 2);
		break;
	case RTT_DATA_MASK:
		if (!has_bit(making, pending->event))
			break;
		/* fallthrough */
	case RTT_DATA_KEEP:
		rtt_cow_write(bytes, write->offset, write->data.data, len);
		break;
	default:
		leave_sectors(making, bytes, safe, write);
		break;
	}
}

/* How many of a file's changes its size has followed. */
static size_t
choose_size(struct making *making, const struct rtt_cut_inode *inode)
{
	switch (making->cut->size) {
	case RTT_SIZE_OLD:
		return 0;
	case RTT_SIZE_ANY:
		return rtt_cuts_draw(&making->random) %
		    (inode->pending_count + 1);
	default:
		return inode->pending_count;
	}
}

static void
make_file(struct making *making, uint32_t number)
{
	const struct rtt_cut_inode *inode = &making->cuts->inodes[number];
	size_t followed = choose_size(making, inode);
	struct rtt_cow bytes = { .block = NULL };
	uint64_t size = inode->bytes.size;

	rtt_cow_share(&bytes, &inode->bytes);
	for (size_t i = 0; i < inode->pending_count; i++) {
		const struct rtt_event *event =
		    &making->cuts->events[inode->pending[i].event];
		uint64_t end = event->offset + event->data.len;

		if (event->kind == RTT_EVENT_WRITE)
			leave_write(making, &bytes, &inode->bytes,
			    &inode->pending[i]);
		if (i >= followed)
			continue;
		if (event->kind == RTT_EVENT_TRUNCATE)
			rtt_cow_resize(&bytes, end);
		if (event->kind == RTT_EVENT_TRUNCATE || end > size)
			size = end;
	}
	rtt_cow_resize(&bytes, size);
	rtt_disk_put_file(making->disk, number, &bytes);
	rtt_cow_fini(&bytes);
}

static bool
keeps_name(struct making *making, const struct pending *pending, size_t at,
    size_t prefix)
{
	switch (making->cut->names) {
	case RTT_NAMES_KEEP:
		return true;
	case RTT_NAMES_LOSE:
		return false;
	case RTT_NAMES_JOURNAL:
		return pending->event < making->journal_end;
	case RTT_NAMES_PREFIX:
		return at < prefix;
	case RTT_NAMES_SUBSET:
		return rtt_cuts_draw(&making->random) % 2 == 0;
	default:
		return has_bit(making, pending->event);
	}
}

/* The inodes that a directory's names stand for. */
struct children {
	uint32_t *inodes;
	size_t count;
};

static void
note_child(void *arg, const char *name, uint32_t inode, bool is_dir)
{
	struct children *children = arg;

	children->inodes = rt_realloc(children->inodes,
	    (children->count + 1) * sizeof(children->inodes[0]));
	children->inodes[children->count++] = inode;
}

static void
make_names(struct making *making, uint32_t number)
{
	const struct rtt_cut_inode *dir = &making->cuts->inodes[number];
	size_t prefix =
	    rtt_cuts_draw(&making->random) % (dir->pending_count + 1);
	struct rtt_disk *disk = making->disk;

	for (size_t i = 0; i < dir->names_count; i++)
		rtt_disk_put_name(disk, number, dir->names[i].name,
		    dir->names[i].inode);
	for (size_t i = 0; i < dir->pending_count; i++) {
		const struct rtt_event *event =
		    &making->cuts->events[dir->pending[i].event];

		if (!keeps_name(making, &dir->pending[i], i, prefix))
			continue;
		if (event->kind == RTT_EVENT_RENAME &&
		    rtt_disk_find(disk, number, event->from) == event->target)
			rtt_disk_drop_name(disk, number, event->from);
		if (event->kind == RTT_EVENT_REMOVE)
			rtt_disk_drop_name(disk, number, event->name);
		else
			rtt_disk_put_name(disk, number, event->name,
			    event->target);
	}
}

/* A directory with all that is below it. */
static void
make_dir(struct making *making, uint32_t number)
{
	struct children children = { .count = 0 };

	make_names(making, number);
	rtt_disk_each_name(making->disk, number, note_child, &children);
	for (size_t i = 0; i < children.count; i++) {
		uint32_t child = children.inodes[i];

		if (rtt_disk_has(making->disk, child))
			continue;
		if (making->cuts->inodes[child].is_dir) {
			rtt_disk_put_dir(making->disk, child);
			make_dir(making, child);
		} else {
			make_file(making, child);
		}
	}
	free(children.inodes);
}

void
rtt_cuts_make(const struct rtt_cuts *cuts, const struct rtt_cut *cut,
    const char *root, struct rtt_disk *disk)
{
	struct making making = { .cuts = cuts, .cut = cut, .disk = disk,
		.random = cut->seed };

	making.journal_end = cuts->at == 0 ? 0 :
	    rtt_cuts_draw(&making.random) % (cuts->at + 1);
	/* Most of the time near the end, where something is unsafe. */
	if (cuts->unsafe < cuts->at && rtt_cuts_draw(&making.random) % 4 != 0)
		making.journal_end = cuts->at - rtt_cuts_draw(&making.random) %
		    (cuts->unsafe * 2 + 1 < cuts->at ? cuts->unsafe * 2 + 1 :
			cuts->at);
	rtt_disk_init(disk, root);
	make_dir(&making, RTT_INODE_PARENT);
}

/* -- for people -- */

char *
rtt_cut_print(const struct rtt_cut *cut, char *out, size_t bytes)
{
	static const char *const names[] = { "kept", "lost", "by journal",
		"prefixes", "subset", "mask" };
	static const char *const data[] = { "kept", "lost", "half", "zeros",
		"garbage", "mixed", "mask" };
	static const char *const sizes[] = { "new", "old", "any" };

	snprintf(out, bytes, "names %s, data %s, sizes %s, mask %llx, seed %llu",
	    names[cut->names], data[cut->data], sizes[cut->size],
	    (unsigned long long)cut->mask, (unsigned long long)cut->seed);
	return out;
}

static void
print_event(size_t at, const struct rtt_event *event)
{
	static const char *const kinds[] = { "write", "truncate", "allocate",
		"add", "remove", "rename", "sync begins", "sync ends",
		"sync fails", "note" };

	printf("# %5zu %-11s inode %u", at, kinds[event->kind], event->inode);
	if (event->name[0] != '\0')
		printf(" %s%s%s = %u", event->from,
		    event->from[0] != '\0' ? " > " : "", event->name,
		    event->target);
	printf(" at %llu, %zu bytes\n", (unsigned long long)event->offset,
	    event->data.len);
}

void
rtt_cuts_print(const struct rtt_cuts *cuts, size_t last)
{
	for (size_t i = cuts->at > last ? cuts->at - last : 0; i < cuts->at; i++)
		print_event(i, &cuts->events[i]);
	for (uint32_t i = 0; i < cuts->inodes_count; i++)
		for (size_t j = 0; j < cuts->inodes[i].pending_count; j++) {
			size_t event = cuts->inodes[i].pending[j].event;

			printf("# unsafe:");
			print_event(event, &cuts->events[event]);
		}
}
