/* The discrete cosine transform of JPEG on blocks of 8 x 8 floats, quantisation, and the way back. */
#include "guest.h"

enum { N = 8, WIDTH = 256, HEIGHT = 96 };

static const float COSINE[N] = {        /* cos(k pi / 16) */
    1.0f, 0.98078528f, 0.92387953f, 0.83146961f, 0.70710678f, 0.55557023f, 0.38268343f, 0.19509032f};

static float forward[N][N] __attribute__((aligned(32))), backward[N][N] __attribute__((aligned(32)));
static u8 image[HEIGHT][WIDTH], again[HEIGHT][WIDTH];
static i16 coefficients[HEIGHT][WIDTH];
static u64 exact;                       /* of all bits of all transforms */

static void make_tables(void)
{
    for (int u = 0; u < N; u++)
        for (int x = 0; x < N; x++) {
            int angle = (2 * x + 1) * u % 32;                   /* in sixteenths of pi */
            int folded = angle > 16 ? 32 - angle : angle;
            float value = folded > 8 ? -COSINE[16 - folded] : folded == 8 ? 0 : COSINE[folded];
            forward[u][x] = value * (u ? 0.5f : 0.35355339f);
            backward[x][u] = forward[u][x];
        }
}

/* out = a * in * transposed a, which for `backward` is the inverse */
static OUT_OF_LINE void transform(float (*out)[N], float (*a)[N], float (*b)[N], float (*in)[N])
{
    float half[N][N] __attribute__((aligned(32))) = {{0}};
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                half[i][j] += a[i][k] * in[k][j];
    for (int i = 0; i < N; i++) {
        float row[N] = {0};
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                row[j] += half[i][k] * b[k][j];
        for (int j = 0; j < N; j++)
            out[i][j] = row[j];
    }
    exact = exact * 31 + checksum(out, sizeof half);
}

static OUT_OF_LINE void compress(int top, int left)
{
    float block[N][N] __attribute__((aligned(32)));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            block[i][j] = image[top + i][left + j] - 128;
    transform(block, forward, backward, block);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            float value = block[i][j] / (4 + 2 * (i + j));
            coefficients[top + i][left + j] = (int)(value + (value < 0 ? -0.5f : 0.5f));
        }
}

static OUT_OF_LINE void restore(int top, int left)
{
    float block[N][N] __attribute__((aligned(32)));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            block[i][j] = (float)coefficients[top + i][left + j] * (4 + 2 * (i + j));
    transform(block, backward, forward, block);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int value = (int)(block[i][j] + 128.5f);
            again[top + i][left + j] = value < 0 ? 0 : value > 255 ? 255 : value;
        }
}

static OUT_OF_LINE u64 squared_error(void)
{
    u32 sum = 0;
    for (int i = 0; i < HEIGHT; i++)
        for (int j = 0; j < WIDTH; j++)
            sum += (image[i][j] - again[i][j]) * (image[i][j] - again[i][j]);
    return sum;
}

void program(void)
{
    make_tables();
    for (int i = 0; i < HEIGHT; i++)
        for (int j = 0; j < WIDTH; j++)                         /* slopes, a disc, some noise */
            image[i][j] = (i + j) / 2 + ((i - 48) * (i - 48) + (j - 90) * (j - 90) < 1500 ? 60 : 0) + (random_bits() >> 61);
    line_sum("image", image, sizeof image);
    for (int top = 0; top < HEIGHT; top += N)
        for (int left = 0; left < WIDTH; left += N)
            compress(top, left);
    for (int top = 0; top < HEIGHT; top += N)
        line_sum("coefficients", coefficients[top], N * sizeof *coefficients);
    for (int top = 0; top < HEIGHT; top += N)
        for (int left = 0; left < WIDTH; left += N)
            restore(top, left);
    line("transforms", exact);
    line_sum("image again", again, sizeof again);
    line("squared error", squared_error());
}
