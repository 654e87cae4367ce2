/* A program under the operating system of this host: standard output, and signals for exceptions. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include "guest.h"

void put_char(char character)
{
    putchar(character);
}

static void exception(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    on_exception(machine->gregs[REG_TRAPNO], (u64 *)&machine->gregs[REG_RIP], (struct fxsave *)machine->fpregs);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = exception, .sa_flags = SA_SIGINFO};
    sigaction(SIGFPE, &action, NULL);
    program();
    return 0;
}
