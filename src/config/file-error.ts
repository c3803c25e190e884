/** Why a file could not be read or written, in words for what people meet; otherwise the system's own code or message. */
export function fileReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return sentences[code ?? ""] ?? code ?? message ?? String(error);
}

const sentences: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or directory",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
};
