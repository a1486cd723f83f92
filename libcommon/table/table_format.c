/* Footer, 96 bytes, integers little endian:
 *	0  data bytes (8)
 *	8  filter offset, size (8 + 8)
 *	24 index offset, size (8 + 8)
 *	40 properties offset, size (8 + 8)
 *	56 unique id (8)
 *	64 incompat, ro_compat, compat (4 + 4 + 4)
 *	76 zero (4)
 *	80 format (4)
 *	84 crc32c of the 84 bytes before (4)
 *	88 magic (8)
 * The last 16 bytes keep their places in every format to come. */
#include "libcommon/table/table_format.h"

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"

#define AT_SECTIONS 8
#define AT_UNIQUE_ID 56
#define AT_INCOMPAT 64
#define AT_FORMAT 80
#define AT_CRC 84
#define AT_MAGIC 88

void
rt_table_footer_encode(const struct rt_table_footer *footer,
    uint8_t out[RT_TABLE_FOOTER_BYTES])
{
	const struct rt_table_section *sections[] = { &footer->filter,
		&footer->index, &footer->properties };

	memset(out, 0, RT_TABLE_FOOTER_BYTES);
	rt_put_fixed64(out, footer->data_bytes);
	for (size_t i = 0; i < RT_COUNTOF(sections); i++) {
		rt_put_fixed64(out + AT_SECTIONS + 16 * i, sections[i]->offset);
		rt_put_fixed64(out + AT_SECTIONS + 16 * i + 8,
		    sections[i]->size);
	}
	rt_put_fixed64(out + AT_UNIQUE_ID, footer->unique_id);
	rt_put_fixed32(out + AT_INCOMPAT, footer->incompat);
	rt_put_fixed32(out + AT_INCOMPAT + 4, footer->ro_compat);
	rt_put_fixed32(out + AT_INCOMPAT + 8, footer->compat);
	rt_put_fixed32(out + AT_FORMAT, footer->format);
	rt_put_fixed32(out + AT_CRC, rt_crc32c(0, out, AT_CRC));
	memcpy(out + AT_MAGIC, RT_TABLE_MAGIC, RT_TABLE_MAGIC_BYTES);
}

bool
rt_table_section_is_inside(const struct rt_table_section *section,
    uint64_t from, uint64_t to)
{
	return section->size == 0 ||
	    (section->offset >= from && section->offset <= to &&
		section->size <= to - section->offset &&
		to - section->offset - section->size >= RT_BLOCK_TRAILER_BYTES);
}

enum rt_code
rt_table_footer_decode(struct rt_table_footer *footer,
    const uint8_t in[RT_TABLE_FOOTER_BYTES], uint64_t file_bytes,
    struct rt_err *err)
{
	struct rt_table_section *sections[] = { &footer->filter, &footer->index,
		&footer->properties };
	uint64_t end;

	if (memcmp(in + AT_MAGIC, RT_TABLE_MAGIC, RT_TABLE_MAGIC_BYTES) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "footer: not a table, or cut short");
	if (rt_get_fixed32(in + AT_CRC) != rt_crc32c(0, in, AT_CRC))
		return rt_err_set(err, RT_EDAMAGED, "footer: wrong checksum");
	footer->format = rt_get_fixed32(in + AT_FORMAT);
	if (footer->format > RT_TABLE_FORMAT)
		return rt_err_set(err, RT_EFORMAT,
		    "table format %u, this program reads up to %u",
		    footer->format, RT_TABLE_FORMAT);
	footer->incompat = rt_get_fixed32(in + AT_INCOMPAT);
	footer->ro_compat = rt_get_fixed32(in + AT_INCOMPAT + 4);
	footer->compat = rt_get_fixed32(in + AT_INCOMPAT + 8);
	if ((footer->incompat & ~RT_TABLE_INCOMPAT_KNOWN) != 0)
		return rt_err_set(err, RT_EFORMAT,
		    "table needs features %#x that this program does not have",
		    footer->incompat & ~RT_TABLE_INCOMPAT_KNOWN);
	footer->data_bytes = rt_get_fixed64(in);
	footer->unique_id = rt_get_fixed64(in + AT_UNIQUE_ID);
	for (size_t i = 0; i < RT_COUNTOF(sections); i++) {
		sections[i]->offset =
		    rt_get_fixed64(in + AT_SECTIONS + 16 * i);
		sections[i]->size =
		    rt_get_fixed64(in + AT_SECTIONS + 16 * i + 8);
	}
	if (file_bytes < RT_TABLE_FOOTER_BYTES)
		return rt_err_set(err, RT_EDAMAGED, "footer: file too short");
	end = file_bytes - RT_TABLE_FOOTER_BYTES;
	if (footer->format == 0 || footer->data_bytes > end ||
	    footer->index.size == 0 || footer->properties.size == 0)
		return rt_err_set(err, RT_EDAMAGED, "footer: malformed");
	for (size_t i = 0; i < RT_COUNTOF(sections); i++)
		if (!rt_table_section_is_inside(sections[i],
			footer->data_bytes, end))
			return rt_err_set(err, RT_EDAMAGED,
			    "footer: a section lies outside the file");
	return RT_OK;
}
