/* The frame buffer: rectangles, and text of 8 by 16 dots.
 *
 *      base                       pixels_per_line * 4
 *     |<-------------------------------------------------->|
 *     +--------------------------------------------+-------+
 *     | width pixels, each B G R x (or R G B x)    | unused|      height lines
 *     +--------------------------------------------+-------+
 */
#include "kernel.h"

#include "font.h"                                       /* boot/examples/build.py writes it */

static FrameBuffer frame;

static struct {
    uint32_t left, top, right, bottom;                  /* pixels */
    uint32_t x, y;                                      /* of the next character */
    uint32_t colour, scale;
} text = {.colour = 0xFFFFFF, .scale = 1};

void screen_open(const FrameBuffer *screen)
{
    frame = *screen;
    if (!frame.base)
        frame.width = frame.height = 0;                 /* then nothing is ever drawn */
}

uint32_t screen_width(void) { return frame.width; }
uint32_t screen_height(void) { return frame.height; }

uint32_t *screen_line(uint32_t y)
{
    return (uint32_t *)frame.base + (uint64_t)y * frame.pixels_per_line;
}

uint32_t screen_colour(uint32_t rgb)
{
    if (frame.order == PIXELS_RGB)
        return (rgb & 0x00FF00) | rgb >> 16 | (rgb & 0xFF) << 16;
    return rgb;                                         /* little-endian: blue is the first byte */
}

/* What of a length starting at `from` lies before `limit`. */
static uint32_t clip(uint32_t from, uint32_t length, uint32_t limit)
{
    return from >= limit ? 0 : length < limit - from ? length : limit - from;
}

void screen_fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t rgb)
{
    uint32_t colour = screen_colour(rgb);
    width = clip(x, width, frame.width);
    height = clip(y, height, frame.height);
    for (uint32_t row = 0; row < height; row++)
        for (uint32_t column = 0; column < width; column++)
            screen_line(y + row)[x + column] = colour;
}

/* A third as bright: glass to write on. Reading a frame buffer is slow on real hardware; once is all right. */
void screen_dim(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    width = clip(x, width, frame.width);
    height = clip(y, height, frame.height);
    for (uint32_t row = 0; row < height; row++) {
        uint32_t *line = screen_line(y + row) + x;
        for (uint32_t column = 0; column < width; column++)
            line[column] = (line[column] >> 2 & 0x3F3F3F) + (line[column] >> 4 & 0x0F0F0F);
    }
}

void screen_text_area(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    text.x = text.left = x;
    text.y = text.top = y;
    text.right = x + width;
    text.bottom = y + height;
}

void screen_text_colour(uint32_t rgb) { text.colour = rgb; }
void screen_text_scale(uint32_t scale) { text.scale = scale; }

void screen_bar(uint32_t from, uint32_t to, uint32_t rgb)
{
    uint32_t width = text.right - text.left, left = from * width / 1024, right = to * width / 1024;
    if (text.y + FONT_HEIGHT <= text.bottom)
        screen_fill(text.left + left, text.y, right > left ? right - left : 1, FONT_HEIGHT, rgb);     /* always seen */
}

/* Text that does not fit is not shown; COM1 has all of it. */
void screen_put(char character)
{
    if (character == '\n') {
        text.x = text.left;
        text.y += FONT_HEIGHT * text.scale;
        return;
    }
    uint32_t width = FONT_WIDTH * text.scale;
    if (text.x + width > text.right || text.y + FONT_HEIGHT * text.scale > text.bottom || !frame.width)
        return;
    if (character >= FONT_FIRST && character <= FONT_LAST)
        for (uint32_t row = 0; row < FONT_HEIGHT; row++)
            for (uint32_t dot = 0; dot < FONT_WIDTH; dot++)
                if (FONT[character - FONT_FIRST][row] & 0x80 >> dot)
                    screen_fill(text.x + dot * text.scale, text.y + row * text.scale, text.scale, text.scale, text.colour);
    text.x += width;
}
