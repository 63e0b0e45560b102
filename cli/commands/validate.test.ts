import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { validate } from './validate.ts'

const realm = (name: string, spec: string) =>
  `apiVersion: comms.decentraland.org/v1alpha1\nkind: Realm\nmetadata: { name: ${name} }\nspec: ${spec}\n`

async function judged(files: Record<string, string>, { stdin = '' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'validate-'))
  const printed: string[] = []
  try {
    const paths = Object.keys(files).map((name) => (name === '-' ? name : join(folder, name)))
    for (const [name, content] of Object.entries(files)) if (name !== '-') await writeFile(join(folder, name), content)
    await validate(paths, { stdin: Readable.from([stdin]), print: async (text) => void printed.push(text) })
    return printed.join('').replaceAll(`${folder}/`, '')
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string }
    return { exitCode, message: message.replaceAll(`${folder}/`, '') }
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('a manifest that a cluster would take is said to be one, and what was not judged is named', async () => {
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: realms }\n---\n'
  expect(await judged({ 'a.yaml': namespace + realm('main', '{ livekit: { type: None } }') })).toBe(
    'a.yaml: the Realm main can be applied. Not judged: Namespace default/realms.\n',
  )
})

test('each mistake of all files is a line with file, line and field, and the exit code is 2', async () => {
  const wrong = {
    'a.yaml': realm('main', '{ livekit: { type: None }, cells: { replica: 2 } }'),
    'b.yaml': realm('other', '{ livekit: { type: Telephone } }'),
  }
  expect(await judged(wrong)).toEqual({
    exitCode: 2,
    message: expect.stringMatching(/^a\.yaml:4: spec\.cells\.replica: unknown field.*\nb\.yaml:4: spec\.livekit\.type: /),
  })
})

test('- is standard input, and a file that cannot be read is told in a sentence', async () => {
  expect(await judged({ '-': '' }, { stdin: realm('main', '{ livekit: { type: None } }') })).toBe(
    'standard input: the Realm main can be applied.\n',
  )
  await expect(validate(['/no/such/file.yaml'], { stdin: Readable.from([]), print: async () => {} })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^\/no\/such\/file\.yaml cannot be read: /),
  })
})
