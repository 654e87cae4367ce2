/* A ball over a chequered floor, in integers: the loader drew the sky. Fractions have 12 bits: ONE is 1. */
#include "kernel.h"

#define ONE 4096

static uint32_t mix(uint32_t a, uint32_t b, uint32_t part)  /* part of 256 of b */
{
    uint32_t red_blue = ((a & 0xFF00FF) * (256 - part) + (b & 0xFF00FF) * part) >> 8 & 0xFF00FF;
    uint32_t green = ((a & 0x00FF00) * (256 - part) + (b & 0x00FF00) * part) >> 8 & 0x00FF00;
    return red_blue | green;
}

/* Rows below the horizon see the floor at a distance of 1 / (row - horizon). */
static void draw_floor(uint32_t horizon)
{
    uint32_t width = screen_width(), height = screen_height();
    for (uint32_t y = horizon; y < height; y++) {
        uint32_t depth = y - horizon + 8;
        int32_t far = (int32_t)((uint64_t)height * ONE * 4 / depth);
        int32_t step = far / (int32_t)(height / 2), across = -step * (int32_t)(width / 2);
        uint32_t haze = depth * 400 / height < 256 ? depth * 400 / height : 256;
        uint32_t light = screen_colour(mix(0xF8B060, 0xE8E0F0, haze)), dark = screen_colour(mix(0xF8B060, 0x302848, haze));
        uint32_t *line = screen_line(y);
        for (uint32_t x = 0; x < width; x++, across += step)
            line[x] = (across ^ far) & ONE * 4 ? light : dark;
    }
}

static int32_t square_root(int32_t number, int32_t guess)  /* near the guess, which is its left neighbour's */
{
    while (guess * guess > number)
        guess--;
    while ((guess + 1) * (guess + 1) <= number)
        guess++;
    return guess;
}

/* In which sixteenth of half a turn the direction is: the tangents of 22.5, 45 and 67.5 degrees. */
static int sector(int32_t along, int32_t across)
{
    int32_t size = along < 0 ? -along : along;
    int number = (size * 5 > across * 2) + (size > across) + (size * 2 > across * 5);
    return along < 0 ? -1 - number : number;
}

static uint32_t ball_colour(int32_t x, int32_t y, int32_t z)    /* of the surface's normal; y points down, z to us */
{
    int32_t pole = (y * 3870 + x * 1342) / ONE, side = (x * 3870 - y * 1342) / ONE;   /* the axis leans by 19 degrees */
    static const int32_t LATITUDES[] = {1567, 2896, 3784};      /* sines of 22.5, 45, 67.5 degrees */
    int ring = 0;
    while (ring < 3 && (pole < 0 ? -pole : pole) > LATITUDES[ring])
        ring++;
    ring = pole < 0 ? -1 - ring : ring;
    uint32_t base = (ring ^ sector(side, z)) & 1 ? 0xD82020 : 0xF8F8F8;

    int32_t lit = (-x * 2200 - y * 2400 + z * 2500) / ONE;      /* the lamp is behind us, to the left and above */
    uint32_t shade = (uint32_t)(lit < 0 ? 70 : 70 + lit * 186 / ONE);
    uint32_t colour = mix(0x100818, base, shade);
    int32_t gloss = (-x * 1300 - y * 1500 + z * 3580) / ONE;    /* halfway between lamp and eye */
    if (gloss <= 0)
        return colour;
    for (int i = 0; i < 5; i++)
        gloss = gloss * gloss / ONE;
    return mix(colour, 0xFFFFFF, (uint32_t)(gloss * 220 / ONE) & 0xFF);
}

static void draw_ball(int32_t centre_x, int32_t centre_y, int32_t radius)
{
    for (int32_t y = -radius + 1; y < radius; y++) {
        uint32_t *line = screen_line((uint32_t)(centre_y + y)) + centre_x;
        int32_t z = 0;
        for (int32_t x = -radius + 1; x < radius; x++) {
            int32_t rest = radius * radius - x * x - y * y;
            if (rest <= 0)
                continue;
            z = square_root(rest, z);
            line[x] = screen_colour(ball_colour(x * ONE / radius, y * ONE / radius, z * ONE / radius));
        }
    }
}

static void draw_shadow(int32_t centre_x, int32_t centre_y, int32_t radius)
{
    for (int32_t y = -radius / 5; y <= radius / 5; y++) {
        int32_t half = square_root(radius * radius - 25 * y * y, radius);
        screen_dim((uint32_t)(centre_x - half), (uint32_t)(centre_y + y), (uint32_t)(2 * half), 1);
    }
}

/* And the glass that the text is written on. */
void picture_draw(void)
{
    uint32_t width = screen_width(), height = screen_height();
    if (width < 640 || height < 400)                    /* no room for it */
        return;
    draw_floor(height * 2 / 3);
    int32_t radius = (int32_t)height / 6, x = (int32_t)width / 6;
    draw_shadow(x + radius / 4, (int32_t)height * 8 / 9, radius);
    draw_ball(x, (int32_t)height * 5 / 9, radius);

    uint32_t left = width * 3 / 8, top = height / 16;
    screen_dim(left, top, width - left - top, height * 2 / 3 - 2 * top);
    screen_text_area(left + 16, top + 16, width - left - top - 32, height * 2 / 3 - 2 * top - 32);
}
