/* Matrices of REAL: products in two orders, a factorisation with pivots, powers, and what is left over. */
#include "guest.h"

enum { N = 64, ROW = N + 8 };           /* rows are not a power of two apart */

typedef REAL matrix[N][ROW] __attribute__((aligned(32)));

static matrix a, b, c, lu, left, right;
static int order[N];

static void sum_of(const char *name, matrix m)
{
    u64 sum = 0;
    for (int i = 0; i < N; i++)
        sum = sum * 31 + checksum(m[i], N * sizeof(REAL));
    line(name, sum);
}

static OUT_OF_LINE void multiply(matrix out, matrix x, matrix y)        /* the inner loop goes along rows */
{
    for (int i = 0; i < N; i++) {
        REAL row[N] = {0};
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                row[j] += x[i][k] * y[k][j];
        for (int j = 0; j < N; j++)
            out[i][j] = row[j];
    }
}

static OUT_OF_LINE void multiply_columns(matrix out, matrix x, matrix y)        /* one sum after the other */
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            REAL sum = 0;
            for (int k = 0; k < N; k++)
                sum += x[i][k] * y[k][j];
            out[i][j] = sum;
        }
}

static OUT_OF_LINE void transpose(matrix out, matrix x)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            out[j][i] = x[i][j];
}

static OUT_OF_LINE REAL factorise(matrix m)                     /* into L and U, in place; gives the determinant */
{
    REAL determinant = 1;
    for (int k = 0; k < N; k++) {
        int best = k;
        for (int i = k + 1; i < N; i++)
            if ((m[i][k] < 0 ? -m[i][k] : m[i][k]) > (m[best][k] < 0 ? -m[best][k] : m[best][k]))
                best = i;
        if (best != k) {
            int number = order[k];
            order[k] = order[best], order[best] = number;
            determinant = -determinant;
            for (int j = 0; j < N; j++) {
                REAL swapped = m[k][j];
                m[k][j] = m[best][j], m[best][j] = swapped;
            }
        }
        determinant *= m[k][k] / 8;
        for (int i = k + 1; i < N; i++) {
            REAL factor = m[i][k] /= m[k][k];
            for (int j = k + 1; j < N; j++)
                m[i][j] -= factor * m[k][j];
        }
    }
    return determinant;
}

static OUT_OF_LINE REAL largest_difference(matrix x, matrix y, const int *rows)
{
    REAL most = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            REAL difference = x[i][j] - y[rows[i]][j];
            difference = difference < 0 ? -difference : difference;
            most = difference > most ? difference : most;
        }
    return most;
}

void program(void)
{
    for (int i = 0; i < N; i++)
        order[i] = i;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = random_unit() - (REAL)0.5;
            b[i][j] = random_unit() * (i == j ? 4 : 1) - (REAL)0.25;
        }
    sum_of("a", a);
    sum_of("b", b);
    multiply(c, a, b);
    sum_of("rows", c);
    multiply_columns(c, a, b);
    sum_of("columns", c);
    transpose(c, a);
    multiply(lu, c, a);
    sum_of("squares", lu);

    transpose(lu, b);
    transpose(c, lu);
    line("transposed twice", largest_difference(c, b, order) != 0);
    REAL determinant = factorise(c);
    line_sum("determinant", &determinant, sizeof determinant);
    line_sum("order", order, sizeof order);
    sum_of("lu", c);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            left[i][j] = j < i ? c[i][j] : i == j;
            right[i][j] = j < i ? 0 : c[i][j];
        }
    multiply(c, left, right);
    REAL error = largest_difference(c, b, order);
    line_sum("error", &error, sizeof error);
    line("error is small", error < (REAL)1e-4);

    for (int power = 0; power < 3; power++) {                   /* scaled, so that nothing overflows */
        multiply(c, a, a);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                a[i][j] = c[i][j] * (REAL)0.3;
    }
    sum_of("power", a);
}
