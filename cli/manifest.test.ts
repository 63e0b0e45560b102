import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Realm } from '../crds/realm.ts'
import { hostingOf } from '../operator/desired/hosted-worlds.ts'
import { readManifest } from './manifest.ts'

const head = 'apiVersion: comms.decentraland.org/v1alpha1\nkind: Realm\n'
const good = `${head}metadata: { name: main }\nspec:\n  livekit: { type: None }\n`

const problemsOf = (text: string, previous: string = '') => {
  const before = previous ? readManifest('a.yaml', previous) : undefined
  const read = readManifest('a.yaml', text, before?.ok ? before.manifest.realms : [])
  return read.ok ? [] : read.problems.map(({ line, field, message }) => `${line} ${field}: ${message}`)
}

test('a realm and the secret it names are read, other documents are noted', () => {
  const read = readManifest(
    'a.yaml',
    `${good}---\napiVersion: v1\nkind: Secret\nmetadata: { name: lk }\nstringData: { apiKey: k }\ndata: { apiSecret: c2VjcmV0 }\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: x }\n`,
  )
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  expect(read.manifest.realms.map(({ metadata }) => metadata)).toEqual([{ name: 'main', namespace: 'default' }])
  expect(read.manifest.secrets.get('default/lk')).toEqual({ apiKey: 'k', apiSecret: 'secret' })
  expect(read.manifest.ignored).toEqual(['Namespace default/x'])
})

describe('a wrong manifest is refused with line, field and the fix', () => {
  test.each([
    [
      'a misspelt field',
      `${head}metadata: { name: main }\nspec:\n  livekit: { type: None }\n  cells:\n    replica: 2\n`,
      '7 spec.cells.replica: unknown field; did you mean replicas?',
    ],
    [
      'a value of the wrong type',
      `${head}metadata: { name: main }\nspec:\n  livekit: { type: None }\n  cells: { replicas: two }\n`,
      '6 spec.cells.replicas: must be an integer, not "two"',
    ],
    [
      'a broken rule',
      `${head}metadata: { name: main }\nspec:\n  livekit: { type: None }\n  cells:\n    replicas: 9\n`,
      '4 spec: cells.replicas may not exceed cells.max',
    ],
    [
      'a rule of something left out',
      `${head}metadata: { name: main }\nspec:\n  version: "1"\n`,
      '4 spec.livekit: an External LiveKit needs url and credentials; type Managed runs one for development, type None needs no LiveKit',
    ],
    [
      'a name no Service can have',
      `${head}metadata: { name: Main }\nspec:\n  livekit: { type: None }\n`,
      '1 : metadata.name becomes part of Service names: at most 40 lower-case letters, digits and dashes, starting with a letter',
    ],
    [
      'a version of ours that never was',
      `apiVersion: comms.decentraland.org/v1\nkind: Realm\nmetadata: { name: main }\nspec:\n  livekit: { type: None }\n`,
      '1 apiVersion: must be comms.decentraland.org/v1alpha1, not comms.decentraland.org/v1',
    ],
    [
      'no version',
      `kind: Realm\nmetadata: { name: main }\nspec:\n  livekit: { type: None }\n`,
      '1 apiVersion: must be comms.decentraland.org/v1alpha1',
    ],
    [
      'no realm at all',
      'apiVersion: v1\nkind: Namespace\nmetadata: { name: x }\n',
      '1 : declares no Realm (apiVersion comms.decentraland.org/v1alpha1, kind Realm)',
    ],
    ['an empty file', '', '1 : the file is empty'],
    ['a list', '- 1\n- 2\n', '1 : is not a Kubernetes object: apiVersion, kind, metadata and spec are expected'],
    ['two realms of one name', `${good}---\n${good}`, '1 : default/main: is declared twice'],
  ])('%s', (_, text, expected) => expect(problemsOf(text)).toContain(expected))

  test('a document that is not YAML', () => expect(problemsOf('a: [1\nb: 2')[0]).toMatch(/^2 : /))

  test('aliases that expand without limit', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`).join('\n')}\nkind: Realm\n`
    expect(problemsOf(bomb)[0]).toMatch(/alias/i)
  })

  test('a change of an immutable field', () => {
    const named = (name: string) => `${head}metadata: { name: main }\nspec:\n  realmName: ${name}\n  livekit: { type: None }\n`
    expect(problemsOf(named('b'), named('a'))).toEqual([
      "4 spec: realmName is immutable, because players' explorers know the realm by it",
    ])
  })
})

describe('a file that no realm can be made of is refused, and ends nothing', () => {
  test.each([
    ['a value whose text cannot be made', `${head}metadata: { name: main }\nspec: { cells: { assignment: { toString: 1 } } }\n`],
    ['a kind that is an object', 'apiVersion: v1\nkind: { toString: 1 }\n'],
    ['a name that is an object', `apiVersion: v1\nkind: Secret\nmetadata: { name: { toString: 1 } }\n`],
    ['a Secret of text', 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ndata: text\n'],
    ['levels beyond counting', `${head}metadata: { name: main }\nspec: ${'['.repeat(3_000)}${']'.repeat(3_000)}\n`],
    ['a value that contains itself', `${head}metadata: { name: main }\nspec: &a [*a]\n`],
  ])('%s', (_, text) => expect(problemsOf(text)).not.toEqual([]))

  test('a namespace with a path in it', () => {
    const text = good.replace('name: main', 'name: main, namespace: ../../x')
    expect(problemsOf(text)[0]).toMatch(/^3 metadata\.namespace: must match pattern/)
  })
})

test('a Secret with empty data is one without values', () => {
  const read = readManifest('a.yaml', `${good}---\napiVersion: v1\nkind: Secret\nmetadata: { name: lk }\ndata:\nstringData:\n`)
  expect(read.ok && read.manifest.secrets.get('default/lk')).toEqual({})
})

test('the loop of an example makes a thousand worlds, all of which its gatekeeper serves', { timeout: 60_000 }, () => {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const example = readFileSync(`${root}examples/thousand-worlds.yaml`, 'utf8')
  const loop = /^# +(for .* done) \| kubectl apply -f -$/m.exec(example)?.[1] ?? ''
  const others = execFileSync('bash', ['-ec', loop], { cwd: root, encoding: 'utf8' })
  const documents = (example + others).split(/^---\n/m)
  const realms: Realm[] = []
  // A manifest of this machine has 64 documents at most, one of a cluster any number.
  for (let first = 0; first < documents.length; first += 64) {
    const read = readManifest('worlds.yaml', documents.slice(first, first + 64).join('---\n'))
    if (!read.ok) throw new Error(JSON.stringify(read.problems))
    realms.push(...read.manifest.realms)
  }
  const [host, ...guests] = realms
  expect(host && hostingOf(host, guests)?.worlds).toHaveLength(1 + 1_000)
})
