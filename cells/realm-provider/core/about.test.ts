import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { aCatalystAbout, anEndpoint, aRealm } from '../fixtures.ts'
import { aboutOf, CONTENT_DEFAULTS, type World } from './about.ts'
import { readCatalystAbout } from './catalyst.ts'
import { publishedRealm } from './published-realm.ts'

const about = (
  given: Parameters<typeof aRealm>[0],
  world: World,
  more: { usersCount?: number; commitHash?: string; full?: boolean } = {},
) => {
  const realm = publishedRealm(aRealm(given))
  const endpoint = realm?.endpoints[0]
  if (!realm || !endpoint) throw new Error('the realm of the test is not published')
  return aboutOf({ realm, endpoint, usersCount: 0, world, ...more })
}
const catalyst = (document: unknown, healthy = true): World => {
  const read = readCatalystAbout(document)
  if (!read) throw new Error('the catalyst of the test does not take users')
  return { kind: 'catalyst', about: read, healthy }
}
const empty: World = { kind: 'empty', baseUrl: 'https://realms.example/main' }

test('the city realm of the protocol document is answered byte by byte', () => {
  const map = {
    minimapEnabled: true,
    sizes: [
      { left: -150, top: 150, right: 150, bottom: -150 },
      { left: 62, top: 158, right: 162, bottom: 151 },
      { left: 151, top: 150, right: 163, bottom: 59 },
    ],
  }
  const document = { ...aCatalystAbout('https://peer-eu.example.org'), configurations: { map } }
  const endpoint = { ...anEndpoint(0), adapter: 'archipelago:archipelago:wss://connector.example.org/ws' }
  const answer = about({ endpoints: [endpoint] }, catalyst(document), { usersCount: 42, commitHash: 'c0ffee3' })
  expect(JSON.stringify(answer)).toBe(
    '{"healthy":true,"acceptingUsers":true,' +
      '"configurations":{"networkId":1,"realmName":"main","globalScenesUrn":[],"scenesUrn":[],' +
      '"map":{"minimapEnabled":true,"sizes":[{"left":-150,"top":150,"right":150,"bottom":-150},{"left":62,"top":158,"right":162,"bottom":151},{"left":151,"top":150,"right":163,"bottom":59}]}},' +
      '"content":{"healthy":true,"synchronizationStatus":"Syncing","version":"8.0.3","commitHash":"c0ffee1","publicUrl":"https://peer-eu.example.org/content/"},' +
      '"lambdas":{"healthy":true,"version":"4.12.0","commitHash":"c0ffee2","publicUrl":"https://peer-eu.example.org/lambdas/"},' +
      '"comms":{"healthy":true,"protocol":"v3","version":"1.0.0","commitHash":"c0ffee3","usersCount":42,"adapter":"archipelago:archipelago:wss://connector.example.org/ws"},' +
      '"bff":{"healthy":true,"protocolVersion":"1.0_0","userCount":42,"publicUrl":"/bff"}}',
  )
})

test('without a catalyst the realm is an empty world served by the realm provider', () => {
  expect(about({}, empty)).toMatchObject({
    healthy: true,
    acceptingUsers: true,
    configurations: { ...CONTENT_DEFAULTS, realmName: 'main', scenesUrn: [], globalScenesUrn: [] },
    content: { healthy: true, synchronizationStatus: 'Syncing', publicUrl: 'https://realms.example/main/content/' },
    lambdas: { healthy: true, publicUrl: 'https://realms.example/main/lambdas/' },
  })
})

test('a realm whose cells are unhealthy keeps its adapter and does not accept users', () => {
  expect(about({ endpoints: [anEndpoint(0, 'Unhealthy')] }, empty)).toMatchObject({
    healthy: false,
    acceptingUsers: false,
    content: { healthy: true },
    comms: { healthy: false, adapter: anEndpoint(0).adapter },
    bff: { healthy: false },
  })
})

test('a realm without room is healthy and does not accept users', () => {
  expect(about({}, empty, { full: true })).toMatchObject({ healthy: true, acceptingUsers: false, comms: { healthy: true } })
})

test('a catalyst that stopped answering is still shown, as unhealthy, and comms stay healthy', () => {
  const answer = about({}, catalyst(aCatalystAbout('https://c.example'), false))
  expect(answer).toMatchObject({
    healthy: false,
    acceptingUsers: false,
    content: { healthy: false, publicUrl: 'https://c.example/content/' },
    lambdas: { healthy: false },
    comms: { healthy: true },
  })
  expect(about({}, { kind: 'unreachable', url: 'https://c.example' })).toMatchObject({
    healthy: false,
    content: { healthy: false, publicUrl: 'https://c.example/content/' },
    lambdas: { healthy: false, publicUrl: 'https://c.example/lambdas/' },
    comms: { healthy: true },
  })
})

test('the adapter is never accompanied by a fixedAdapter', () => {
  for (const world of [empty, catalyst(aCatalystAbout('https://c.example'))]) {
    const { comms } = about({}, world) as { comms: object }
    expect(Object.keys(comms)).toEqual(['healthy', 'protocol', 'version', 'usersCount', 'adapter'])
  }
})

test('values of the realm take precedence over those of its catalyst, which fill in what the realm does not declare', () => {
  const theirs = {
    ...aCatalystAbout('https://c.example'),
    configurations: {
      networkId: 11155111,
      realmName: 'theirs',
      scenesUrn: ['urn:theirs', 7],
      globalScenesUrn: ['urn:global'],
      map: { minimapEnabled: true, sizes: [{ left: 0, top: 1, right: 1, bottom: 0 }], satelliteView: { version: 'v1' } },
      skybox: { fixedHour: 3 },
    },
    bff: { healthy: true, protocolVersion: '2.0', userCount: 7, publicUrl: '/their-bff', commitHash: 'x' },
  }
  expect(about({}, catalyst(theirs), { usersCount: 3 })).toMatchObject({
    configurations: { ...theirs.configurations, realmName: 'main', scenesUrn: ['urn:theirs'] },
    bff: { ...theirs.bff, userCount: 3 },
  })
  const ours = {
    networkId: 5,
    scenesUrn: ['urn:ours'],
    globalScenesUrn: ['urn:ours-too'],
    map: { minimapEnabled: false, sizes: [{ left: 1, top: 2, right: 3, bottom: 0 }] },
  }
  expect(about({ content: ours }, catalyst(theirs))).toMatchObject({ configurations: { ...ours, realmName: 'main' } })
})

test('what a realm says of its sky, its map and its parcels goes before what its catalyst says, field by field', () => {
  const tiles = { version: 'v1' as const, baseUrl: 'https://tiles.example', suffixUrl: '.jpg', topLeftOffset: { x: -2, y: -6 } }
  const declaredTiles = { ...tiles, topLeftOffset: { horizontal: -2, vertical: -6 } }
  const theirs = {
    skybox: { fixedHour: 3 },
    minimap: { enabled: true, dataImage: 'https://theirs.example' },
    localSceneParcels: ['9,9'],
    cityLoaderContentServer: 'https://theirs.example',
    map: { minimapEnabled: true, sizes: [{ left: 0, top: 1, right: 1, bottom: 0 }], thumbnailView: tiles },
  }
  const world = catalyst({ ...aCatalystAbout('https://c.example'), configurations: theirs })
  expect(about({}, world)).toMatchObject({ configurations: theirs })
  const ours = {
    skybox: { fixedHour: 43_200 },
    minimap: { enabled: false },
    localSceneParcels: ['0,0', '-1,5'],
    cityLoaderContentServer: '',
  }
  expect(about({ content: ours }, world)).toMatchObject({ configurations: { ...ours, map: theirs.map } })
  expect((about({ content: ours }, world) as { configurations: object }).configurations).toMatchObject({
    minimap: { enabled: false },
  })
  expect(about({ content: ours }, empty)).toMatchObject({ configurations: { ...ours, map: CONTENT_DEFAULTS.map } })
  // Images of the map are added to the map of the catalyst, and go with rectangles of the realm.
  const parcelView = { version: 'v1' as const, imageUrl: 'https://ours.example/parcels.png' }
  const onTheirs = about({ content: { map: { ...CONTENT_DEFAULTS.map, satelliteView: declaredTiles, parcelView } } }, world)
  expect(onTheirs).toMatchObject({ configurations: { map: { ...theirs.map, satelliteView: tiles, parcelView } } })
  const map = { minimapEnabled: true, sizes: [], parcelView }
  expect((about({ content: { map } }, world) as { configurations: { map: object } }).configurations.map).toEqual(map)
})

test('a rectangle with a side that is not an integer is removed, because Bevy could not read the document', () => {
  const whole = { left: 0, top: 1, right: 1, bottom: 0 }
  const withMap = (map: unknown) =>
    about({}, catalyst({ ...aCatalystAbout('https://c.example'), configurations: { map } })) as {
      configurations: { map: unknown }
    }
  expect(withMap({ minimapEnabled: true, sizes: [{ ...whole, left: 0.5 }, null, { top: 1 }, whole] }).configurations.map).toEqual(
    {
      minimapEnabled: true,
      sizes: [whole],
    },
  )
  for (const map of [7, null, {}, { sizes: 'x' }]) expect(withMap(map).configurations.map).toEqual(CONTENT_DEFAULTS.map)
})

test('the defaults are those of the CRD', () => {
  interface Schema {
    default?: unknown
    properties: Record<string, Schema>
  }
  const crd = parse(readFileSync(new URL('../../../crds/realm.crd.yaml', import.meta.url), 'utf8'), { merge: true })
  const schema = crd.spec.versions[0].schema.openAPIV3Schema as Schema
  const content = schema.properties.spec?.properties.content?.properties
  expect({
    networkId: content?.networkId?.default,
    map: { minimapEnabled: content?.map?.properties.minimapEnabled?.default, sizes: content?.map?.properties.sizes?.default },
  }).toEqual(CONTENT_DEFAULTS)
})
