// Why a file that a user named cannot be read or written, in plain words.

const problems: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'it exists already',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EROFS: 'the file system is read-only',
}

/** @param error from node:fs @returns a clause without the file's name, to follow it and a colon */
export function fileProblem(error: unknown): string {
  const known = problems[String((error as NodeJS.ErrnoException).code)]
  return known ?? (error instanceof Error ? error.message : String(error))
}
