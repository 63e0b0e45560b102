import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { aCell } from '../operator/desired/realm.fixtures.ts'
import { badRealms } from '../testing/bad-objects.ts'
import { parsedCrds } from '../tools/generate-types/parsed-crds.ts'
import { typescriptOf } from '../tools/generate-types/typescript.ts'
import type { Realm } from './realm.ts'
import { crdFiles, parsedCrdsFile, readCrd, type Schema, schemaOf } from './schema.ts'
import { createValidator } from './validate.ts'

const realmCrd = readCrd('realm.crd.yaml')
const validate = createValidator<Realm>(realmCrd)
const realm = (spec: unknown, name = 'main') => ({
  apiVersion: 'comms.decentraland.org/v1alpha1',
  kind: 'Realm',
  metadata: { name, namespace: 'default' },
  spec,
})

test('the parsed CRDs are those of the YAML', () => {
  expect(readFileSync(new URL(parsedCrdsFile, import.meta.url), 'utf8'), 'run npm run generate').toBe(parsedCrds())
})

test('the TypeScript types are the ones the YAML generates', () => {
  const committed = readFileSync(new URL('./types.gen.ts', import.meta.url), 'utf8')
  expect(typescriptOf(crdFiles.map(readCrd))).toBe(committed)
})

describe('every field', () => {
  const fields = crdFiles.flatMap((file) => [...fieldsOf(schemaOf(readCrd(file)), file)])
  test.each(fields)('%s has a description for kubectl explain, and a bound', (_, schema) => {
    expect(schema.description).toMatch(/\S/)
    if (schema.type === 'array' && !_.includes('.status.')) expect(schema).toHaveProperty('maxItems')
    if (schema.type === 'string' && !_.includes('.status.') && !schema.enum) expect(schema).toHaveProperty('maxLength')
    if (schema.type === 'integer' && !_.includes('.status.')) expect(schema).toHaveProperty('minimum')
  })
})

test('no field has a name that readers of YAML 1.1, such as Helm and kubectl, take for true or false', () => {
  const names = crdFiles.flatMap((file) => [...fieldsOf(schemaOf(readCrd(file)), file)].map(([path]) => path.split('.').at(-1)))
  expect(names.length).toBeGreaterThan(100)
  expect(names.filter((name) => /^(y|n|yes|no|on|off|true|false)$/i.test(name ?? ''))).toEqual([])
})

test('the smallest realm gets every default', () => {
  const judged = validate(realm({ livekit: { url: 'wss://lk.example.org', credentials: { secretName: 'livekit' } } }))
  if (!judged.ok) throw new Error(JSON.stringify(judged.problems))
  expect(judged.object.spec).toMatchObject({
    cells: {
      replicas: 1,
      max: 4,
      template: { connectors: { replicas: 1 }, archipelago: { joinDistance: 64, leaveDistance: 80, islandSize: 100 } },
    },
    gatekeeper: { replicas: 1, database: { type: 'Embedded' } },
    nats: { type: 'Managed' },
    livekit: { type: 'External' },
    movement: { type: 'Managed' },
    content: { networkId: 1, catalysts: [], map: { sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] } },
    exposure: { type: 'None' },
  })
})

describe('the validator in this folder refuses', () => {
  test.each(badRealms)('$title', ({ spec, name, previous, says, at }) => {
    const before = previous === undefined ? undefined : validate(realm(previous, name))
    const judged = validate(realm(spec, name), before?.ok ? before.object : undefined)
    if (judged.ok) throw new Error('was accepted')
    expect(
      judged.problems.map(({ path, message }) => ({ at: path.join('.'), says: says.test(message) || says.test(path.join('.')) })),
    ).toContainEqual({ at, says: true })
  })
})

test('the smallest World gets every default, and one that uses the gatekeeper of another Realm needs no LiveKit', () => {
  const scenes = ['urn:decentraland:entity:bafkscene']
  const small = validate(realm({ mode: 'World', livekit: { type: 'None' }, world: { scenes } }))
  expect(small).toMatchObject({ ok: true, object: { spec: { world: { scenes, access: { type: 'Public' }, capacity: 100 } } } })
  expect(validate(realm({ mode: 'World', world: { scenes, gatekeeperOf: 'main' } }))).toMatchObject({ ok: true })
})

test('a cell with a login in a URL is refused, as its realm is', () => {
  const urls = { nats: ['spec.nats.urls.0', /nats\.credentials/], livekit: ['spec.livekit.url', /livekit\.credentials/] } as const
  const judged = createValidator(readCrd('commscell.crd.yaml'))({
    apiVersion: 'comms.decentraland.org/v1alpha1',
    kind: 'CommsCell',
    metadata: { name: 'main-0', namespace: 'default' },
    spec: {
      ...aCell().spec,
      nats: { urls: ['nats://me:pw@nats'], credentials: { secretName: 'nats' } },
      livekit: { url: 'wss://key:secret@lk', credentials: { secretName: 'lk' } },
    },
  })
  if (judged.ok) throw new Error('was accepted')
  expect(judged.problems.map(({ path, message }) => [path.join('.'), message])).toEqual(
    expect.arrayContaining(Object.values(urls).map(([at, says]) => [at, expect.stringMatching(says)])),
  )
})

test('an unknown field is refused with the nearest known one', () => {
  const judged = validate(realm({ livekit: { type: 'None' }, cells: { replica: 2 } }))
  expect(judged).toMatchObject({
    ok: false,
    problems: [{ path: ['spec', 'cells', 'replica'], message: 'unknown field; did you mean replicas?' }],
  })
})

function* fieldsOf(schema: Schema, path: string): Iterable<[string, Schema & Record<string, unknown>]> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (['apiVersion', 'kind', 'metadata'].includes(name)) continue
    yield [`${path}.${name}`, property as Schema & Record<string, unknown>]
    yield* fieldsOf(property, `${path}.${name}`)
    if (property.items) yield* fieldsOf(property.items, `${path}.${name}[]`)
  }
}

test('no field inside a list item has a default: GitOps tools compare lists as they were declared, and would report a difference for ever', () => {
  const inItems = crdFiles.flatMap((file) => [...fieldsOf(schemaOf(readCrd(file)), file)]).filter(([path]) => path.includes('[]'))
  expect(inItems.filter(([, schema]) => 'default' in schema).map(([path]) => path)).toEqual([])
})

test('the status of a new object says that no generation was observed yet', () => {
  for (const file of crdFiles)
    expect(schemaOf(readCrd(file)).properties?.status).toMatchObject({ default: { observedGeneration: -1 } })
})
