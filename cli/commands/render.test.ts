import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { render } from './render.ts'

const example = (name: string) => readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8')

async function rendered(manifest: string, output: 'yaml' | 'json' = 'yaml', imageRepository = 'r.example/realm') {
  const printed: string[] = []
  const ports = { stdin: Readable.from([manifest]), print: async (text: string) => void printed.push(text) }
  await render({ file: ['-'], imageRepository, output }, ports)
  return printed.join('')
}
const objectsIn = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject)
const named = (objects: readonly KubeObject[]) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)

test('all objects of a new realm are printed, those of its cells among them, and each time the same', async () => {
  const text = await rendered(example('realm.yaml'))
  expect(text).toBe(await rendered(example('realm.yaml')))
  const objects = objectsIn(text)
  expect(named(objects)).toEqual(
    expect.arrayContaining([
      ...[
        'Secret main-nats-users',
        'Secret main-livekit',
        'StatefulSet main-nats',
        'CommsCell main-0',
        'Deployment main-gatekeeper',
      ],
      ...['Deployment main-0-connector', 'Deployment main-0-archipelago', 'Service main-slot-0', 'Service main-0-connector'],
    ]),
  )
  expect(new Set(named(objects)).size).toBe(objects.length)
  expect(text).toContain('image: r.example/realm:')
})

test('passwords and uids are placeholders, and nothing random is in the text', async () => {
  const text = await rendered(example('realm.yaml'))
  const secrets = objectsIn(text).filter(({ kind }) => kind === 'Secret') as (KubeObject & {
    stringData: Record<string, string>
  })[]
  expect(new Set(secrets.flatMap(({ stringData }) => Object.values(stringData)))).toEqual(new Set(['RANDOM-VALUE']))
  const owners = [...text.matchAll(/^\s+uid: (.*)$/gm)].map(([, uid]) => uid)
  expect(new Set(owners)).toEqual(new Set(['UID-OF-THE-OWNER']))
})

test('JSON is one List with the same objects', async () => {
  const list = JSON.parse(await rendered(example('realm.yaml'), 'json')) as { kind: string; items: KubeObject[] }
  expect([list.kind, named(list.items)]).toEqual(['List', named(objectsIn(await rendered(example('realm.yaml'))))])
})

test('worlds that use the gatekeeper of another Realm are in its file, and have no object of their own', async () => {
  const realms = `
apiVersion: comms.decentraland.org/v1alpha1
kind: Realm
metadata: { name: host }
spec: { livekit: { type: Managed }, gatekeeper: { worldHosting: {} } }
---
apiVersion: comms.decentraland.org/v1alpha1
kind: Realm
metadata: { name: plaza }
spec:
  mode: World
  world: { scenes: ['urn:decentraland:entity:bafkscene?=&baseUrl=https://c.example/contents/'], access: { type: Public }, gatekeeperOf: host }
`
  const objects = objectsIn(await rendered(realms))
  expect(named(objects).filter((name) => name.includes('plaza'))).toEqual([])
  const worlds = objects.find(({ kind }) => kind === 'ConfigMap') as (KubeObject & { data: object }) | undefined
  expect(JSON.stringify(worlds?.data)).toContain('plaza')
})

test('a manifest that a cluster would refuse is refused with its mistakes, and the exit code 2', async () => {
  await expect(rendered('kind: Realm\napiVersion: x\nmetadata: { name: a }\n')).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^standard input is refused:\n.*:2: apiVersion: must be/),
  })
})
