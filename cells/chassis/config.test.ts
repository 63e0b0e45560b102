import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { commaSeparated, parseEnv } from './config.ts'

const schema = z.object({
  HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  SECRET: z.string().min(8),
})

test('an empty variable counts as unset, so that it is never read as zero', () => {
  expect(parseEnv(schema, { HTTP_PORT: '', SECRET: 'long enough' })).toEqual({ HTTP_PORT: 8080, SECRET: 'long enough' })
})

test('a value may come from a mounted file, without its last newline', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'secret')
  writeFileSync(file, 'from the file\n')
  expect(parseEnv(schema, { SECRET_FILE: file }).SECRET).toBe('from the file')
})

test('all errors are reported together', () => {
  const broken = () => parseEnv(schema, { HTTP_PORT: '70000', SECRET_FILE: '/nowhere/at/all' })
  expect(broken).toThrow(/HTTP_PORT: .*65535/)
  expect(broken).toThrow(/SECRET_FILE: .*no such file/)
})

test.each([
  [undefined, []],
  ['', []],
  ['east', ['east']],
  [' east, west,,east', ['east', 'west']],
])('the list %j reads as %j', (given, expected) => {
  expect(parseEnv(z.object({ LIST: commaSeparated }), { LIST: given })).toEqual({ LIST: expected })
})
