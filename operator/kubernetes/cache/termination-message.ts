const MAX_LENGTH = 200

/**
 * The end of the text that a process wrote before it ended, without what differs between two attempts, such as times: the text becomes
 * part of a status, which must not change with each attempt. A process that refuses its configuration writes plain lines, all others are
 * log entries in JSON.
 */
export function lastSentencesOf(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const entry = lines.findLastIndex((line) => line.startsWith('{'))
  const plain = lines.slice(entry + 1)
  return (plain.length > 0 ? plain.join('\n') : sentenceOf(lines[entry] ?? '')).slice(-MAX_LENGTH)
}

/** The sentence of a log entry, and that of its error. The kubelet may have cut the entry off. */
function sentenceOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: unknown; err?: { message?: unknown } | null }
    return [msg, err?.message].filter((part) => typeof part === 'string').join(': ')
  } catch {
    return ''
  }
}
