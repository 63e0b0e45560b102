import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import { readAsBevy, readAsGodot, readAsUnity } from '../../../testing/about-parsers.ts'
import { aCatalystAbout, anEndpoint, aRealm } from '../fixtures.ts'
import { aboutOf, type World } from './about.ts'
import { readCatalystAbout } from './catalyst.ts'
import { publishedRealm } from './published-realm.ts'

type Fields = Record<string, unknown>
type Path = readonly string[]

const explorers = { Unity: readAsUnity, Bevy: readAsBevy, Godot: readAsGodot }

/** What each explorer reads of the document that is answered, as JSON. */
function readByAll(world: World, content: Partial<RealmSpec['content']> = {}, state: 'Serving' | 'Unhealthy' = 'Serving') {
  const realm = publishedRealm(aRealm({ content, endpoints: [anEndpoint(0, state)] }))
  const [endpoint] = realm?.endpoints ?? []
  if (!realm || !endpoint) throw new Error('the realm of the test is not published')
  const document = JSON.parse(JSON.stringify(aboutOf({ realm, endpoint, usersCount: 1, world }))) as Fields
  return Object.values(explorers).map((read) => read(document))
}

const tiles = { version: 'v1' as const, baseUrl: 'https://map.example', suffixUrl: '.jpg', topLeftOffset: { x: -2, y: -6 } }
const full: Fields = {
  ...aCatalystAbout('https://c.example'),
  configurations: {
    networkId: 1,
    realmName: 'theirs',
    globalScenesUrn: ['urn:global'],
    scenesUrn: ['urn:scene'],
    localSceneParcels: ['0,0'],
    cityLoaderContentServer: 'https://c.example/content',
    map: {
      minimapEnabled: true,
      sizes: [{ left: 0, top: 1, right: 1, bottom: 0 }],
      satelliteView: tiles,
      thumbnailView: tiles,
      parcelView: { version: 'v1', imageUrl: 'https://map.example/parcels.png' },
    },
    minimap: { enabled: true, dataImage: 'https://d', estateImage: 'https://e' },
    skybox: { fixedHour: 43_200, textures: ['https://t'] },
  },
  comms: { healthy: true, protocol: 'v2', adapter: 'x', fixedAdapter: 'offline:offline', usersCount: 1 },
  bff: { healthy: true, publicUrl: '/bff', protocolVersion: '1', userCount: 1, commitHash: 'x' },
}

function* pathsIn(value: unknown, at: Path = []): Iterable<Path> {
  if (at.length > 0) yield at
  if (typeof value !== 'object' || value === null) return
  for (const [name, inside] of Object.entries(value)) yield* pathsIn(inside, [...at, name])
}

/** A copy with another value at a path; undefined removes the field. */
function withValue(document: unknown, [name = '', ...rest]: Path, value: unknown): unknown {
  const copy = (Array.isArray(document) ? [...document] : { ...(document as Fields) }) as Fields
  if (rest.length > 0) copy[name] = withValue(copy[name], rest, value)
  else if (value === undefined && !Array.isArray(copy)) delete copy[name]
  else copy[name] = value
  return copy
}

const WRONG = [undefined, null, 7, -1, 0.5, 1e300, true, 'x', '', [], [null], [7], {}, { x: null }, [[]]]
const paths = [...pathsIn(full)]

test('whatever a catalyst says in any field, or leaves out, each explorer reads the document and finds the same realm', () => {
  expect(paths.length).toBeGreaterThan(50)
  let answered = 0
  for (const path of paths)
    for (const wrong of WRONG) {
      const about = readCatalystAbout(withValue(full, path, wrong))
      // A catalyst without an address for content, say, is not used at all.
      if (!about) continue
      answered++
      const named = `${path.join('.')} = ${JSON.stringify(wrong)}`
      const [unity, bevy, godot] = readByAll({ kind: 'catalyst', about, healthy: true })
      expect(unity, named).toMatchObject({ realmName: 'main', adapter: anEndpoint(0).adapter, contentUrl: expect.any(String) })
      expect(bevy, named).toEqual(unity)
      expect(godot, named).toEqual(unity)
    }
  expect(answered).toBeGreaterThan(600)
})

test('each explorer reads whatever a Realm may say of its world, with and without a catalyst, working or not', () => {
  const content: Partial<RealmSpec['content']>[] = [
    {},
    { networkId: 11155111, scenesUrn: ['urn:ours'], globalScenesUrn: ['urn:too'] },
    { localSceneParcels: ['0,0', '-1,5'], cityLoaderContentServer: '' },
    { cityLoaderContentServer: 'https://ours.example' },
    { skybox: {}, minimap: {} },
    { skybox: { fixedHour: 0, textures: [] }, minimap: { enabled: false, dataImage: 'https://d' } },
    { map: { minimapEnabled: false, sizes: [] } },
    { map: { minimapEnabled: true, sizes: [], satelliteView: { version: 'v1', baseUrl: 'https://m' } } },
    { map: { minimapEnabled: true, sizes: [], thumbnailView: { ...tiles, topLeftOffset: { horizontal: 1, vertical: 0 } } } },
    { map: { minimapEnabled: true, sizes: [], parcelView: { version: 'v1', imageUrl: 'https://m' } } },
  ]
  const about = readCatalystAbout(full)
  if (!about) throw new Error('the catalyst of the test does not take users')
  const worlds: World[] = [
    { kind: 'empty', baseUrl: 'https://realms.example/main' },
    { kind: 'unreachable', url: 'https://c.example' },
    { kind: 'catalyst', about, healthy: true },
    { kind: 'catalyst', about, healthy: false },
  ]
  for (const world of worlds)
    for (const each of content)
      for (const state of ['Serving', 'Unhealthy'] as const) {
        const [unity, bevy, godot] = readByAll(world, each, state)
        expect(bevy).toEqual(unity)
        expect(godot).toEqual(unity)
        expect(unity).toMatchObject({ realmName: 'main', adapter: anEndpoint(0).adapter })
      }
})

test('the rules of each explorer refuse what it cannot read', () => {
  const document = {
    configurations: { realmName: 'main', networkId: 1, scenesUrn: [] },
    content: { healthy: true, publicUrl: 'https://c/' },
    lambdas: { healthy: true, publicUrl: 'https://l/' },
    comms: { healthy: true, protocol: 'v3', adapter: 'archipelago:archipelago:wss://h/ws' },
  }
  for (const read of Object.values(explorers)) expect(read(document)).toMatchObject({ realmName: 'main', networkId: 1 })
  const refusing = (path: string, value: unknown) => {
    const changed = withValue(document, path.split('.'), value) as Fields
    return Object.entries(explorers).flatMap(([name, read]) => {
      try {
        read(changed)
        return []
      } catch {
        return name
      }
    })
  }
  expect(refusing('comms.adapter', 'archipelago:archipelago:ws://h/ws')).toEqual(['Unity'])
  expect(refusing('configurations.realmName', undefined)).toEqual(['Unity'])
  expect(refusing('configurations.map', { sizes: [{ left: 0.5, top: 1, right: 1, bottom: 0 }] })).toEqual(['Bevy'])
  expect(refusing('configurations.networkId', -1)).toEqual(['Bevy'])
  expect(refusing('configurations.cityLoaderContentServer', null)).toEqual(['Godot'])
  expect(refusing('content.healthy', 'yes')).toEqual(['Unity', 'Bevy'])
  expect(refusing('comms.protocol', 'v2')).toEqual(['Godot'])
})
