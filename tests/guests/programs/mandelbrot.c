/* The Mandelbrot set: on the x87 stack, two points at a time with SSE2, four with AVX. All count the same iterations, but
   the extended precision of the x87 makes other ones near the edge. */
#include "guest.h"
#ifdef __SSE2_MATH__
#include <immintrin.h>
#endif

enum { WIDTH = 96, HEIGHT = 36, MOST = 400 };

#ifdef __AVX__
enum { LANES = 4 };
typedef __m256d vector;
#define OP(name) _mm256_##name##_pd
static inline vector less(vector a, vector b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
#elif defined __SSE2_MATH__
enum { LANES = 2 };
typedef __m128d vector;
#define OP(name) _mm_##name##_pd
static inline vector less(vector a, vector b) { return _mm_cmplt_pd(a, b); }
#else
enum { LANES = 1 };
#endif

#ifdef OP

static void count(const double *x, double y, i64 *counts)
{
    const vector four = OP(set1)(4.0), one = OP(set1)(1.0), b = OP(set1)(y), a = OP(loadu)(x);
    vector re = OP(setzero)(), im = re, sum = re;
    for (int i = 0; i < MOST; i++) {
        vector re2 = OP(mul)(re, re), im2 = OP(mul)(im, im);
        vector inside = less(OP(add)(re2, im2), four);
        if (!OP(movemask)(inside))
            break;
        sum = OP(add)(sum, OP(and)(inside, one));
        im = OP(mul)(re, im);
        im = OP(add)(OP(add)(im, im), b);
        re = OP(add)(OP(sub)(re2, im2), a);
    }
    double numbers[LANES];
    OP(storeu)(numbers, sum);
    for (int i = 0; i < LANES; i++)
        counts[i] = numbers[i];
}

#else

static void count(const double *x, double y, i64 *counts)
{
    REAL a = *x, b = y, re = 0, im = 0;
    int i = 0;
    for (; i < MOST; i++) {
        REAL re2 = re * re, im2 = im * im;
        if (!(re2 + im2 < 4))
            break;
        im = re * im;
        im = im + im + b;
        re = re2 - im2 + a;
    }
    *counts = i;
}

#endif

void program(void)
{
    static i64 counts[WIDTH];
    static double x[WIDTH];
    i64 all = 0;
    for (int i = 0; i < WIDTH; i++)
        x[i] = -2.0 + i * (2.6 / WIDTH);
    for (int row = 0; row < HEIGHT; row++) {
        double y = 1.2 - row * (2.4 / HEIGHT);
        for (int i = 0; i < WIDTH; i += LANES)
            count(x + i, y, counts + i);
        for (int i = 0; i < WIDTH; i++) {
            all += counts[i];
            put_char(counts[i] == MOST ? '@' : " .:-=+*%#"[counts[i] % 9]);
        }
        line_sum("", counts, sizeof counts);
    }
    put_decimal(all);
    put_char('\n');
}
