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

/** Writes to standard output; a reader that closes the pipe is not an error. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve() : reject(error)))
    process.stdout.write(text, () => resolve())
  })
}
