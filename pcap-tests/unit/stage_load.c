// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stages in the kernel: loaded, wired into a chain of this test's own, and run by
 * BPF_PROG_TEST_RUN. Nothing is attached.
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "stage_lab.h"

/* Ethernet, some VLAN tags, IPv4 with a TTL, 20 bytes more. Returns the length. */
static size_t ipv4_packet(uint8_t *packet, int tags, uint8_t ttl)
{
	uint8_t *p = packet + 12, ip[40] = { 0x45, 0, 0, 40, [8] = ttl, [9] = 253 };

	memset(packet, 2, 12);
	for (int i = 0; i < tags; i++, p += 4)
		memcpy(p, (uint8_t[]){ i + 1 < tags ? 0x88 : 0x81, i + 1 < tags ? 0xa8 : 0, 0, 10 },
		       4);
	memcpy(p, (uint8_t[]){ 8, 0 }, 2);
	memcpy(p + 2, ip, sizeof(ip));
	return p + 2 + sizeof(ip) - packet;
}

static void ttl_guard_on(enum hook_kind hook, enum bpf_prog_type type, int drop)
{
	_cleanup_(chain_end) struct chain chain = chain_new(type, 0);
	_cleanup_(stage_freep) struct stage *stage = stage_of("ttl_guard", hook);
	_cleanup_(stage_instance_close) struct stage_instance instance = { .prog_fd = -1 };
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);
	uint64_t dropped = 0, bytes = 0;
	uint8_t packet[128];

	assert_int_equal(load(stage, "min_ttl", "5", &wiring, &instance), 0);
	for (int tags = 0; tags <= 2; tags++) {
		size_t len = ipv4_packet(packet, tags, 5);

		assert_int_equal(run(instance.prog_fd, packet, len), ARRIVED);
		len = ipv4_packet(packet, tags, 4);
		assert_int_equal(run(instance.prog_fd, packet, len), drop);
		bytes += len;
		dropped++;
	}
	assert_int_equal(run(instance.prog_fd, packet, ipv4_packet(packet, 3, 4)), ARRIVED);
	assert_counted(&chain, COUNTER + WEIR_STAGE_DROP, dropped, bytes);
	assert_counted(&chain, COUNTER + WEIR_STAGE_REASONS, dropped, bytes);
	assert_int_equal(counted_in_all(&chain), 2 * dropped);
}

static void test_ttl_guard_xdp(void **state)
{
	(void)state;
	ttl_guard_on(HOOK_XDP, BPF_PROG_TYPE_XDP, XDP_DROP);
}

static void test_ttl_guard_tc(void **state)
{
	(void)state;
	ttl_guard_on(HOOK_INGRESS, BPF_PROG_TYPE_SCHED_CLS, TC_ACT_SHOT);
	ttl_guard_on(HOOK_EGRESS, BPF_PROG_TYPE_SCHED_CLS, TC_ACT_SHOT);
}

static const struct test {
	const char *say;
	int xdp, tc;
	int counter; /* relative to the instance's first; -1: none, -2: a miss */
	int reason;
} verdicts[] = {
	{ "0", ARRIVED, ARRIVED, -1, 0 },
	{ "1", XDP_PASS, TC_ACT_UNSPEC, WEIR_STAGE_PASS, 0 },
	{ "2", XDP_DROP, TC_ACT_SHOT, WEIR_STAGE_DROP, 0 },
	{ "3", XDP_DROP, TC_ACT_SHOT, WEIR_STAGE_DROP, 1 },
	{ "4", XDP_DROP, TC_ACT_SHOT, WEIR_STAGE_DROP, 2 },
	{ "5", XDP_TX, TC_ACT_REDIRECT, WEIR_STAGE_REFLECT, 0 },
	{ "6", XDP_REDIRECT, TC_ACT_REDIRECT, WEIR_STAGE_REDIRECT, 0 },
	{ "7", MISS, MISS, -2, 0 },
};

static void verdict_on(const struct test *t, enum hook_kind hook, enum bpf_prog_type type)
{
	_cleanup_(chain_end) struct chain chain = chain_new(type, 0);
	_cleanup_(stage_freep) struct stage *stage =
		fixture(hook == HOOK_XDP ? "verdict" : "verdict_tc", hook);
	_cleanup_(stage_instance_close) struct stage_instance instance = { .prog_fd = -1 };
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);
	uint8_t packet[128];
	size_t len = ipv4_packet(packet, 0, 64);

	assert_int_equal(load(stage, "say", t->say, &wiring, &instance), 0);
	assert_int_equal(run(instance.prog_fd, packet, len), hook == HOOK_XDP ? t->xdp : t->tc);
	if (t->counter == -2)
		assert_counted(&chain, WEIR_COUNTER_MISS, 1, len);
	else if (t->counter > 0)
		assert_counted(&chain, COUNTER + t->counter, 1, len);
	if (t->reason)
		assert_counted(&chain, COUNTER + WEIR_STAGE_REASONS + t->reason - 1, 1, len);
	assert_int_equal(counted_in_all(&chain), (t->counter != -1) + (t->reason != 0));
}

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		verdict_on(&verdicts[i], HOOK_XDP, BPF_PROG_TYPE_XDP);
		verdict_on(&verdicts[i], HOOK_INGRESS, BPF_PROG_TYPE_SCHED_CLS);
	}
}

/* A slot that is empty: the miss is counted, and the wiring's verdict returned. */
static void test_miss(void **state)
{
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, 0);
	_cleanup_(stage_freep) struct stage *stage = stage_of("ttl_guard", HOOK_XDP);
	const __u32 verdicts_of_miss[] = { XDP_PASS, XDP_DROP };
	uint8_t packet[128];
	size_t len = ipv4_packet(packet, 0, 64);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts_of_miss); i++) {
		_cleanup_(stage_instance_close) struct stage_instance instance = { .prog_fd = -1 };
		struct stage_wiring wiring = wiring_to(&chain, SLOT_EMPTY);

		wiring.miss_verdict = verdicts_of_miss[i];
		wiring.miss_counter = 4000 + i;
		assert_int_equal(load(stage, NULL, NULL, &wiring, &instance), 0);
		assert_int_equal(run(instance.prog_fd, packet, len), verdicts_of_miss[i]);
		assert_counted(&chain, 4000 + i, 1, 0); /* packets alone: stage_no_next() */
	}
	assert_int_equal(counted_in_all(&chain), ARRAY_SIZE(verdicts_of_miss));
}

/* The bytes of all fragments are counted; and members of a chain agree in the flag. */
static void test_frags(void **state)
{
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, BPF_F_XDP_HAS_FRAGS);
	_cleanup_(stage_freep) struct stage *stage = fixture("verdict", HOOK_XDP);
	_cleanup_(stage_instance_close) struct stage_instance with = { .prog_fd = -1 },
							      without = { .prog_fd = -1 };
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);
	static uint8_t packet[9000];

	(void)state;
	wiring.frags = true;
	assert_int_equal(load(stage, "say", "1", &wiring, &with), 0);
	ipv4_packet(packet, 0, 64);
	assert_int_equal(run(with.prog_fd, packet, sizeof(packet)), XDP_PASS);
	assert_counted(&chain, COUNTER + WEIR_STAGE_PASS, 1, sizeof(packet));
	wiring.frags = false;
	assert_int_not_equal(load(stage, "say", "1", &wiring, &without), 0);
}

static void test_reflect_swaps(void **state)
{
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, 0);
	_cleanup_(stage_freep) struct stage *stage = fixture("verdict", HOOK_XDP);
	_cleanup_(stage_instance_close) struct stage_instance instance = { .prog_fd = -1 };
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);
	uint8_t packet[64], want[64], got[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .data_out = got, .data_size_out = sizeof(got));

	(void)state;
	for (size_t i = 0; i < sizeof(packet); i++)
		want[i < 12 ? (i + 6) % 12 : i] = packet[i] = i;
	assert_int_equal(load(stage, "say", "5", &wiring, &instance), 0);
	assert_int_equal(bpf_prog_test_run_opts(instance.prog_fd, &opts), 0);
	assert_int_equal(opts.retval, XDP_TX);
	assert_memory_equal(got, want, sizeof(want));
}

static size_t jited_image(int prog, uint8_t *buf, size_t size)
{
	struct bpf_prog_info info = { .jited_prog_insns = (uintptr_t)buf, .jited_prog_len = size };
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &len), 0);
	return info.jited_prog_insns && info.jited_prog_len <= size ? info.jited_prog_len : 0;
}

/*
 * Where the index is a constant, the JIT makes the tail call a jump that it patches when the slot
 * is filled: so filling the slot changes the stage's own machine code, and an indirect call's it
 * does not.
 */
static void test_direct_jump(void **state)
{
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, 0);
	_cleanup_(stage_freep) struct stage *stage = stage_of("ttl_guard", HOOK_XDP);
	_cleanup_(stage_instance_close) struct stage_instance instance = { .prog_fd = -1 };
	struct stage_wiring wiring = wiring_to(&chain, SLOT_EMPTY);
	uint8_t before[8192] = { 0 }, after[8192] = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(load(stage, NULL, NULL, &wiring, &instance), 0);
	len = jited_image(instance.prog_fd, before, sizeof(before));
	if (!len) {
		print_message("# the kernel shows no machine code (no JIT?)\n");
		skip();
	}
	assert_int_equal(bpf_map_update_elem(chain.slots, &(__u32){ SLOT_EMPTY }, &instance.prog_fd,
					     BPF_ANY),
			 0);
	assert_int_equal(jited_image(instance.prog_fd, after, sizeof(after)), len);
	assert_memory_not_equal(before, after, len);
	/* The slot holds the stage itself: an endless loop, were it not for the limit of 33. */
	bpf_map_delete_elem(chain.slots, &(__u32){ SLOT_EMPTY });
}

static uint64_t seen_by(const struct stage_instance *instance)
{
	uint8_t packet[128];
	uint64_t seen;

	run(instance->prog_fd, packet, ipv4_packet(packet, 0, 64));
	assert_int_equal(instance->n_maps, 1);
	assert_string_equal(instance->maps[0].name, "seen");
	assert_int_equal(bpf_map_lookup_elem(instance->maps[0].fd, &(__u32){ 0 }, &seen), 0);
	return seen;
}

/* A stage's map is kept where name and shape agree, and made anew where not. */
static void test_kept_maps(void **state)
{
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, 0);
	_cleanup_(stage_freep) struct stage *stage = fixture("verdict", HOOK_XDP);
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);
	const struct stage_map strangers[] = {
		{ "seen", bpf_map_create(BPF_MAP_TYPE_ARRAY, "seen", 4, 8, 2, NULL) },
		{ "other", bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 8, 1, NULL) },
		{ "seen", chain.slots },
	};
	struct stage_instance first, second, third;

	(void)state;
	assert_int_equal(stage_load(stage, stage->conf, &wiring, NULL, 0, &nowhere, &first), 0);
	assert_int_equal(seen_by(&first), 1);
	assert_int_equal(seen_by(&first), 2);
	assert_int_equal(stage_load(stage, stage->conf, &wiring, first.maps, first.n_maps, &nowhere,
				    &second),
			 0);
	assert_int_equal(seen_by(&second), 3);
	stage_instance_close(&first);
	assert_int_equal(seen_by(&second), 4);
	assert_int_equal(stage_load(stage, stage->conf, &wiring, strangers, ARRAY_SIZE(strangers),
				    &nowhere, &third),
			 0);
	assert_int_equal(seen_by(&third), 1);
	stage_instance_close(&second);
	stage_instance_close(&third);
	close(strangers[0].fd);
	close(strangers[1].fd);
}

static const char *last_message(void)
{
	const struct fail_message *messages;
	size_t n = fail_messages(&messages);

	return n ? messages[n - 1].text : "";
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* The verifier's own words, with the line of source, and not all of them. */
static void test_verifier_words(void **state)
{
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, 0);
	_cleanup_(stage_freep) struct stage *stage = fixture("unverified", HOOK_XDP);
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);
	struct stage_instance instance;

	(void)state;
	assert_int_not_equal(load(stage, NULL, NULL, &wiring, &instance), 0);
	assert_int_equal(instance.prog_fd, -1);
	assert_non_null(strstr(last_message(), "stage 'unverified'"));
	assert_non_null(strstr(last_message(), "invalid access to packet"));
	assert_non_null(strstr(last_message(), "ip->ttl"));
	assert_true(count_lines(last_message()) <= 10);
}

/* A chain's map that is no map: reported, nothing left behind. */
static void test_bad_wiring(void **state)
{
	_cleanup_(stage_freep) struct stage *stage = stage_of("ttl_guard", HOOK_XDP);
	struct stage_wiring wiring = { .slots_fd = -1, .counters_fd = -1 };
	struct stage_instance instance;

	(void)state;
	assert_int_not_equal(load(stage, NULL, NULL, &wiring, &instance), 0);
	assert_non_null(strstr(last_message(), "cannot use the chain's maps"));
	assert_int_equal(instance.prog_fd, -1);
	assert_int_equal(instance.n_maps, 0);
}

/* Keep these capabilities only. */
static int drop_to(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = {
		{ .effective = keep, .permitted = keep },
		{ .effective = keep >> 32, .permitted = keep >> 32 },
	};

	return syscall(SYS_capset, &header, caps);
}

static int load_with(uint64_t capabilities, const struct stage *stage,
		     const struct stage_wiring *wiring)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct stage_instance instance;

		if (drop_to(capabilities))
			_exit(2);
		_exit(load(stage, NULL, NULL, wiring, &instance) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* XDP stages that look at fixed headers do with the two capabilities that all of weir takes. */
static void test_few_privileges(void **state)
{
	const uint64_t needed = 1ULL << CAP_BPF | 1ULL << CAP_NET_ADMIN;
	_cleanup_(chain_end) struct chain chain = chain_new(BPF_PROG_TYPE_XDP, 0);
	_cleanup_(stage_freep) struct stage *guard = stage_of("ttl_guard", HOOK_XDP);
	_cleanup_(stage_freep) struct stage *verdict = fixture("verdict", HOOK_XDP);
	struct stage_wiring wiring = wiring_to(&chain, SLOT_NEXT);

	(void)state;
	assert_int_equal(load_with(needed, guard, &wiring), 0);
	assert_int_equal(load_with(needed, verdict, &wiring), 0);
	assert_int_equal(load_with(0, guard, &wiring), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ttl_guard_xdp),  cmocka_unit_test(test_ttl_guard_tc),
		cmocka_unit_test(test_verdicts),       cmocka_unit_test(test_miss),
		cmocka_unit_test(test_frags),	       cmocka_unit_test(test_reflect_swaps),
		cmocka_unit_test(test_direct_jump),    cmocka_unit_test(test_kept_maps),
		cmocka_unit_test(test_verifier_words), cmocka_unit_test(test_bad_wiring),
		cmocka_unit_test(test_few_privileges),
	};

	need_bpf("stage_load");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
