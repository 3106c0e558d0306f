/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes the tide. By the moon.
 */
#include <stdio.h>

int tide(int hour)
{
	return hour % 12;

}

int main(void)
{
	printf("%d\n", tide(3));
}
