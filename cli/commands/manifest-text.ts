import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'

/** Reads a file that a command line names; `-` is standard input. @throws UserError 2 where it cannot be read */
export async function manifestText(file: string, stdin: AsyncIterable<Uint8Array>): Promise<{ name: string; content: string }> {
  if (file === '-')
    return { name: 'standard input', content: await text(stdin as NodeJS.ReadableStream & AsyncIterable<Uint8Array>) }
  try {
    return { name: file, content: await readFile(file, 'utf8') }
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`, 2, { cause: error })
  }
}
