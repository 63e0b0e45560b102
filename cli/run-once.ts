import { UserError } from '../cells/chassis/errors.ts'

/** Runs a command that ends by itself; a number that it returns is the exit code, and of a UserError the sentence is printed, too. */
export async function runOnce(command: () => Promise<unknown>): Promise<void> {
  try {
    const result = await command()
    process.exitCode = typeof result === 'number' ? result : 0
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  }
}

/** Runs work. Ctrl-C meanwhile says what is half done, and then ends the process by the signal, as a shell expects. */
export async function interruptible<T>(left: () => string, work: () => Promise<T>): Promise<T> {
  const end = () => {
    process.stderr.write(`${left()}\n`)
    process.kill(process.pid, 'SIGINT')
  }
  process.once('SIGINT', end)
  try {
    return await work()
  } finally {
    process.off('SIGINT', end)
  }
}

/** Whether the reader of standard output closed it. What is wrong with a write is told to `print`. */
let isOutputGone = false
process.stdout.on('error', () => {})

/** Writes to standard output; a reader that closes the pipe is not an error. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
      isOutputGone ||= error?.code === 'EPIPE'
      if (error && !isOutputGone) reject(error)
      else resolve()
    })
  })
}

/** Waits; returns false where standard output has no reader any more. */
export async function pauseForReader(seconds: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  return !isOutputGone
}

/** As most tools do it: https://no-color.org, and no colours in files. */
export const hasColours = (): boolean => process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
