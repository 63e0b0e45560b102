import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { readManifest } from '../manifest.ts'

export interface ValidatePorts {
  stdin: AsyncIterable<Uint8Array>
  print(text: string): Promise<void>
}

/**
 * Judges manifests as the API server would, without one.
 *
 * @throws UserError 2 with a line for every mistake
 */
export async function validate(files: readonly string[], { stdin, print }: ValidatePorts): Promise<void> {
  const problems: string[] = []
  for (const file of files) {
    const content = file === '-' ? await text(stdin as NodeJS.ReadableStream & AsyncIterable<Uint8Array>) : await contentOf(file)
    const name = file === '-' ? 'standard input' : file
    const read = readManifest(name, content)
    if (!read.ok) {
      problems.push(...read.problems.map(({ line, field, message }) => `${name}:${line}: ${field ? `${field}: ` : ''}${message}`))
      continue
    }
    const { realms, ignored } = read.manifest
    const names = realms.map(({ metadata }) => metadata.name).join(', ')
    const rest = ignored.length > 0 ? ` Not judged: ${ignored.join(', ')}.` : ''
    await print(`${name}: ${realms.length === 1 ? 'the Realm' : `the ${realms.length} Realms`} ${names} can be applied.${rest}\n`)
  }
  if (problems.length > 0) throw new UserError(problems.join('\n'), 2)
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`, 2, { cause: error })
  }
}
