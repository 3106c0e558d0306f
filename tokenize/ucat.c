/* SPDX-License-Identifier: Apache-2.0
 *
 * ucat: character classes. See ucat.h.
 */
#include "tokenize/ucat.h"

#include <utf8proc.h>

#define L UCAT_L
#define N UCAT_N
#define P UCAT_P
#define S UCAT_S
#define W (UCAT_SPACE | UCAT_C)
#define B UCAT_SPACE
#define C (UCAT_OTHER | UCAT_C)
const uint16_t ucat_ascii[128] = {
	C, C, C, C, C, C, C, C, C, W, W, W, W, W, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
	B, P, P, P, S, P, P, P, P, P, P, S, P, P, P, P, N, N, N, N, N, N, N, N, N, N, P, P, S, S, S, P,
	P, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, P, P, S, P,
	S, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, S, P, S, C,
};
#undef L
#undef N
#undef P
#undef S
#undef W
#undef B
#undef C

/* The marks, punctuation and format characters that came (or became such) after Unicode 8. */
static const uint32_t young[][2] = {
	{ 0x61d, 0x61d }, { 0x7fd, 0x7fd }, { 0x890, 0x891 }, { 0x898, 0x89f }, { 0x8ca, 0x8e2 }, { 0x9fd, 0x9fe },
	{ 0xa76, 0xa76 }, { 0xafa, 0xaff }, { 0xb55, 0xb55 }, { 0xc04, 0xc04 }, { 0xc3c, 0xc3c }, { 0xc77, 0xc77 },
	{ 0xc84, 0xc84 }, { 0xd00, 0xd00 }, { 0xd3b, 0xd3c }, { 0xd81, 0xd81 }, { 0xeba, 0xeba }, { 0xece, 0xece },
	{ 0x180f, 0x180f }, { 0x1885, 0x1886 }, { 0x1abf, 0x1ace }, { 0x1b7d, 0x1b7e }, { 0x1df6, 0x1dfb },
	{ 0x2e43, 0x2e4f }, { 0x2e52, 0x2e5d }, { 0xa82c, 0xa82c }, { 0xa8c5, 0xa8c5 }, { 0xa8ff, 0xa8ff },
	{ 0xa9bd, 0xa9bd }, { 0x10d24, 0x10d27 }, { 0x10eab, 0x10ead }, { 0x10efd, 0x10eff }, { 0x10f46, 0x10f50 },
	{ 0x10f55, 0x10f59 }, { 0x10f82, 0x10f89 }, { 0x11070, 0x11070 }, { 0x11073, 0x11074 }, { 0x110c2, 0x110c2 },
	{ 0x110cd, 0x110cd }, { 0x111c9, 0x111c9 }, { 0x111cf, 0x111cf }, { 0x1123e, 0x1123e }, { 0x11241, 0x11241 },
	{ 0x1133b, 0x1133b }, { 0x11438, 0x1143f }, { 0x11442, 0x11444 }, { 0x11446, 0x11446 }, { 0x1144b, 0x1144f },
	{ 0x1145a, 0x1145b }, { 0x1145d, 0x1145e }, { 0x11660, 0x1166c }, { 0x116b9, 0x116b9 }, { 0x1182f, 0x11837 },
	{ 0x11839, 0x1183b }, { 0x1193b, 0x1193c }, { 0x1193e, 0x1193e }, { 0x11943, 0x11946 }, { 0x119d4, 0x119d7 },
	{ 0x119da, 0x119db }, { 0x119e0, 0x119e0 }, { 0x119e2, 0x119e2 }, { 0x11a01, 0x11a0a }, { 0x11a33, 0x11a38 },
	{ 0x11a3b, 0x11a47 }, { 0x11a51, 0x11a56 }, { 0x11a59, 0x11a5b }, { 0x11a8a, 0x11a96 }, { 0x11a98, 0x11a9c },
	{ 0x11a9e, 0x11aa2 }, { 0x11b00, 0x11b09 }, { 0x11c30, 0x11c36 }, { 0x11c38, 0x11c3d }, { 0x11c3f, 0x11c3f },
	{ 0x11c41, 0x11c45 }, { 0x11c70, 0x11c71 }, { 0x11c92, 0x11ca7 }, { 0x11caa, 0x11cb0 }, { 0x11cb2, 0x11cb3 },
	{ 0x11cb5, 0x11cb6 }, { 0x11d31, 0x11d36 }, { 0x11d3a, 0x11d3a }, { 0x11d3c, 0x11d3d }, { 0x11d3f, 0x11d45 },
	{ 0x11d47, 0x11d47 }, { 0x11d90, 0x11d91 }, { 0x11d95, 0x11d95 }, { 0x11d97, 0x11d97 }, { 0x11ef3, 0x11ef4 },
	{ 0x11ef7, 0x11ef8 }, { 0x11f00, 0x11f01 }, { 0x11f36, 0x11f3a }, { 0x11f40, 0x11f40 }, { 0x11f42, 0x11f4f },
	{ 0x11fff, 0x11fff }, { 0x12ff1, 0x12ff2 }, { 0x13430, 0x13440 }, { 0x13447, 0x13455 }, { 0x16e97, 0x16e9a },
	{ 0x16f4f, 0x16f4f }, { 0x16fe2, 0x16fe2 }, { 0x16fe4, 0x16fe4 }, { 0x1cf00, 0x1cf2d }, { 0x1cf30, 0x1cf46 },
	{ 0x1e000, 0x1e006 }, { 0x1e008, 0x1e018 }, { 0x1e01b, 0x1e021 }, { 0x1e023, 0x1e024 }, { 0x1e026, 0x1e02a },
	{ 0x1e08f, 0x1e08f }, { 0x1e130, 0x1e136 }, { 0x1e2ae, 0x1e2ae }, { 0x1e2ec, 0x1e2ef }, { 0x1e4ec, 0x1e4ef },
	{ 0x1e944, 0x1e94a }, { 0x1e95e, 0x1e95f },
};

/* The property White_Space beyond ASCII. */
static bool is_space(uint32_t cp)
{
	return cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 ||
	       cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

unsigned ucat_wide(uint32_t cp)
{
	if (is_space(cp))
		return UCAT_SPACE | (cp == 0x85 ? UCAT_C : 0);
	if (cp >= 0x2ebf0 && cp <= 0x2ee5d)	/* CJK extension I, Unicode 15.1: younger than some utf8proc */
		return UCAT_L;
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return UCAT_L;
	case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
		return UCAT_N;
	case UTF8PROC_CATEGORY_MN:
		return UCAT_M | UCAT_MN;
	case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME:
		return UCAT_M;
	case UTF8PROC_CATEGORY_PC: case UTF8PROC_CATEGORY_PD: case UTF8PROC_CATEGORY_PS: case UTF8PROC_CATEGORY_PE:
	case UTF8PROC_CATEGORY_PI: case UTF8PROC_CATEGORY_PF: case UTF8PROC_CATEGORY_PO:
		return UCAT_P;
	case UTF8PROC_CATEGORY_SM: case UTF8PROC_CATEGORY_SC: case UTF8PROC_CATEGORY_SK: case UTF8PROC_CATEGORY_SO:
		return UCAT_S;
	case UTF8PROC_CATEGORY_CC: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_CO:
		return UCAT_OTHER | UCAT_C;
	default:
		return UCAT_OTHER;
	}
}

bool ucat_in(const uint32_t (*range)[2], size_t n, uint32_t cp)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (cp < range[mid][0])
			hi = mid;
		else if (cp > range[mid][1])
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

unsigned ucat_bert(uint32_t cp)
{
	unsigned c = ucat_of(cp);
	if (cp < young[0][0])
		return c;
	if (cp == 0x166d || cp == 0x111c9)	/* punctuation then, a symbol and a mark now */
		return UCAT_P;
	if (cp == 0x1734)			/* a nonspacing mark then, a spacing one now */
		return UCAT_M | UCAT_MN;
	if (c & (UCAT_MN | UCAT_P | UCAT_C) && ucat_in(young, sizeof young / sizeof *young, cp))
		return UCAT_OTHER;
	return c;
}
