/* SPDX-License-Identifier: Apache-2.0
 *
 * act and vec at the avx2 level: the formulas of ref/act.c and ref/vec.c, sixteen lanes as two vectors of eight.
 */
#include "lib/kern/x86/avx2.h"
#include "lib/kern/x86/pair_sums.h"

INLINE struct v16 mul(struct v16 x, struct v16 y)
{
	return (struct v16){ _mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b) };
}

INLINE struct v16 all(float f)
{
	return (struct v16){ _mm256_set1_ps(f), _mm256_set1_ps(f) };
}

/* ---- activations ---- */

INLINE __m256 magnitude(__m256 v)
{
	return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}

INLINE __m128i even_lanes(__m256i v)
{
	return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
}

/* What the kernels need besides the codes: their scales s, and sums of codes, alone and scaled (ref/act.c). */
INLINE void sums(bool is16, const float s[16], struct act_block *o)
{
	memset((char *)o + sizeof o->x, 0, sizeof *o - sizeof o->x);
	for (int g = 0; g < 16; g += 8) {
		__m256i p = pair_sums(o->x + 16 * g), b = _mm256_madd_epi16(p, _mm256_set1_epi16(1));
		__m256i si = _mm256_cvttps_epi32(_mm256_loadu_ps(s + g)), s2 = _mm256_or_si256(si, _mm256_slli_epi32(si, 16));
		__m256i sb = is16 ? _mm256_mullo_epi32(si, b) : b;
		sb = _mm256_add_epi32(sb, _mm256_shuffle_epi32(sb, 0xb1));	/* pairs of groups, in both lanes */
		if (is16) {
			_mm256_storeu_si256((void *)o->g16.s[g / 2], s2);
			_mm256_storeu_si256((void *)(o->g16.nb + g), _mm256_sub_epi32(_mm256_setzero_si256(), b));
			_mm_storeu_ps(o->g16.b32 + g / 2, _mm_cvtepi32_ps(even_lanes(sb)));
			continue;
		}
		sb = _mm256_srai_epi32(_mm256_add_epi32(_mm256_mullo_epi32(sb, si), _mm256_set1_epi32(1)), 1);
		__m128i low = even_lanes(sb);
		_mm_storeu_si128((void *)o->g32.s[g / 4], even_lanes(s2));
		_mm_storel_epi64((void *)(o->g32.sb32 + g / 2), _mm_packs_epi32(low, low));
		_mm256_storeu_si256((void *)(o->g32.start + g), _mm256_sub_epi32(_mm256_set1_epi32(1), _mm256_slli_epi32(b, 5)));
		_mm256_storeu_si256((void *)o->g32.start2[g], _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(p, 5)));
	}
}

INLINE __m256i codes(__m256 x, __m256 inv)
{
	const __m256 magic = _mm256_set1_ps(EXP_ROUND);
	__m256 c = _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(x, inv), magic), magic);
	return _mm256_cvttps_epi32(_mm256_min_ps(_mm256_max_ps(c, _mm256_set1_ps(-127)), _mm256_set1_ps(127)));
}

static void block(const float *x, enum act_form form, struct act_block *o)
{
	bool is16 = form == ACT_G16;
	float amax[16], m = 0, s_max = is16 ? ACT_G16_MAX : ACT_G32_MAX, s[16], inv[16];
	for (int g = 0; g < 16; g++)
		amax[g] = max8(_mm256_max_ps(magnitude(_mm256_loadu_ps(x + 16 * g)), magnitude(_mm256_loadu_ps(x + 16 * g + 8))));
	for (int g = 0; !is16 && g < 16; g += 2)
		amax[g] = amax[g + 1] = max2(amax[g], amax[g + 1]);
	for (int g = 0; g < 16; g++)
		m = max2(amax[g], m);
	bool is_zero = !(m > 1e-30f);
	float d = is_zero ? 0 : m * (is16 ? 1.0f / (127 * ACT_G16_MAX) : 1.0f / (127 * ACT_G32_MAX)), per_m = is_zero ? 0 : s_max / m;
	for (int g = 0; g < 16; g += 8) {
		__m256 t = _mm256_round_ps(_mm256_mul_ps(_mm256_loadu_ps(amax + g), _mm256_set1_ps(per_m)),
			_MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
		t = _mm256_min_ps(_mm256_max_ps(t, _mm256_set1_ps(1)), _mm256_set1_ps(s_max));
		_mm256_storeu_ps(s + g, t);
		_mm256_storeu_ps(inv + g, is_zero ? _mm256_setzero_ps() : _mm256_div_ps(_mm256_set1_ps(1), _mm256_mul_ps(_mm256_set1_ps(d), t)));
	}
	for (int g = 0; g < 16; g++) {
		__m256 v = _mm256_set1_ps(inv[g]);
		__m256i a = codes(_mm256_loadu_ps(x + 16 * g), v), b = codes(_mm256_loadu_ps(x + 16 * g + 8), v);
		__m256i p = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
		_mm_storeu_si128((void *)(o->x + 16 * g), _mm_packs_epi16(_mm256_castsi256_si128(p), _mm256_extracti128_si256(p, 1)));
	}
	sums(is16, s, o);
	o->d = d;
}

void act_avx2(const float *x, size_t n, enum act_form form, struct act_block *out)
{
	for (; n >= 256; n -= 256, x += 256)
		block(x, form, out++);
	if (n) {
		float rest[256] = { 0 };
		memcpy(rest, x, n * sizeof *x);
		block(rest, form, out);
	}
}

/* ---- rows ---- */

void rmsnorm_avx2(const float *x, const float *w, float eps, size_t n, float *y)
{
	struct v16 s = all(0);
	for (size_t i = 0; i < n; i += 16) {
		struct v16 v = load(x + i, n - i);
		s.a = _mm256_fmadd_ps(v.a, v.a, s.a);
		s.b = _mm256_fmadd_ps(v.b, v.b, s.b);
	}
	struct v16 scale = all(1.0f / sqrtf(tree(s) / (float)n + eps));
	for (size_t i = 0; i < n; i += 16) {
		struct v16 v = mul(load(x + i, n - i), scale);
		store(y + i, n - i, w ? mul(v, load(w + i, n - i)) : v);
	}
}

/* g / (1 + exp(-a)) * u */
INLINE __m256 gate(__m256 g, __m256 a, __m256 u)
{
	__m256 e = exp256(_mm256_xor_ps(a, _mm256_set1_ps(-0.0f)));
	return _mm256_mul_ps(_mm256_div_ps(g, _mm256_add_ps(_mm256_set1_ps(1), e)), u);
}

INLINE __m256 gelu_arg(__m256 v)
{
	__m256 c = _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(GELU_B), v), v);
	return _mm256_mul_ps(_mm256_set1_ps(2), _mm256_mul_ps(_mm256_set1_ps(GELU_A), _mm256_fmadd_ps(c, v, v)));
}

void silu_mul_avx2(const float *g, const float *u, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16) {
		struct v16 v = load(g + i, n - i), w = load(u + i, n - i);
		store(y + i, n - i, (struct v16){ gate(v.a, v.a, w.a), gate(v.b, v.b, w.b) });
	}
}

void gelu_mul_avx2(const float *g, const float *u, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16) {
		struct v16 v = load(g + i, n - i), w = load(u + i, n - i);
		store(y + i, n - i, (struct v16){ gate(v.a, gelu_arg(v.a), w.a), gate(v.b, gelu_arg(v.b), w.b) });
	}
}

void add_avx2(const float *x, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16) {
		struct v16 v = load(x + i, n - i), w = load(y + i, n - i);
		store(y + i, n - i, (struct v16){ _mm256_add_ps(v.a, w.a), _mm256_add_ps(v.b, w.b) });
	}
}

void rope_avx2(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm)
{
	if (norm || n % 8) {	/* neighbouring pairs: rare at this level, and a fraction of a token's time */
		for (size_t h = 0; h < n_head; h++, x += d_head)
			for (size_t i = 0; i < n; i++) {
				float *pa = norm ? x + 2 * i : x + i, *pb = norm ? x + 2 * i + 1 : x + i + n, a = *pa, b = *pb;
				*pa = fmaf(a, cos[i], -(b * sin[i]));
				*pb = fmaf(a, sin[i], b * cos[i]);
			}
		return;
	}
	for (size_t h = 0; h < n_head; h++, x += d_head)
		for (size_t i = 0; i < n; i += 8) {
			__m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + n), c = _mm256_loadu_ps(cos + i), s = _mm256_loadu_ps(sin + i);
			_mm256_storeu_ps(x + i, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
			_mm256_storeu_ps(x + i + n, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)));
		}
}

float softmax_sum_avx2(const float *x, size_t n, float *y)
{
	float m = -INFINITY;
	size_t whole = n / 16 * 16;
	struct v16 top = all(m), s = all(0);
	for (size_t i = 0; i < whole; i += 16) {
		struct v16 v = load(x + i, 16);
		top.a = _mm256_max_ps(v.a, top.a);
		top.b = _mm256_max_ps(v.b, top.b);
	}
	m = max8(_mm256_max_ps(top.a, top.b));
	for (size_t i = whole; i < n; i++)
		m = max2(x[i], m);
	for (size_t i = 0; i < whole; i += 16) {
		struct v16 v = load(x + i, 16);
		v.a = exp256(_mm256_sub_ps(v.a, _mm256_set1_ps(m)));
		v.b = exp256(_mm256_sub_ps(v.b, _mm256_set1_ps(m)));
		s.a = _mm256_add_ps(s.a, v.a);
		s.b = _mm256_add_ps(s.b, v.b);
		store(y + i, 16, v);
	}
	float lane[16];
	store(lane, 16, s);
	for (size_t i = whole; i < n; i++) {
		y[i] = exp_ref(x[i] - m);
		lane[i % 16] += y[i];
	}
	return tree16(lane);
}
