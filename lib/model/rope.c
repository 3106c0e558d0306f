/* SPDX-License-Identifier: Apache-2.0
 *
 * rope: the angles of the rotary embedding (Su et al. 2021), in double precision with our own series: additions and products
 * only, so every machine and every C library gives the same bits.
 */
#include "lib/model/nn.h"

#define LN2 0.69314718055994530942
#define PI 3.14159265358979323846

/* ln x for x > 0 = e ln 2 + 2 atanh((m - 1) / (m + 1)), m in [0.7, 1.42): the series' 13th term is below 1e-21. */
static double ln(double x)
{
	int e = 0;
	for (; x >= 1.4142135623730951; x *= 0.5)
		e++;
	for (; x < 0.70710678118654752; x *= 2)
		e--;
	double z = (x - 1) / (x + 1), zz = z * z, s = 0;
	for (int k = 25; k >= 1; k -= 2)
		s = s * zz + 1.0 / k;
	return e * LN2 + 2 * z * s;
}

/* e^x for -700 < x < 700: 2^n times the Taylor series of the rest, |r| <= ln(2) / 2. */
static double e_to(double x)
{
	double n = (double)(long)(x / LN2 + (x < 0 ? -0.5 : 0.5)), r = x - n * LN2, s = 1;
	for (int k = 18; k >= 1; k--)
		s = s * r / k + 1;
	for (; n >= 1; n--)
		s *= 2;
	for (; n <= -1; n++)
		s *= 0.5;
	return s;
}

void nn_rope_freqs(double base, size_t n_rot, double scale, const float *factors, double *inv_freq)
{
	for (size_t i = 0; i < n_rot / 2; i++)
		inv_freq[i] = e_to(-2.0 * (double)i / (double)n_rot * ln(base)) / scale / (factors ? (double)factors[i] : 1);
}

/* 1 / (k (k - 1)) */
#define R(k) (1.0 / ((k) * ((k) - 1.0)))
static const double RATIO[] = { 0, 0, R(2), R(3), R(4), R(5), R(6), R(7), R(8), R(9), R(10), R(11), R(12), R(13), R(14), R(15), R(16),
	R(17), R(18) };
#undef R

/* Both series on [-pi/4, pi/4], to x^17: the rest is below 1e-18. */
static void sin_cos(double x, double *s, double *c)
{
	double quarter = (double)(long)(x / (PI / 2) + (x < 0 ? -0.5 : 0.5));
	double r = x - quarter * 1.57079632679489655800, rr;
	r -= quarter * 6.12323399573676603587e-17;	/* pi/2 in two parts */
	rr = r * r;
	double sn = 1, cs = 1;
	for (int k = 17; k >= 3; k -= 2)
		sn = 1 - sn * (rr * RATIO[k]);
	sn *= r;
	for (int k = 18; k >= 2; k -= 2)
		cs = 1 - cs * (rr * RATIO[k]);
	switch ((long)quarter & 3) {
	case 0: *s = sn; *c = cs; break;
	case 1: *s = cs; *c = -sn; break;
	case 2: *s = -sn; *c = -cs; break;
	default: *s = -cs; *c = sn; break;
	}
}

void nn_rope_row(size_t pos, const double *inv_freq, size_t n, float *cos, float *sin)
{
	for (size_t i = 0; i < n; i++) {
		double s, c;
		sin_cos((double)pos * inv_freq[i], &s, &c);
		cos[i] = (float)c;
		sin[i] = (float)s;
	}
}
