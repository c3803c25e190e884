/** Why a database could not be used, in words, with its path in front. */
export function sqliteReason(file: string, error: unknown): string {
  const { errcode, message } = error as { errcode?: number; message?: string };
  // The low byte is the kind, what is above it the detail (sqlite.org/rescode.html).
  const sentence = errcode === undefined ? undefined : sentences[errcode & 0xff];
  return `${file}: ${sentence ?? message ?? String(error)}`;
}

const sentences: Readonly<Record<number, string>> = {
  5: "another program keeps it locked",
  8: "it cannot be written to",
  10: "the disk gives errors",
  11: "it is damaged; move it away, and a new one is made",
  13: "the disk is full",
  14: "it cannot be opened: the folder is missing or not permitted",
  26: "it is not an SQLite database; move it away, and a new one is made",
};
