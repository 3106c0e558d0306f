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
		assert_int_equal(arch_is_windowed(&a, 1), 0);
		assert_int_equal(arch_is_windowed(&a, 2), i == 2);
		assert_float_equal(a.embd_scale, i == 2 ? 16 : 1, 0);
		assert_float_equal(a.rope_base_local, 10000, 0);
		t = (struct tiny){ .arch = kinds[i], .seed = 1, .set = "rope.freq_base", .set_f = 1e6f, .drop = "attention.head_count_kv" };
		assert_int_equal(read_arch(&t, &a, &e), 0);
		assert_int_equal(a.n_head_kv, TINY_HEAD);
		assert_float_equal(a.rope_base_local, i == 2 ? 10000 : 1e6f, 0);
	}
}

static void arch_with_edge_values_never_passes_unchecked(void **state)
{
	(void)state;
	static const char *const whole[] = { "block_count", "context_length", "embedding_length", "feed_forward_length",
		"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.sliding_window",
		"rope.dimension_count" };
	static const uint32_t values[] = { 0, 1, 3, 33, 64, 65535, 0x7FFFFFFF, 0xFFFFFFFF };
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
			assert_in_range(a.n_rot, 2, a.d_head);
			assert_int_equal(a.n_rot % 2, 0);
		}
}

/* What would change the arithmetic. */
static void arch_with_what_is_not_handled_is_refused(void **state)
{
	(void)state;
	static const char *const off[] = { "attn_logit_softcapping", "final_logit_softcapping", "expert_count", "attention.clamp_kqv",
		"attention.max_alibi_bias", "logit_scale", "residual_scale", "embedding_scale", "attention.scale" };
	for (unsigned i = 0; i < sizeof off / sizeof *off; i++)
		for (int on = 0; on < 2; on++) {
			struct tiny t = { .arch = "llama", .seed = 1, .rope_key = off[i], .rope_f = (float)on };
			struct arch a;
			struct err e = { 0 };
			assert_int_equal(read_arch(&t, &a, &e), on ? ERR_UNSUPPORTED : 0);
			assert_true(!on || strstr(e.msg, off[i]));
		}
	for (uint32_t n = 0; n < 3; n++) {
		struct tiny t = { .arch = "llama", .seed = 1, .set = "attention.value_length", .set_u = 32 * n };
		struct arch a;
		assert_int_equal(read_arch(&t, &a, NULL), n == 1 ? 0 : ERR_FORMAT);
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
	static const char *const rare[] = { "attn_logit_softcapping", "expert_count", "attention.scale", "rope.scaling.type" };
	for (unsigned i = 0; i < sizeof rare / sizeof *rare; i++) {	/* the last one a number, the others strings */
		struct tiny t = { .arch = "llama", .seed = 1, .rope_key = rare[i], .as_str = i < 3 ? rare[i] : NULL };
		struct arch a;
		struct err e = { 0 };
		assert_int_equal(read_arch(&t, &a, &e), ERR_FORMAT);
		if (!strstr(e.msg, "'tiny.gguf': key 'llama.") || !strstr(e.msg, rare[i]))
			fail_msg("%s: %s", rare[i], e.msg);
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

static int load_again(const struct arch *a, struct arch *b)
{
	struct buf out = { 0 };
	assert_int_equal(arch_save(a, &out), 0);
	int r = arch_load(b, out.data, out.len, NULL);
	buf_release(&out);
	return r;
}

/* In a pack, whose parts are not looked into when it is opened. */
static void arch_load_takes_what_was_saved_and_is_sound(void **state)
{
	(void)state;
	struct tiny t = { .arch = "gemma3", .seed = 1 };
	struct arch a, b;
	struct buf out = { 0 }, back = { 0 };
	assert_int_equal(read_arch(&t, &a, NULL), 0);
	assert_int_equal(load_again(&a, &b), 0);
	assert_int_equal(arch_save(&b, &back), 0);
	assert_int_equal(arch_save(&a, &out), 0);
	assert_int_equal(out.len, back.len);
	assert_memory_equal(out.data, back.data, out.len);
	assert_true(b.is_neox && b.has_norms && b.is_gelu && !b.has_qkv_bias);
	for (size_t i = 0; i < out.len; i++) {
		assert_true(arch_load(&b, out.data, i, NULL) < 0);
		out.data[i] ^= 4;
		assert_int_equal(arch_load(&b, out.data, out.len, NULL), i < 4 ? ERR_VERSION : ERR_FORMAT);
		out.data[i] ^= 4;
	}
	buf_release(&out);
	buf_release(&back);
	const struct { size_t *at, bad; } odd[] = { { &a.n_layer, 0 }, { &a.n_layer, ARCH_MAX_LAYER + 1 }, { &a.n_head, 0 },
		{ &a.n_head_kv, 0 }, { &a.n_head_kv, 3 }, { &a.n_head_kv, 2 * TINY_HEAD }, { &a.d_head, 0 }, { &a.d_head, 48 }, { &a.d_head, 288 },
		{ &a.d_model, 16 }, { &a.d_ff, ARCH_MAX_DIM + 32 }, { &a.n_vocab, 0 }, { &a.n_ctx, ARCH_MAX_CTX + 1 }, { &a.n_rot, 0 },
		{ &a.n_rot, 31 }, { &a.n_rot, 34 }, { &a.window_period, 0 } };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		size_t good = *odd[i].at;
		*odd[i].at = odd[i].bad;
		assert_int_equal(load_again(&a, &b), ERR_FORMAT);
		*odd[i].at = good;
	}
	a.kind = ARCH_GEMMA3 + 1;
	assert_int_equal(load_again(&a, &b), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arch_of_each_kind_is_read),
		cmocka_unit_test(arch_with_edge_values_never_passes_unchecked),
		cmocka_unit_test(arch_with_what_is_not_handled_is_refused),
		cmocka_unit_test(arch_with_senseless_floats_is_refused),
		cmocka_unit_test(arch_without_required_key_names_it),
		cmocka_unit_test(arch_with_keys_of_another_type_is_refused),
		cmocka_unit_test(arch_scales_positions_as_the_file_says),
		cmocka_unit_test(arch_of_gemma_27b_scales_attention_by_width),
		cmocka_unit_test(arch_with_biases_of_another_family_is_refused),
		cmocka_unit_test(arch_of_unknown_kind_is_unsupported),
		cmocka_unit_test(arch_of_a_part_of_a_model_is_refused),
		cmocka_unit_test(arch_load_takes_what_was_saved_and_is_sound),
	};
	return cmocka_run_group_tests_name("arch", tests, NULL, NULL);
}
