/* 13.5: the functions of revision 2, which take a token; with an event in it they may end later. */
#include "guest.h"
#include "protocols.h"

enum { READ = 1, READ_WRITE = 3 };
static UINT8 Buffer[40000];
static UINTN Told;
static VOID EFIAPI told(EFI_EVENT event, VOID *context) { Told++; }

static EFI_EVENT event(void)
{
    EFI_EVENT made;
    NEED(BS->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, told, NULL, &made));
    Told = 0;
    return made;
}

/* What a call gave at once, and what its token says once it has ended. Half a second is enough for any of them. */
static void ended(const char *name, EFI_STATUS at_once, EFI_FILE_IO_TOKEN *token)
{
    for (UINTN i = 0; token->Event && !EFI_ERROR(at_once) && !Told && i < 50; i++)
        BS->Stall(10000);
    tell(name, "%r, then %r, %u bytes, told %u times", at_once, EFI_ERROR(at_once) ? at_once : token->Status, token->BufferSize, Told);
    Told = 0;
}

void guest(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_FILE_PROTOCOL *root, *file = NULL, *dir;
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&me));
    NEED(BS->HandleProtocol(me->DeviceHandle, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, (VOID **)&volume));
    NEED(volume->OpenVolume(volume, &root));
    EFI_FILE_IO_TOKEN token = {NULL, EFI_ABORTED, 0, NULL};
    EFI_EVENT signal = event();

    about("without an event");
    ended("OpenEx", root->OpenEx(root, &file, u"pages.bin", READ, 0, &token), &token);
    check("OpenEx gives a file", file != NULL);
    token = (EFI_FILE_IO_TOKEN){NULL, EFI_ABORTED, 10000, Buffer};
    ended("ReadEx", file->ReadEx(file, &token), &token);
    check("ReadEx, what was read", Buffer[0] == 0 && Buffer[4096] == 1 && Buffer[9999] == 2);
    UINT64 position;
    NEED(file->GetPosition(file, &position));
    tell("position", "%u", position);
    token.BufferSize = sizeof Buffer;
    ended("ReadEx, more than there is", file->ReadEx(file, &token), &token);
    token.BufferSize = 10;
    ended("ReadEx, at the end", file->ReadEx(file, &token), &token);
    token.BufferSize = 4;
    ended("WriteEx of what was opened with READ", file->WriteEx(file, &token), &token);
    ended("FlushEx of what was opened with READ", file->FlushEx(file, &token), &token);
    NEED(file->Close(file));
    file = (VOID *)1;
    ended("OpenEx of what is not there", root->OpenEx(root, &file, u"nothing", READ, 0, &token), &token);
    ended("OpenEx, mode 2", root->OpenEx(root, &file, u"EMPTY", 2, 0, &token), &token);

    about("with an event");
    file = NULL;
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 0, NULL};
    ended("OpenEx", root->OpenEx(root, &file, u"with tokens", EFI_FILE_MODE_CREATE | READ_WRITE, 0, &token), &token);
    memset(Buffer, 0x77, sizeof Buffer);
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 30000, Buffer};
    ended("WriteEx", file->WriteEx(file, &token), &token);
    token.Status = EFI_ABORTED;
    ended("FlushEx", file->FlushEx(file, &token), &token);
    NEED(file->SetPosition(file, 29990));
    memset(Buffer, 0, sizeof Buffer);
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 100, Buffer};
    ended("ReadEx", file->ReadEx(file, &token), &token);
    check("ReadEx, what was read", Buffer[0] == 0x77 && Buffer[9] == 0x77 && Buffer[10] == 0);
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 0, Buffer};
    ended("ReadEx, 0 bytes", file->ReadEx(file, &token), &token);
    NEED(file->SetPosition(file, 100000));
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 10, Buffer};
    ended("ReadEx, beyond the end", file->ReadEx(file, &token), &token);
    NEED(file->Close(file));
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 0, NULL};
    ended("OpenEx of what is not there", root->OpenEx(root, &file, u"nothing", READ, 0, &token), &token);

    about("of a directory");
    NEED(root->Open(root, &dir, u"dir", READ_WRITE, 0));
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 4, Buffer};
    ended("ReadEx, too little", dir->ReadEx(dir, &token), &token);
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, sizeof Buffer, Buffer};
    ended("ReadEx", dir->ReadEx(dir, &token), &token);
    tell("ReadEx, the first entry", "\"%S\"", ((EFI_FILE_INFO *)Buffer)->FileName);
    token = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 4, Buffer};
    ended("WriteEx", dir->WriteEx(dir, &token), &token);
    NEED(dir->Close(dir));

    about("several");
    NEED(root->Open(root, &file, u"pages.bin", READ, 0));
    EFI_FILE_IO_TOKEN tokens[4];
    Told = 0;
    for (UINTN i = 0; i < COUNT(tokens); i++) {
        tokens[i] = (EFI_FILE_IO_TOKEN){signal, EFI_ABORTED, 4096, Buffer + i * 4096};
        NEED(file->ReadEx(file, &tokens[i]));
    }
    for (UINTN i = 0; i < 50 && Told < COUNT(tokens); i++)
        BS->Stall(10000);
    tell("told", "%u times", Told);
    int right = 1;
    for (UINTN i = 0; i < COUNT(tokens); i++)
        right &= tokens[i].Status == EFI_SUCCESS && tokens[i].BufferSize == 4096 && Buffer[i * 4096] == i && Buffer[i * 4096 + 4095] == i;
    check("each has its part of the file", right);
    status("Close", file->Close(file));
    status("Close of the root", root->Close(root));
}
