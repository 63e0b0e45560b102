import { cpSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { freshFolder } from '../testing/fresh-folder.ts'
import { startProgram } from '../testing/program.ts'
import { advisories, isAffected } from './advisories.ts'
import { lockedPackages } from './locked-packages.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const shipped = lockedPackages().filter(({ dev }) => !dev)

test('no package of the image has a known vulnerability, unless there is a reason to accept it', () => {
  const found = shipped.flatMap(({ name, version }) =>
    advisories
      .filter((advisory) => advisory.package === name && !advisory.accepted && isAffected(advisory, version))
      .map(({ id }) => `${name} ${version}: ${id}`),
  )
  expect(found).toEqual([])
})

test('a vulnerability is accepted only while a package of the image has it', () => {
  const outdated = advisories.filter(
    (advisory) =>
      advisory.accepted && !shipped.some(({ name, version }) => name === advisory.package && isAffected(advisory, version)),
  )
  expect(outdated.map(({ id }) => id)).toEqual([])
})

test.each([
  ['7.2.4', true],
  ['7.2.5', false],
  ['6.9.0', false],
  ['6.11.3', true],
  ['7.10.0', false],
  ['7.2.4-pre.1', true],
])('version %s of protobufjs has the prototype pollution: %s', (version, expected) => {
  const advisory = advisories.find(({ id }) => id === 'GHSA-h755-8qp9-cq85')
  expect(advisory && isAffected(advisory, version)).toBe(expected)
})

/** A registry whose advisories are the given ones, or which serves none. */
async function aRegistry(bulk?: object): Promise<string> {
  const server: Server = createServer((request, response) => {
    request.resume()
    const name = decodeURIComponent(request.url?.slice(1) ?? '')
    const version = shipped.find((each) => each.name === name)?.version
    const answer = version ? { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version } } } : bulk
    response.statusCode = answer ? 200 : 404
    response.end(JSON.stringify(answer ?? {}))
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function audit(registry: string): Promise<[number | string, string]> {
  const folder = freshFolder()
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, file), join(folder, file))
  const env = { npm_config_registry: registry, npm_config_cache: join(folder, 'cache'), npm_config_fetch_retries: '0' }
  const program = startProgram(process.execPath, [join(root, 'tools/audit.ts'), folder], { env })
  return [await program.ended, program.output()]
}

const advisory = (name: string, id: string, severity: string) => ({
  [name]: [{ id: 1, url: `https://github.com/advisories/${id}`, title: 'a flaw', severity, vulnerable_versions: '*' }],
})

test.each([
  ['a high one', advisory('ws', 'GHSA-new', 'high'), 1, 'high: ws: a flaw https://github.com/advisories/GHSA-new'],
  ['a moderate one', advisory('ws', 'GHSA-new', 'moderate'), 0, 'audited: no vulnerability'],
  ['an accepted one', advisory('elliptic', 'GHSA-848j-6mx2-7j84', 'high'), 0, 'audited: no vulnerability'],
  ['none served', undefined, 0, 'not audited: the registry serves no advisories'],
])(
  'the audit of the registry ends according to what it finds: %s',
  async (_, bulk, code, sentence) => {
    const [ended, output] = await audit(await aRegistry(bulk))
    expect([ended, output]).toEqual([code, expect.stringContaining(sentence)])
  },
  60_000,
)
