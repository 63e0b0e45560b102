import { describe, expect, test } from 'vitest'
import { PRIVATE_NETWORKS } from '../../cells/chassis/private-networks.ts'
import type { RealmSpec } from '../../crds/realm.ts'
import { aCell, aRealm, aRealmWithoutLivekit, compact, site } from './realm.fixtures.ts'
import {
  archipelagoSettings,
  compactSettings,
  connectorSettings,
  gatekeeperSettings,
  type Settings,
  statsSettings,
} from './settings.ts'
import { laptopSite } from './site.ts'

const busAs = (user: string) => ({
  NATS_URL: 'nats://main-nats.metaverse.svc.cluster.local:4222',
  NATS_USER: user,
  NATS_PASSWORD: { secret: 'main-nats-users', key: user },
})
const livekit = {
  LIVEKIT_HOST: 'wss://livekit.example.org',
  LIVEKIT_API_KEY: { secret: 'livekit', key: 'apiKey' },
  LIVEKIT_API_SECRET: { secret: 'livekit', key: 'apiSecret' },
}

test('connectors get their NATS, the scope of their cell and the time for draining', () => {
  expect(connectorSettings(aCell(aRealm(), 2))).toEqual({
    ...busAs('cell_2'),
    BUS_SCOPE: 'metaverse.main.2',
    DRAIN_SECONDS: '30',
    COMMS_GATEKEEPER_URL: 'http://main-gatekeeper.metaverse.svc.cluster.local',
  })
})

test('a process of a Compact cell is set up as its connectors and its archipelago; its statistics have their own user, scope and port', () => {
  const realm = compact(aRealm({ content: { catalysts: ['https://peer.example.org/'] } }))
  const cell = aCell(realm, 2)
  const { HTTP_SERVER_PORT, ...ofStatistics } = Object.fromEntries(
    Object.entries(compactSettings(cell)).flatMap(([name, value]) => {
      const [, own] = /^STATS_(.*)/.exec(name) ?? []
      return own ? [[own, value]] : []
    }),
  )
  expect(compactSettings(cell)).toMatchObject({ ...archipelagoSettings(cell), ...connectorSettings(cell) })
  expect(HTTP_SERVER_PORT).toBe('8081')
  // The servers are those of the process.
  const { NATS_URL: _, ...asProcess } = statsSettings(realm, site)
  expect(ofStatistics).toEqual(asProcess)
})

test('statistics in a cell with an External NATS sign in as the cell does', () => {
  const nats = { type: 'External' as const, urls: ['nats://nats.infra'], credentials: { secretName: 'nats' } }
  const settings = compactSettings(aCell(compact(aRealm({ nats }))))
  expect(Object.keys(settings).filter((name) => name.startsWith('STATS_NATS'))).toEqual([])
  expect(settings).toMatchObject({ NATS_USER: { secret: 'nats', key: 'user' }, STATS_BUS_SCOPE: 'metaverse.main.*' })
})

test('connectors query the gatekeeper of their realm for bans, where it has one', () => {
  expect(connectorSettings(aCell(aRealm({ gatekeeper: { replicas: 0 } })))).not.toHaveProperty('COMMS_GATEKEEPER_URL')
  const laptop = laptopSite({ publicUrl: 'http://192.0.2.1:5000', localUrl: 'http://127.0.0.1:5000', livekit: () => undefined })
  expect(laptop.gatekeeperUrl(aRealm())).toBe('http://127.0.0.1:5000/main/gatekeeper')
})

test('the deny list and the Ethereum server of a realm are those of its gatekeeper and of its cells', () => {
  const urls = { denyList: 'https://lists.example.org/denylist.json', ethereum: 'https://eth.example.org/key' }
  const realm = aRealm({ gatekeeper: urls })
  const settings = { DENYLIST_URL: urls.denyList, ETH_RPC_URL: urls.ethereum }
  expect(connectorSettings(aCell(realm))).toMatchObject(settings)
  expect(gatekeeperSettings(realm, site)).toMatchObject(settings)
  // Where an archipelago has the embedded rooms, players connect to it too.
  const withRooms = archipelagoSettings(aCell(aRealmWithoutLivekit({ gatekeeper: urls })))
  expect(withRooms).toMatchObject({ ...settings, COMMS_GATEKEEPER_URL: 'http://main-gatekeeper.metaverse.svc.cluster.local' })
  for (const name of ['DENYLIST_URL', 'ETH_RPC_URL', 'COMMS_GATEKEEPER_URL'])
    expect(archipelagoSettings(aCell(realm))).not.toHaveProperty(name)
})

test('a gatekeeper learns who moderates, and which services say who owns what', () => {
  const wallet = `0x${'a'.repeat(40)}`
  const gatekeeper = {
    moderators: [wallet],
    moderatorTokenSecret: { name: 'moderators', key: 'token' },
    serviceTokenSecret: { name: 'social', key: 'bearer' },
    ...{ places: 'https://places.example.org/api', worlds: 'https://worlds.example.org', leases: 'https://leases.example.org' },
    ...{ social: 'https://social.example.org', retention: { connectionDays: 7, moderationDays: 90 } },
  }
  expect(gatekeeperSettings(aRealm({ gatekeeper, content: { catalysts: ['https://peer.example.org/'] } }), site)).toMatchObject({
    MODERATORS: wallet,
    MODERATOR_TOKEN: { secret: 'moderators', key: 'token' },
    COMMS_GATEKEEPER_AUTH_TOKEN: { secret: 'social', key: 'bearer' },
    CONTENT_URL: 'https://peer.example.org/content',
    LAMBDAS_URL: 'https://peer.example.org/lambdas',
    PLACES_API_URL: gatekeeper.places,
    WORLD_CONTENT_URL: gatekeeper.worlds,
    LEASES_URL: gatekeeper.leases,
    SOCIAL_SERVICE_URL: gatekeeper.social,
    ...{ CONNECTION_RETENTION_DAYS: '7', MODERATION_RETENTION_DAYS: '90' },
  })
  expect(gatekeeperSettings(aRealm(), site)).not.toHaveProperty('MODERATOR_TOKEN')
})

test('a gatekeeper learns the name of its realm, its authoritative server, whether it serves previews, and where people stream', () => {
  const gatekeeper = { authoritativeServer: `0x${'b'.repeat(40)}`, localPreview: true, cast: 'https://cast.example.org' }
  const settings = gatekeeperSettings(aRealm({ gatekeeper }), site)
  expect(settings).toMatchObject({
    ...{ REALM_NAME: 'main', AUTHORITATIVE_SERVER_ADDRESS: gatekeeper.authoritativeServer },
    ...{ ALLOW_LOCAL_PREVIEW: 'true', CAST2_URL: gatekeeper.cast },
  })
  for (const name of ['AUTHORITATIVE_SERVER_ADDRESS', 'ALLOW_LOCAL_PREVIEW', 'CAST2_URL'])
    expect(gatekeeperSettings(aRealm(), site)).not.toHaveProperty(name)
})

test('connectors get the pace of draining where the realm sets one', () => {
  const realm = aRealm({ rollout: { paused: false, joinProbe: 'Required', progressDeadlineSeconds: 600, playersPerMinute: 90 } })
  expect(connectorSettings(aCell(realm))).toMatchObject({ DRAIN_PLAYERS_PER_MINUTE: '90' })
})

describe('X-Forwarded-For is believed', () => {
  const host = 'main.example.org'
  const settingsOf = (exposure: Partial<RealmSpec['exposure']>) => {
    const realm = aRealmWithoutLivekit({ exposure: { type: 'None', ...exposure } })
    const cell = aCell(realm)
    const of = ({ TRUSTED_PROXIES, TRUSTED_PROXY_HOPS, MAX_CONNECTIONS_PER_ADDRESS }: Settings) => ({
      ...(TRUSTED_PROXIES !== undefined && { TRUSTED_PROXIES }),
      ...(TRUSTED_PROXY_HOPS !== undefined && { TRUSTED_PROXY_HOPS }),
      ...(MAX_CONNECTIONS_PER_ADDRESS !== undefined && { MAX_CONNECTIONS_PER_ADDRESS }),
    })
    return [connectorSettings(cell), archipelagoSettings(cell), gatekeeperSettings(realm, site)].map(of)
  }

  test('of no proxy where players may connect directly', () => {
    expect(settingsOf({})).toEqual([{}, {}, {}])
    expect(settingsOf({ url: 'https://main.example.org' })).toEqual([{}, {}, {}])
  })

  test('of private networks behind an Ingress', () => {
    const proxies = { TRUSTED_PROXIES: PRIVATE_NETWORKS.join(',') }
    expect(settingsOf({ type: 'Ingress', host })).toEqual([proxies, proxies, proxies])
  })

  test('of the proxies that a realm names, by connectors, embedded rooms and the gatekeeper', () => {
    const named = { cidrs: ['25.0.0.0/8', 'fd00::/8'], hops: 1 }
    const proxies = { TRUSTED_PROXIES: '25.0.0.0/8,fd00::/8', TRUSTED_PROXY_HOPS: '1' }
    expect(settingsOf({ type: 'Ingress', host, trustedProxies: named })).toEqual([proxies, proxies, proxies])
    const cdn = { TRUSTED_PROXIES: PRIVATE_NETWORKS.join(','), TRUSTED_PROXY_HOPS: '1' }
    expect(settingsOf({ type: 'Ingress', host, trustedProxies: { hops: 1 } })).toEqual([cdn, cdn, cdn])
    expect(settingsOf({ type: 'Ingress', host, trustedProxies: { cidrs: [] } })[0]).toEqual({ TRUSTED_PROXIES: '' })
  })

  test('by the services of hand-written cells as well', () => {
    const cell = aCell(aRealm())
    const spec = { ...cell.spec, exposure: { trustedProxies: { cidrs: ['10.0.0.0/8'] }, maxConnectionsPerAddress: 7 } }
    expect(connectorSettings({ ...cell, spec })).toMatchObject({
      TRUSTED_PROXIES: '10.0.0.0/8',
      MAX_CONNECTIONS_PER_ADDRESS: '7',
    })
    // With LiveKit, players do not connect to the archipelago.
    expect(archipelagoSettings({ ...cell, spec })).not.toHaveProperty('TRUSTED_PROXIES')
  })

  test('on a laptop only where the realm says so', () => {
    const laptop = laptopSite({ publicUrl: 'http://192.0.2.1:5000', localUrl: 'http://127.0.0.1:5000', livekit: () => undefined })
    expect(laptop.exposure(aRealm({ exposure: { type: 'Ingress', host } }))).toBeUndefined()
    expect(laptop.exposure(aRealm({ exposure: { maxConnectionsPerAddress: 9 } }))).toEqual({ maxConnectionsPerAddress: 9 })
  })
})

test('a gatekeeper is told its public path where a route of the user leads to it', () => {
  const pathOf = (exposure: Partial<RealmSpec['exposure']>) => gatekeeperSettings(aRealm({ exposure }), site).PUBLIC_PATH
  expect(pathOf({ url: 'https://example.org/at/town/main' })).toBe('/at/town/main/gatekeeper')
  expect(pathOf({ url: 'https://main.example.org' })).toBe('/gatekeeper')
  expect(pathOf({ type: 'Ingress', host: 'main.example.org' })).toBeUndefined()
  expect(pathOf({})).toBeUndefined()
})

test('an External database may have an authority of its own', () => {
  const database = { type: 'External', secret: { name: 'postgres', key: 'url' }, caSecretName: 'postgres-ca' } as const
  const settings = gatekeeperSettings(aRealm({ gatekeeper: { database } }), site)
  expect(settings).toMatchObject({ DATABASE_CA: { secret: 'postgres-ca', key: 'ca.crt' } })
  expect(gatekeeperSettings(aRealm(), site)).not.toHaveProperty('DATABASE_CA')
})

test.each([
  [undefined, { NATS_USER: { secret: 'bus', key: 'user' }, NATS_PASSWORD: { secret: 'bus', key: 'password' } }],
  ['Password', { NATS_USER: { secret: 'bus', key: 'user' }, NATS_PASSWORD: { secret: 'bus', key: 'password' } }],
  ['CredentialsFile', { NATS_CREDENTIALS: { secret: 'bus', key: 'user.creds' } }],
  ['NkeySeed', { NATS_NKEY_SEED: { secret: 'bus', key: 'seed' } }],
  ['Token', { NATS_TOKEN: { secret: 'bus', key: 'token' } }],
] as const)('services sign in to an External NATS with credentials of type %s', (type, expected) => {
  const credentials = { secretName: 'bus', ...(type && { type }) }
  const realm = aRealm({ nats: { type: 'External', urls: ['nats://nats:4222'], credentials } })
  for (const settings of [connectorSettings(aCell(realm)), gatekeeperSettings(realm, site), statsSettings(realm, site)])
    expect(Object.fromEntries(Object.entries(settings).filter(([name]) => /^NATS_(?!URL)/.test(name)))).toEqual(expected)
})

test('connectors get a time-out for islands only where islands take longer than their default', () => {
  const timeoutFor = (flushPeriodMilliseconds: number) => {
    const realm = aRealm()
    realm.spec.cells.template.archipelago.flushPeriodMilliseconds = flushPeriodMilliseconds
    return connectorSettings(aCell(realm)).ISLAND_TIMEOUT_MS
  }
  expect([timeoutFor(2_000), timeoutFor(10_000), timeoutFor(30_000)]).toEqual([undefined, undefined, '60000'])
})

test('an archipelago gets its distances, its period in seconds, its LiveKit and a room prefix that no other cell has', () => {
  expect(archipelagoSettings(aCell(aRealm(), 2))).toEqual({
    ...busAs('cell_2'),
    ...livekit,
    BUS_SCOPE: 'metaverse.main.2',
    ARCHIPELAGO_JOIN_DISTANCE: '64',
    ARCHIPELAGO_LEAVE_DISTANCE: '80',
    ARCHIPELAGO_FLUSH_FREQUENCY: '2',
    LIVEKIT_ISLAND_SIZE: '100',
    ROOM_PREFIX: 'island-metaverse.main.2-',
  })
})

test('the gatekeeper knows which rooms are islands of its realm, and where a Managed LiveKit is inside the cluster', () => {
  expect(gatekeeperSettings(aRealm(), site)).toMatchObject({
    ISLAND_ROOM_PREFIX: 'island-metaverse.main.',
    SCENE_ROOM_PREFIX: 'scene-metaverse.main.',
    VOICE_ROOM_PREFIX: 'voice-chat-metaverse.main.',
    PRIVATE_MESSAGES_ROOM_ID: 'private-messages-metaverse.main',
  })
  const managed = gatekeeperSettings(aRealm({ livekit: { type: 'Managed', url: 'wss://livekit.example.org' } }), site)
  expect(managed).toMatchObject({
    LIVEKIT_HOST: 'wss://livekit.example.org',
    LIVEKIT_API_URL: 'ws://main-livekit.metaverse.svc.cluster.local:7880',
  })
  expect(gatekeeperSettings(aRealmWithoutLivekit(), site)).not.toHaveProperty('ISLAND_ROOM_PREFIX')
})

test('without a LiveKit a cell has rooms of its own, and scene rooms are in the first cell', () => {
  const realm = aRealmWithoutLivekit({ exposure: { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' } })
  const { ROOMS_URL, LIVEKIT_HOST } = archipelagoSettings(aCell(realm, 1))
  expect({ ROOMS_URL, LIVEKIT_HOST }).toEqual({ ROOMS_URL: 'wss://main.example.org/cells/1/rooms', LIVEKIT_HOST: undefined })
  expect(gatekeeperSettings(realm, site)).toMatchObject({
    ROOMS_URL: 'wss://main.example.org/cells/0/rooms',
    BUS_SCOPE: 'metaverse.main.0',
  })
  const inside = archipelagoSettings(aCell(aRealmWithoutLivekit(), 1))
  expect(inside.ROOMS_URL).toBe('ws://main-rooms-1.metaverse.svc.cluster.local/cells/1/rooms')
})

test('a gatekeeper gets its database: a folder, or a key of a Secret', () => {
  expect(gatekeeperSettings(aRealm(), site)).toMatchObject({ ...livekit, DATABASE_FOLDER: '/data' })
  const external = aRealm({ gatekeeper: { database: { type: 'External', secret: { name: 'postgres', key: 'uri' } } } })
  expect(gatekeeperSettings(external, site)).toMatchObject({
    DATABASE_URL: { secret: 'postgres', key: 'uri' },
    DATABASE_MIGRATIONS: 'Wait',
  })
  expect(gatekeeperSettings(external, site)).not.toHaveProperty('DATABASE_FOLDER')
})

test('stats subscribe to every cell of the realm and ask its catalysts for scenes, the first that answers', () => {
  expect(
    statsSettings(aRealm({ content: { catalysts: ['https://peer.example.org/', 'https://other.example.org'] } }), site),
  ).toEqual({
    ...busAs('stats'),
    BUS_SCOPE: 'metaverse.main.*',
    REALM_NAME: 'main',
    REALM_PROVIDER_URL: 'http://realm-provider',
    CONTENT_URL: 'https://peer.example.org/content,https://other.example.org/content',
  })
  expect(statsSettings(aRealm(), site)).not.toHaveProperty('CONTENT_URL')
})

test('an External NATS is passed on with its credentials and its certificate authority', () => {
  const nats: RealmSpec['nats'] = {
    type: 'External',
    urls: ['tls://a:4222'],
    credentials: { secretName: 'account' },
    caSecretName: 'ca',
  }
  expect(connectorSettings(aCell(aRealm({ nats })))).toMatchObject({
    NATS_URL: 'tls://a:4222',
    NATS_USER: { secret: 'account', key: 'user' },
    NATS_PASSWORD: { secret: 'account', key: 'password' },
    NATS_CA: { secret: 'ca', key: 'ca.crt' },
  })
})

test('an External NATS without credentials is passed on by its URLs alone', () => {
  const realm = aRealm({ nats: { type: 'External', urls: ['nats://a:4222', 'nats://b:4222'] } })
  expect(connectorSettings(aCell(realm))).toEqual({
    NATS_URL: 'nats://a:4222,nats://b:4222',
    BUS_SCOPE: 'metaverse.main.0',
    DRAIN_SECONDS: '30',
    COMMS_GATEKEEPER_URL: 'http://main-gatekeeper.metaverse.svc.cluster.local',
  })
})
