/* What a guest has: the tables, and lines that it writes to COM1 by itself, so that no service has to work for them. */
#pragma once
#include "uefi.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

extern EFI_HANDLE Image;
extern EFI_SYSTEM_TABLE *ST;
extern EFI_BOOT_SERVICES *BS;
extern EFI_RUNTIME_SERVICES *RT;

/* RSP and RFLAGS as the firmware called the entry point. */
extern UINT64 EntryStack, EntryFlags;

/* The guest itself; also what its own image does when it is started a second time, by itself (see images.c). */
void guest(void);

/* One line "name: value". In the format: %s CHAR8, %S CHAR16, %d signed, %u unsigned, %x hexadecimal, %r a status by its
   name, %g a GUID, %c a character, %b "yes" or "no". Every number is an INT64 or UINT64: cast what is smaller. */
void tell(const char *name, const char *format, ...);

/* The same for what is asked most: how a service ended, and whether something holds. */
void status(const char *name, EFI_STATUS value);
void check(const char *name, int holds);

/* A name for the lines to come is put in front of theirs: "name, ". Put "" to end it. */
void about(const char *subject);

/* How many there were so far, for a guest that goes on after a reset. */
extern UINT64 Written;

/* Bytes, compared and filled without the firmware's help. */
int equal(const void *left, const void *right, UINTN bytes);
int equal_text(const CHAR16 *left, const CHAR16 *right);
UINTN length(const CHAR16 *text);
void *memset(void *buffer, int value, UINTN bytes);
void *memcpy(void *target, const void *source, UINTN bytes);

/* The end: the count of lines, and power off. Guests that return from guest() need not call it. */
void finish(void) __attribute__((noreturn));

/* Where a service was asked for what the guest cannot go on without. */
#define NEED(call) need(call, #call, __LINE__)
void need(EFI_STATUS value, const char *call, int line);
