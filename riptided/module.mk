# riptided: one include per inner room, then the program.
include riptided/pool/module.mk
include riptided/resp/module.mk
include riptided/memtable/module.mk
include riptided/wal/module.mk
include riptided/view/module.mk
include riptided/flush/module.mk
include riptided/engine/module.mk
include riptided/cmd/module.mk
include riptided/net/module.mk
