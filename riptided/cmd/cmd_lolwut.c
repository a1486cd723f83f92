/* LOLWUT: a wave. */
#include "build-config.h"

#include <stdio.h>

#include "riptided/cmd/handlers.h"

void
rtd_cmd_lolwut(struct rtd_call *call)
{
	char text[128];

	snprintf(text, sizeof(text), "      _.-~~-._\n"
	    "  .-~~       ~~-._     _.-~\n"
	    "~~                ~~-~~\nRiptideKV ver. %s\n", PACKAGE_VERSION);
	rtd_reply_verbatim(rtd_call_reply(call), rt_slice_cstr(text));
}
