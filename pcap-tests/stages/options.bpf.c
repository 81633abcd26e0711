// SPDX-License-Identifier: GPL-2.0-only
/* A stage with an option of every kind, and a manual long enough to be wrapped. */
#include "stage.bpf.h"

REASONS(A_REASON, ANOTHER_REASON, A_THIRD_REASON, A_FOURTH_REASON, A_FIFTH_REASON, A_SIXTH_REASON);

typedef __u16 port_number;

const volatile struct {
	bool flag __doc("a switch");
	__u8 u8;
	__s8 s8;
	port_number u16 __doc("a type behind a typedef");
	__s16 s16;
	__u32 u32;
	__s32 s32;
	__u64 u64 __doc(
		"an option whose documentation takes more than the eighty columns that a line "
		"of a terminal has, so that it is wrapped");
	__s64 s64;
	unsigned char letter __doc("a character is a number");
} conf = {
	.flag = true,
	.u8 = 255,
	.s8 = -128,
	.u16 = 65535,
	.s16 = -32768,
	.u32 = 4294967295,
	.s32 = -2147483648,
	.u64 = 18446744073709551615ULL,
	.s64 = -9223372036854775807LL - 1,
	.letter = 'a',
};

STAGE(options, "an option of every kind, of which it makes no use but to be seen by those who test")
{
	return conf.flag && conf.u8 && conf.s8 && conf.u16 && conf.s16 && conf.u32 && conf.s32 &&
			       conf.u64 && conf.s64 && conf.letter
		       ? stage_drop(A_SIXTH_REASON)
		       : NEXT;
}
