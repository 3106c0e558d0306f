/* SPDX-License-Identifier: Apache-2.0
 *
 * test_arch: every number of the metadata at its edges gives a checked value or an error that names the key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "generate/arch.h"
#include "tests/unit/tiny.h"

static int read_arch(struct tiny *t, struct arch *a, struct err *e)
{
	struct buf b = { 0 };
	struct gguf *g = NULL;
	tiny_write(t, &b);
	assert_int_equal(gguf_open_memory(&g, b.data, b.len, "tiny.gguf", e), 0);
	int rc = arch_from_gguf(a, g, e);
	gguf_close(g);
	buf_release(&b);
	return rc;
}

static void arch_of_each_kind_is_read(void **state)
{
	(void)state;
	static const char *const kinds[] = { "llama", "qwen2", "gemma3" };
	for (unsigned i = 0; i < 3; i++) {
		struct tiny t = { .arch = kinds[i], .seed = 1 };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), 0);
		assert_int_equal(a.kind, i);
		assert_int_equal(a.n_layer, TINY_LAYER);
		assert_int_equal(a.d_head, 32);
		assert_int_equal(a.n_vocab, TINY_VOCAB);
		assert_int_equal(arch_is_windowed(&a, 0), i == 2);
		assert_int_equal(arch_is_windowed(&a, 2), 0);
	}
}

static void arch_with_edge_values_never_passes_unchecked(void **state)
{
	(void)state;
	static const char *const whole[] = { "block_count", "context_length", "embedding_length", "feed_forward_length",
		"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.sliding_window" };
	static const uint32_t values[] = { 0, 1, 3, 33, 65535, 0x7FFFFFFF, 0xFFFFFFFF };
	for (unsigned i = 0; i < sizeof whole / sizeof *whole; i++)
		for (unsigned j = 0; j < sizeof values / sizeof *values; j++) {
			struct tiny t = { .arch = "gemma3", .seed = 1, .set = whole[i], .set_u = values[j] };
			struct arch a;
			struct err e = { 0 };
			if (read_arch(&t, &a, &e)) {
				assert_non_null(strstr(e.msg, "tiny.gguf"));
				continue;
			}
			assert_in_range(a.n_layer, 1, ARCH_MAX_LAYER);
			assert_in_range(a.n_ctx, 1, ARCH_MAX_CTX);
			assert_in_range(a.d_model, 32, ARCH_MAX_DIM);
			assert_in_range(a.n_head, 1, ARCH_MAX_HEAD);
			assert_int_equal(a.n_head % a.n_head_kv, 0);
			assert_int_equal(a.d_head % 32, 0);
		}
}

static void arch_with_senseless_floats_is_refused(void **state)
{
	(void)state;
	static const struct { const char *key; float v; } bad[] = { { "rope.freq_base", 0 }, { "rope.freq_base", NAN },
		{ "rope.freq_base", INFINITY }, { "rope.freq_base", -1 }, { "attention.layer_norm_rms_epsilon", NAN },
		{ "attention.layer_norm_rms_epsilon", -1 }, { "attention.layer_norm_rms_epsilon", 1 } };
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tiny t = { .arch = "llama", .seed = 1, .set = bad[i].key, .set_f = bad[i].v };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, bad[i].key));
	}
}

static void arch_without_required_key_names_it(void **state)
{
	(void)state;
	static const char *const keys[] = { "block_count", "context_length", "embedding_length", "feed_forward_length",
		"attention.head_count", "attention.layer_norm_rms_epsilon" };
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct tiny t = { .arch = "qwen2", .seed = 1, .drop = keys[i] };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, keys[i]));
	}
}

/* Also where a key has a default, which is for files without it. */
static void arch_with_keys_of_another_type_is_refused(void **state)
{
	(void)state;
	static const char *const keys[] = { "block_count", "context_length", "embedding_length", "feed_forward_length",
		"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.sliding_window",
		"rope.freq_base", "attention.layer_norm_rms_epsilon" };
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		for (int arr = 0; arr < 2; arr++) {
			struct tiny t = { .arch = "gemma3", .seed = 1, .as_str = arr ? NULL : keys[i], .as_arr = arr ? keys[i] : NULL };
			struct arch a;
			struct err e = { 0 };
			int r = read_arch(&t, &a, &e);
			if ((r != ERR_FORMAT && r != ERR_UNSUPPORTED) || !strstr(e.msg, keys[i]))
				fail_msg("%s as %s: %d, %s", keys[i], arr ? "an array" : "a string", r, e.msg);
		}
}

static void arch_scales_positions_as_the_file_says(void **state)
{
	(void)state;
	static const struct { const char *key, *type; float f; } cases[] = { { "rope.scaling.factor", NULL, 4 },
		{ "rope.scaling.factor", "linear", 4 }, { "rope.scale_linear", NULL, 4 }, { "rope.scaling.factor", "none", 1 } };
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tiny t = { .arch = "llama", .seed = 1, .rope_key = cases[i].key, .rope_f = 4, .rope_type = cases[i].type };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), 0);
		assert_float_equal(a.rope_scale, 1 / cases[i].f, 0);
	}
	struct tiny t = { .arch = "llama", .seed = 1, .rope_key = "rope.scaling.factor", .rope_f = 4, .rope_type = "yarn" };
	struct arch a;
	assert_int_equal(read_arch(&t, &a, NULL), ERR_UNSUPPORTED);
}

static void arch_of_gemma_27b_scales_attention_by_width(void **state)
{
	(void)state;
	for (uint32_t n = 61; n <= 63; n++) {
		struct tiny t = { .arch = "gemma3", .seed = 1, .n_layer = n, .set = "attention.head_count", .set_u = 4 };
		struct arch a;
		assert_int_equal(read_arch(&t, &a, NULL), 0);
		assert_float_equal(a.attn_scale, 1 / sqrtf(n == 62 ? TINY_D / 4 : 32), 1e-6);
	}
}

/* Passed over, they would only show in what the model says. */
static void arch_with_biases_of_another_family_is_refused(void **state)
{
	(void)state;
	static const struct { const char *arch, *name; } odd[] = { { "llama", "blk.0.attn_q.bias" }, { "llama", "blk.2.ffn_down.bias" },
		{ "llama", "output_norm.bias" }, { "qwen2", "blk.1.attn_output.bias" }, { "gemma3", "blk.0.attn_v.bias" } };
	for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct tiny t = { .arch = odd[i].arch, .seed = 1, .add_tensor = odd[i].name };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), ERR_UNSUPPORTED);
		assert_non_null(strstr(e.msg, odd[i].name));
	}
}

static void arch_of_unknown_kind_is_unsupported(void **state)
{
	(void)state;
	struct tiny t = { .arch = "mamba", .seed = 1 };
	struct arch a;
	struct err e = { 0 };
	assert_int_equal(read_arch(&t, &a, &e), ERR_UNSUPPORTED);
}

static void arch_of_a_part_of_a_model_is_refused(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 3; n++) {
		struct tiny t = { .arch = "llama", .seed = 1, .n_part = n };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), n > 1 ? ERR_UNSUPPORTED : 0);
		assert_true(n == 1 || strstr(e.msg, "one of 2 parts"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arch_of_each_kind_is_read),
		cmocka_unit_test(arch_with_edge_values_never_passes_unchecked),
		cmocka_unit_test(arch_with_senseless_floats_is_refused),
		cmocka_unit_test(arch_without_required_key_names_it),
		cmocka_unit_test(arch_with_keys_of_another_type_is_refused),
		cmocka_unit_test(arch_scales_positions_as_the_file_says),
		cmocka_unit_test(arch_of_gemma_27b_scales_attention_by_width),
		cmocka_unit_test(arch_with_biases_of_another_family_is_refused),
		cmocka_unit_test(arch_of_unknown_kind_is_unsupported),
		cmocka_unit_test(arch_of_a_part_of_a_model_is_refused),
	};
	return cmocka_run_group_tests_name("arch", tests, NULL, NULL);
}
