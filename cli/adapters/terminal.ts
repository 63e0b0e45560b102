import { cut } from '../output/table.ts'

/** Output of lines that stay, and of one status line below them that is rewritten. */
export interface Terminal {
  say(text: string): void
  /** An empty line takes the status away. */
  status(line: string): void
}

const USUAL_COLUMNS = 80

/**
 * On a terminal the status line is rewritten in place; in a file or a pipe it is written when it changes.
 *
 * @param onGone called once when the reader of the output closed it, as `| head` does
 */
export function createTerminal(output: NodeJS.WriteStream, onGone: () => void): Terminal {
  let line = ''
  let shown = ''
  let gone = false
  const erase = '\r\u001b[2K'
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (!gone) onGone()
    gone = true
  })
  return {
    say(text) {
      output.write(output.isTTY ? `${erase}${text}\n${shown}` : `${text}\n`)
    },
    status(next) {
      if (next === line) return
      line = next
      // Some terminals say that they have no columns at all.
      shown = output.isTTY ? cut(line, (output.columns || USUAL_COLUMNS) - 1) : line
      if (output.isTTY) output.write(`${erase}${shown}`)
      else if (line !== '') output.write(`${line}\n`)
    },
  }
}
