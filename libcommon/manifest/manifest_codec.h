/* manifest_codec: model to bytes and back: an envelope around one protobuf
 * message (docs/formats/manifest.md). The one includer of manifest.pb-c.h.
 *
 *	magic 8, format 4, header bytes 4, incompat 8, ro_compat 8, compat 8,
 *	generation 8, message bytes 8, crc32c 4 of all but itself, zeros 4,
 *	message
 *
 * Length and checksum are looked at before a byte of the message is.
 * Thread: any. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_CODEC_H
#define LIBCOMMON_MANIFEST_MANIFEST_CODEC_H

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"

#define RT_MANIFEST_FORMAT 1
#define RT_MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define RT_MANIFEST_ENVELOPE_BYTES 64
/* Feature bits that this program understands. */
#define RT_MANIFEST_INCOMPAT_LEVEL_RUNS UINT64_C(0x1)
#define RT_MANIFEST_INCOMPAT_KNOWN RT_MANIFEST_INCOMPAT_LEVEL_RUNS
#define RT_MANIFEST_RO_COMPAT_KNOWN UINT64_C(0)

/* Append the manifest's bytes; RT_ELIMIT above RT_MANIFEST_BYTES_MAX. */
RT_MUST_USE enum rt_code rt_manifest_encode(const struct rt_manifest *manifest,
    struct rt_buf *out, struct rt_err *err);

/* *out: one reference. RT_EDAMAGED: not whole, or a rule of manifest_check is
 * broken. RT_EFORMAT: written by a newer program. */
RT_MUST_USE enum rt_code rt_manifest_decode(struct rt_slice bytes,
    const struct rt_manifest **out, struct rt_err *err);

/* False when a newer program set a bit that allows reading alone. */
bool rt_manifest_may_publish(const struct rt_manifest *manifest);

#endif
