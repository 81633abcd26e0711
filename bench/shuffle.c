// SPDX-License-Identifier: GPL-2.0-only
#include "shuffle.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "../loader/fail.h"
#include "embedded.h"
#include "random.h"

struct shuffle {
	struct bpf_object *object;
	int prog_fd, target_fd; /* the object's */
};

static void put_frame(struct shuffle_slot *slot, const struct frame *frame)
{
	size_t len = frame->len < SHUFFLE_BYTES ? frame->len : SHUFFLE_BYTES;

	memcpy(slot->packet, frame->data, len);
}

/* Every frame in its turn, then the slots in random order (Fisher and Yates). */
static void fill(struct shuffle_memory *memory, const struct frames *frames, uint64_t seed)
{
	struct random random = { seed };

	for (uint32_t i = 0; i < SHUFFLE_SLOTS; i++) {
		uint32_t j = random_below(&random, i + 1);

		memory->slots[i] = memory->slots[j];
		memory->slots[j] = (struct shuffle_slot){ 0 };
		put_frame(&memory->slots[j], &frames->frames[i % frames->n]);
	}
}

static int put_frames(struct shuffle *s, const struct frames *frames, uint64_t seed)
{
	_free_ struct shuffle_memory *memory = calloc(1, sizeof(*memory));
	uint32_t key = 0;

	if (!memory)
		return fail_oom();
	fill(memory, frames, seed);
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(s->object, ".bss"), &key, memory,
				BPF_ANY))
		return fail(-errno, "cannot hand packets to a program: %s", strerror(errno));
	return 0;
}

int shuffle_open(const struct frames *frames, uint64_t seed, enum hook_kind kind,
		 struct shuffle **out)
{
	const char *name = kind == HOOK_XDP ? "shuffle" : "shuffle_tc";
	struct shuffle *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail_oom();
	*out = s;
	err = embedded_load(name, &s->object);
	if (err)
		return err;
	s->prog_fd = bpf_program__fd(bpf_object__find_program_by_name(s->object, name));
	s->target_fd = bpf_object__find_map_fd_by_name(s->object, "target");
	return put_frames(s, frames, seed);
}

void shuffle_close(struct shuffle *s)
{
	if (!s)
		return;
	bpf_object__close(s->object);
	free(s);
}

int shuffle_aim(struct shuffle *s, int prog_fd)
{
	uint32_t slot = 0;

	if (bpf_map_update_elem(s->target_fd, &slot, &prog_fd, BPF_ANY))
		return fail(-errno,
			    "cannot put the program behind the one that changes packets: %s%s",
			    strerror(errno),
			    errno == EINVAL ? "; it must be one of this hook, on XDP for one buffer"
					    : "");
	return 0;
}

int shuffle_prog_fd(const struct shuffle *s)
{
	return s->prog_fd;
}
