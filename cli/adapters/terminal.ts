/** The place we write to: sentences that stay, and one line that keeps changing below them. */
export interface Terminal {
  say(text: string): void
  status(line: string): void
}

/** On a terminal the status line is rewritten in place; in a file or a pipe it is written when it changes. */
export function createTerminal(output: NodeJS.WriteStream): Terminal {
  let current = ''
  const erase = '\r\u001b[2K'
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
