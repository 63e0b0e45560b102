/** Output of lines that stay, and of one status line below them that is rewritten. */
export interface Terminal {
  say(text: string): void
  status(line: string): void
}

/**
 * On a terminal the status line is rewritten in place; in a file or a pipe it is written when it changes.
 *
 * @param onGone called once when the reader of the output closed it, as `| head` does
 */
export function createTerminal(output: NodeJS.WriteStream, onGone: () => void): Terminal {
  let current = ''
  let gone = false
  const erase = '\r\u001b[2K'
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (!gone) onGone()
    gone = true
  })
  return {
    say(text) {
      output.write(output.isTTY ? `${erase}${text}\n${current}` : `${text}\n`)
    },
    status(line) {
      if (line === current) return
      const width = output.columns ?? 80
      current = output.isTTY && line.length >= width ? `${line.slice(0, width - 2)}…` : line
      output.write(output.isTTY ? `${erase}${current}` : `${line}\n`)
    },
  }
}
