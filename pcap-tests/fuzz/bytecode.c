// SPDX-License-Identifier: GPL-2.0-only
/* Classic programs as tcpdump -ddd prints them: what is taken passes the check, and prints back. */
#include "../../loader/filter/cbpf.h"
#include "quiet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pos nowhere = { 0 };
	char *text = text_of(data, size), *printed = NULL, why[128];
	struct cbpf prog, again;
	FILE *out;

	if (!cbpf_parse(text, &nowhere, &prog)) {
		must(!cbpf_check(&prog, why, sizeof(why)));
		out = open_memstream(&printed, &size);
		must(!!out);
		cbpf_print_ddd(&prog, out);
		fclose(out);
		must(!cbpf_parse(printed, &nowhere, &again));
		must(again.n == prog.n &&
		     !memcmp(again.insns, prog.insns, prog.n * sizeof(*prog.insns)));
		cbpf_free(&prog);
		cbpf_free(&again);
	}
	free(printed);
	free(text);
	fail_forget();
	return 0;
}
