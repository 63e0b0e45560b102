import { UserError } from '../../cells/chassis/errors.ts'
import { readManifest } from '../manifest.ts'
import { manifestText } from './manifest-text.ts'

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
    const { name, content } = await manifestText(file, stdin)
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
