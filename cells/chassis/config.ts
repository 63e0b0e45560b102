import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, UserError } from './errors.ts'

/**
 * Reads a typed configuration from the environment variables, and reports every mistake at once.
 *
 * Empty strings count as unset, because Helm renders "unset" as `''` and `Number('')` is 0. A variable `NAME` may be given
 * as `NAME_FILE`, the path of a file that holds the value: that is how mounted Secrets arrive.
 *
 * @throws UserError (exit code 2) listing each variable and what is wrong with it
 */
export function parseEnv<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): z.infer<Schema> {
  const problems: string[] = []
  const given: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = env[name] || valueOfFile(name, env, problems)
    if (value) given[name] = value
  }
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${issue.path.join('.')}: ${issue.message}`)
  }
  if (!parsed.success || problems.length > 0) {
    throw new UserError(`the configuration is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, 2)
  }
  return parsed.data
}

function valueOfFile(name: string, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const path = env[`${name}_FILE`]
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    problems.push(`${name}_FILE: ${messageOf(error)}`)
    return undefined
  }
}

/** A list in a variable; empty when the variable is not set. Spaces around the commas do not count. */
export const commaSeparated = z
  .string()
  .default('')
  .transform((text) => [...new Set(text.split(',').flatMap((item) => item.trim() || []))])
