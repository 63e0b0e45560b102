import { stat } from 'node:fs/promises'

const POLL_MS = 250

/**
 * Calls `onChange` after each save of a file, and once soon after the start, so that no save before it is missed. The returned function
 * ends it. Polls, because editors replace files instead of writing them, and a watch on the old file would report nothing more.
 */
export function watchSaves(file: string, onChange: () => void): () => void {
  let seen = ''
  const timer = setInterval(async () => {
    // The file is missing for a moment while an editor replaces it.
    const now = await stat(file, { bigint: true }).catch(() => undefined)
    const signature = now ? `${now.ino} ${now.mtimeNs} ${now.size}` : seen
    if (signature === seen) return
    seen = signature
    onChange()
  }, POLL_MS)
  return () => clearInterval(timer)
}
