import { unwatchFile, watchFile } from 'node:fs'

const POLL_MS = 250

/**
 * Calls `onChange` after the file was saved; the returned function ends it. Polls, because editors replace files instead of
 * writing them, and a watch on the old one would hear nothing more.
 */
export function watchSaves(file: string, onChange: () => void): () => void {
  const listener = (now: { mtimeMs: number; ino: number }, before: { mtimeMs: number; ino: number }) => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) onChange()
  }
  watchFile(file, { interval: POLL_MS }, listener)
  return () => unwatchFile(file, listener)
}
