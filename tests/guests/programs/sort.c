/* Sorting REALs by quicksort and in a heap, with infinities, zeros of both signs and NaNs, and what comparisons say. */
#include "guest.h"

enum { LENGTH = 6000 };

static REAL numbers[LENGTH], heap[LENGTH];

static u64 bits_of(REAL x)
{
    u64 bits = 0;
    for (size_t i = 0; i < sizeof x && i < 10; i++)
        bits = bits * 251 + ((u8 *)&x)[i];
    return bits;
}

static u64 sum_of(const REAL *array, int count)                 /* a long double has 6 bytes of nothing */
{
    u64 sum = 0;
    for (int i = 0; i < count; i++)
        sum = sum * 31 + bits_of(array[i]);
    return sum;
}

/* NaNs last, -0 before 0: a strict order of everything */
static int before(REAL a, REAL b)
{
    if (a != a || b != b)
        return b != b && a == a;
    return a < b || a == b && __builtin_signbit(a) && !__builtin_signbit(b);
}

static OUT_OF_LINE void quicksort(REAL *array, int count)
{
    while (count > 1) {
        REAL pivot = array[count / 2];
        int i = 0, j = count - 1;
        for (;; i++, j--) {
            while (before(array[i], pivot))
                i++;
            while (before(pivot, array[j]))
                j--;
            if (i >= j)
                break;
            REAL swapped = array[i];
            array[i] = array[j], array[j] = swapped;
        }
        quicksort(array, i);
        array += i, count -= i;
        if (!i)
            array++, count--;
    }
}

static void sift(REAL *array, int root, int end)                /* what is too small goes down */
{
    REAL moved = array[root];
    for (int child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && before(array[child], array[child + 1]))
            child++;
        if (!before(moved, array[child]))
            break;
        array[root] = array[child];
    }
    array[root] = moved;
}

static OUT_OF_LINE void heapsort(REAL *array, int count)
{
    for (int root = count / 2 - 1; root >= 0; root--)
        sift(array, root, count);
    for (int end = count - 1; end > 0; end--) {
        REAL last = array[end];
        array[end] = array[0], array[0] = last;
        sift(array, 0, end);
    }
}

/* <, <=, ==, !=, and the quiet ones, as bits */
static OUT_OF_LINE u64 comparisons(REAL a, REAL b)
{
    return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5 |
           __builtin_isless(a, b) << 6 | __builtin_islessgreater(a, b) << 7 | __builtin_isunordered(a, b) << 8 |
           (u64)(bits_of(a < b ? a : b) & 0xFFFF) << 16 | (u64)(bits_of(a > b ? a : b) & 0xFFFF) << 32;
}

void program(void)
{
    volatile REAL zero = 0;
    REAL edges[] = {zero, -zero, 1, -1, 1 / zero, -1 / zero, (REAL)1e-30, zero / zero, -(zero / zero)};
    for (size_t i = 0; i < COUNT(edges); i++)
        for (size_t j = 0; j < COUNT(edges); j++)
            line("", comparisons(edges[i], edges[j]));
    for (int i = 0; i < LENGTH; i++) {
        REAL scale = random_bits() & 1 ? 1000 : (REAL)1e-20;
        numbers[i] = i % 500 < 8 ? edges[i % 500] : ((REAL)random_unit() - (REAL)0.5) * scale;
        heap[i] = numbers[i];
    }
    line("unsorted", sum_of(numbers, LENGTH));
    quicksort(numbers, LENGTH);
    line("quicksort", sum_of(numbers, LENGTH));
    heapsort(heap, LENGTH);
    line("heapsort", sum_of(heap, LENGTH));
    u64 wrong = 0;
    for (int i = 1; i < LENGTH; i++)
        wrong += before(numbers[i], numbers[i - 1]) + before(heap[i], heap[i - 1]);
    line("out of order", wrong);
}
