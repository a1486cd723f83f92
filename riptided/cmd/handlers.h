/* handlers: the functions that commands.def names; each appends one reply, or
 * parks the client for a job that will. Thread: loop. */
#ifndef RIPTIDED_CMD_HANDLERS_H
#define RIPTIDED_CMD_HANDLERS_H

#include "riptided/cmd/call.h"

void rtd_cmd_append(struct rtd_call *call);
void rtd_cmd_auth(struct rtd_call *call);
void rtd_cmd_checkpoint(struct rtd_call *call);
void rtd_cmd_client_getname(struct rtd_call *call);
void rtd_cmd_client_id(struct rtd_call *call);
void rtd_cmd_client_info(struct rtd_call *call);
void rtd_cmd_client_kill(struct rtd_call *call);
void rtd_cmd_client_list(struct rtd_call *call);
void rtd_cmd_client_no_evict(struct rtd_call *call);
void rtd_cmd_client_no_touch(struct rtd_call *call);
void rtd_cmd_client_setinfo(struct rtd_call *call);
void rtd_cmd_client_setname(struct rtd_call *call);
void rtd_cmd_command(struct rtd_call *call);
void rtd_cmd_command_count(struct rtd_call *call);
void rtd_cmd_command_docs(struct rtd_call *call);
void rtd_cmd_command_getkeys(struct rtd_call *call);
void rtd_cmd_command_info(struct rtd_call *call);
void rtd_cmd_command_list(struct rtd_call *call);
void rtd_cmd_config_get(struct rtd_call *call);
void rtd_cmd_config_resetstat(struct rtd_call *call);
void rtd_cmd_config_set(struct rtd_call *call);
void rtd_cmd_dbsize(struct rtd_call *call);
void rtd_cmd_decr(struct rtd_call *call);
void rtd_cmd_decrby(struct rtd_call *call);
void rtd_cmd_del(struct rtd_call *call);
void rtd_cmd_echo(struct rtd_call *call);
void rtd_cmd_exists(struct rtd_call *call);
void rtd_cmd_expire(struct rtd_call *call);
void rtd_cmd_expireat(struct rtd_call *call);
void rtd_cmd_expiretime(struct rtd_call *call);
void rtd_cmd_flushall(struct rtd_call *call);
void rtd_cmd_flushdb(struct rtd_call *call);
void rtd_cmd_flushmem(struct rtd_call *call);
void rtd_cmd_get(struct rtd_call *call);
void rtd_cmd_getdel(struct rtd_call *call);
void rtd_cmd_getex(struct rtd_call *call);
void rtd_cmd_getrange(struct rtd_call *call);
void rtd_cmd_getset(struct rtd_call *call);
void rtd_cmd_hello(struct rtd_call *call);
void rtd_cmd_help(struct rtd_call *call);
void rtd_cmd_incr(struct rtd_call *call);
void rtd_cmd_incrby(struct rtd_call *call);
void rtd_cmd_info(struct rtd_call *call);
void rtd_cmd_keys(struct rtd_call *call);
void rtd_cmd_lastsave(struct rtd_call *call);
void rtd_cmd_latency_latest(struct rtd_call *call);
void rtd_cmd_latency_reset(struct rtd_call *call);
void rtd_cmd_memory_usage(struct rtd_call *call);
void rtd_cmd_mget(struct rtd_call *call);
void rtd_cmd_mset(struct rtd_call *call);
void rtd_cmd_object_encoding(struct rtd_call *call);
void rtd_cmd_object_freq(struct rtd_call *call);
void rtd_cmd_object_idletime(struct rtd_call *call);
void rtd_cmd_object_refcount(struct rtd_call *call);
void rtd_cmd_persist(struct rtd_call *call);
void rtd_cmd_pexpire(struct rtd_call *call);
void rtd_cmd_pexpireat(struct rtd_call *call);
void rtd_cmd_pexpiretime(struct rtd_call *call);
void rtd_cmd_ping(struct rtd_call *call);
void rtd_cmd_psetex(struct rtd_call *call);
void rtd_cmd_pttl(struct rtd_call *call);
void rtd_cmd_quit(struct rtd_call *call);
void rtd_cmd_reset(struct rtd_call *call);
void rtd_cmd_scan(struct rtd_call *call);
void rtd_cmd_select(struct rtd_call *call);
void rtd_cmd_set(struct rtd_call *call);
void rtd_cmd_setex(struct rtd_call *call);
void rtd_cmd_setnx(struct rtd_call *call);
void rtd_cmd_setrange(struct rtd_call *call);
void rtd_cmd_shutdown(struct rtd_call *call);
void rtd_cmd_snapshot_create(struct rtd_call *call);
void rtd_cmd_snapshot_list(struct rtd_call *call);
void rtd_cmd_snapshot_release(struct rtd_call *call);
void rtd_cmd_snapshot_use(struct rtd_call *call);
void rtd_cmd_swapdb(struct rtd_call *call);
void rtd_cmd_slowlog_get(struct rtd_call *call);
void rtd_cmd_slowlog_len(struct rtd_call *call);
void rtd_cmd_slowlog_reset(struct rtd_call *call);
void rtd_cmd_strlen(struct rtd_call *call);
void rtd_cmd_time(struct rtd_call *call);
void rtd_cmd_ttl(struct rtd_call *call);
void rtd_cmd_type(struct rtd_call *call);

#endif
