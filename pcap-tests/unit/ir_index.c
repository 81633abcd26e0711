// SPDX-License-Identifier: GPL-2.0-only
/* Boxes of rules, and the index made of them. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/expr.h"
#include "../../loader/filter/ir_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct cbpf compile(const char *text)
{
	const struct pos pos = { 0 };
	struct cbpf cbpf;

	assert_int_equal(expr_compile(text, &pos, GRAMMAR_POLICY, EXPR_LIFTED, &cbpf), 0);
	return cbpf;
}

/* The boxes as text: "[12:2] 800-800 [26:4] a000001-a000001; …", "~" ahead of one that is not
 * exact.
 */
static char *boxes_of(const char *text, size_t most)
{
	struct cbpf cbpf = compile(text);
	const struct filter_rule rule = { .cbpf = &cbpf };
	struct ir_box *boxes;
	size_t n, size;
	char *written;
	FILE *out = open_memstream(&written, &size);

	assert_int_equal(ir_boxes(&rule, &boxes, &n), 0);
	n = ir_boxes_merge(boxes, n, most);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%s", i ? "; " : "", boxes[i].exact ? "" : "~");
		for (size_t j = 0; j < boxes[i].n; j++) {
			const struct ir_bound *b = &boxes[i].bounds[j];

			fprintf(out, "%s[%s%u:%u] %x-%x", j ? " " : "",
				b->field.behind_ip ? "x+" : "", b->field.k, b->field.size, b->first,
				b->last);
		}
	}
	fclose(out);
	free(boxes);
	cbpf_free(&cbpf);
	return written;
}

static void assert_boxes(const char *text, size_t most, const char *want)
{
	char *boxes = boxes_of(text, most);

	assert_string_equal(boxes, want);
	free(boxes);
}

static void a_rule_has_a_box_for_each_way_to_match(void **state)
{
	(void)state;
	assert_boxes("ip src host 10.0.0.1", 9, "[12:2] 800-800 [26:4] a000001-a000001");
	assert_boxes("ip src net 10.1.0.0/16", 9, "[12:2] 800-800 [26:4] a010000-a01ffff");
	assert_boxes("ip and tcp dst portrange 80-90", 9,
		     "[12:2] 800-800 [23:1] 6-6 [20:2] 0-0 [x+16:2] 50-5a");
	assert_boxes("ip host 10.0.0.1", 9,
		     "[12:2] 800-800 [26:4] a000001-a000001; ~[12:2] 800-800 [30:4] "
		     "a000001-a000001");
}

static void what_is_no_range_is_not_exact(void **state)
{
	(void)state;
	assert_boxes("ip and not src host 10.0.0.1", 9, "~[12:2] 800-800");
	assert_boxes("ip and len <= 90", 9, "~[12:2] 800-800");
	assert_boxes("ip[8] = ip[9]", 9, "~[12:2] 800-800");
}

static void too_many_boxes_become_larger_ones(void **state)
{
	(void)state;
	assert_boxes("ip proto 6 or ip proto 7", 1, "[12:2] 800-800 [23:1] 6-7");
	assert_boxes("ip proto 6 or ip proto 9", 1, "~[12:2] 800-800 [23:1] 6-9");
	assert_boxes("ip src host 10.0.0.1 or ip dst host 10.0.0.2", 1, "~[12:2] 800-800");
}

enum { RULES = 3 * INDEX_RULES };

/* Rule i is about source 10.0.i.0/24, every third one also about a port. */
static void fill(struct cbpf *programs, struct filter_rule *rules)
{
	for (unsigned int i = 0; i < RULES; i++) {
		char text[80];

		snprintf(text, sizeof(text), "ip src net 10.0.%u.0/24%s", i,
			 i % 3 ? "" : " and udp dst port 53");
		programs[i] = compile(text);
		rules[i] = (struct filter_rule){ .cbpf = &programs[i], .verb = FILTER_DROP };
	}
}

static size_t count_probes(const struct ir *ir)
{
	size_t n = 0;

	for (size_t i = 0; i < ir->n; i++)
		n += ir->blocks[i].end.kind == IR_PROBE && ir->blocks[i].end.size == 4;
	return n;
}

static void each_value_of_a_field_leaves_the_rules_that_may_match(void **state)
{
	struct filter_rule rules[RULES];
	struct cbpf programs[RULES];
	const struct filter_run run = { .rules = rules, .n_rules = RULES };
	const struct index_part *part;
	const struct index_group *group = NULL;
	const struct index_field *field;
	struct ir ir;

	(void)state;
	fill(programs, rules);
	assert_int_equal(ir_lower(&run, &ir), 0);
	assert_int_equal(ir_index(&ir, &run), 0);
	assert_int_equal(ir.blocks[0].end.kind, IR_INDEX);
	assert_in_range(count_probes(&ir), RULES, 2 * RULES);
	part = &ir.index->parts[INDEX_IPV4];
	for (size_t i = 0; i < part->n_groups; i++)
		group = part->groups[i].n == 1 ? &part->groups[i] : group;
	assert_non_null(group);
	field = &part->fields[group->first];
	assert_int_equal(field->field.k, 26);
	for (unsigned int i = 0; i < RULES; i++) {
		uint32_t class = table_find(&field->table, 0x0a000000 + (i << 8) + 7);
		const uint64_t *vector = &group->vectors[class * ir.index->n_words];

		for (unsigned int bit = 0; bit < RULES; bit++)
			assert_int_equal(vector[bit / 64] >> bit % 64 & 1, bit == i);
	}
	ir_free(&ir);
	for (size_t i = 0; i < RULES; i++)
		cbpf_free(&programs[i]);
}

static void few_rules_have_no_index_and_too_many_no_room(void **state)
{
	static struct filter_rule rules[INDEX_WORDS * 64 + 1];
	struct filter_run run = { .rules = rules, .n_rules = INDEX_RULES - 1 };
	struct ir ir;

	(void)state;
	assert_int_equal(ir_lower(&run, &ir), 0);
	assert_int_equal(ir_index(&ir, &run), 0);
	assert_null(ir.index);
	ir_free(&ir);
	run.n_rules = INDEX_WORDS * 64 + 1;
	assert_int_equal(ir_lower(&run, &ir), 0);
	assert_int_equal(ir_index(&ir, &run), -E2BIG);
	assert_null(ir.index);
	ir_free(&ir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_has_a_box_for_each_way_to_match),
		cmocka_unit_test(what_is_no_range_is_not_exact),
		cmocka_unit_test(too_many_boxes_become_larger_ones),
		cmocka_unit_test(each_value_of_a_field_leaves_the_rules_that_may_match),
		cmocka_unit_test(few_rules_have_no_index_and_too_many_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
