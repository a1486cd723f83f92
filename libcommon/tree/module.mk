# tree: what tables and manifests have in common.
noinst_HEADERS += libcommon/tree/table_entry.h
