import { expect, test } from 'vitest'
import { aStats, peerId, publishers } from './fixtures.ts'

const [ana, ben, cleo] = [peerId(1), peerId(2), peerId(3)]
const shown = (id: string, now: number, parcel: [number, number], position: [number, number, number]) => ({
  id,
  address: id,
  lastPing: now,
  parcel,
  position,
})

test('a positioned heartbeat adds a peer, in the format of upstream, at the root, below /comms and below /stats', async (t) => {
  const { bus, clock, get } = await aStats(t)
  publishers(bus, '').heartbeat(ana, [8, 0, 8])
  const now = clock.now()
  const peer = `{"id":"${ana}","address":"${ana}","lastPing":${now},"parcel":[0,0],"position":[8,0,8]}`
  for (const prefix of ['', '/comms', '/stats', '/stats/comms']) {
    const all = await get(`${prefix}/peers`)
    expect(all.headers.get('content-type')).toContain('application/json')
    expect(await all.text()).toBe(`{"ok":true,"peers":[${peer}]}`)
    // With a field of the coming API after those of today's.
    expect(await (await get(`${prefix}/peers/${ana}`)).text()).toBe(
      `{"ok":true,"peer":${peer.replace(/}$/, ',"realm":"main"}')}}`,
    )
    expect(await (await get(`${prefix}/parcels`)).text()).toBe('{"parcels":[{"peersCount":1,"parcel":{"x":0,"y":0}}]}')
    expect(await (await get(`${prefix}/islands`)).text()).toBe('{"ok":true,"islands":[]}')
    const missing = await get(`${prefix}/peers/${ben}`)
    expect([missing.status, await missing.text()]).toEqual([404, '{"ok":false,"peer":null}'])
    const noIsland = await get(`${prefix}/islands/I9`)
    expect([noIsland.status, await noIsland.text()]).toEqual([404, ''])
  }
})

test('peers are listed in order of appearance, and those that are asked for by id in that of their addresses', async (t) => {
  const { bus, clock, json } = await aStats(t)
  const cell = publishers(bus, '')
  cell.heartbeat(cleo, [0, 0, 0])
  cell.heartbeat(ana, [-1, 2.5, 31])
  cell.heartbeat(ben, [16, 0, -0.5])
  const now = clock.now()
  const all = [
    shown(cleo, now, [0, 0], [0, 0, 0]),
    shown(ana, now, [-1, 1], [-1, 2.5, 31]),
    shown(ben, now, [1, -1], [16, 0, -0.5]),
  ]
  expect(await json('/peers')).toEqual({ ok: true, peers: all })
  expect(await json(`/peers?id=${cleo}&id=${ben}&id=${cleo}&id=unknown`)).toEqual({
    ok: true,
    peers: [all[2], all[0]].map((peer) => ({ ...peer, realm: 'main' })),
  })
})

test('a wallet is found as it is written with the letters of its checksum', async (t) => {
  const { bus, clock, json } = await aStats(t)
  const checksummed = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
  const id = checksummed.toLowerCase() as typeof ana
  publishers(bus, '').heartbeat(id, [0, 0, 0])
  const peer = { ...shown(id, clock.now(), [0, 0], [0, 0, 0]), realm: 'main' }
  expect(await json(`/peers/${checksummed}`)).toEqual({ ok: true, peer })
  for (const query of [`id=${checksummed}`, `id=${id.toUpperCase()}`, `id=${checksummed}&id=${id}`])
    expect(await json(`/comms/peers?${query}`)).toEqual({ ok: true, peers: [peer] })
})

test('by realm there are the same peers, parcels and islands in the order and with the fields of the relay of Decentraland', async (t) => {
  const { bus, clock, json, get } = await aStats(t, { REALM_NAME: 'Genesis' })
  const cell = publishers(bus, '')
  cell.heartbeat(cleo, [8, 0, 8])
  cell.heartbeat(ana, [40, 0, 8])
  cell.heartbeat(ben, [8, 0, 8])
  cell.islands({ id: 'I10', peers: [cleo, ben] }, { id: 'I2', peers: [ana] })
  const now = clock.now()
  const [a, b, c] = [shown(ana, now, [2, 0], [40, 0, 8]), shown(ben, now, [0, 0], [8, 0, 8]), shown(cleo, now, [0, 0], [8, 0, 8])]
  for (const prefix of ['', '/stats']) {
    const lastUpdated = new Date(now).toISOString()
    expect(await json(`${prefix}/realms`)).toEqual({ realms: [{ name: 'genesis', peers: 3, clusters: 2 }], lastUpdated })
    expect(await json(`${prefix}/realms/GENESIS/peers`)).toEqual({ ok: true, realm: 'genesis', peers: [a, b, c] })
    expect(await json(`${prefix}/realms/genesis/parcels`)).toEqual({
      realm: 'genesis',
      parcels: [
        { peersCount: 2, parcel: { x: 0, y: 0 } },
        { peersCount: 1, parcel: { x: 2, y: 0 } },
      ],
    })
    const { islands } = (await json(`${prefix}/realms/genesis/islands`)) as { islands: { id: string; peers: unknown[] }[] }
    expect(islands.map(({ id, peers }) => [id, peers])).toEqual([
      ['I2', [a]],
      ['I10', [b, c]],
    ])
    expect(await json(`${prefix}/realms/genesis/islands/I10`)).toMatchObject({ id: 'I10', peers: [b, c] })
    for (const list of ['peers', 'islands'])
      expect(await json(`${prefix}/realms/Elsewhere/${list}`)).toEqual({ ok: true, realm: 'elsewhere', [list]: [] })
    expect(await json(`${prefix}/realms/Elsewhere/parcels`)).toEqual({ realm: 'elsewhere', parcels: [] })
    const missing = await get(`${prefix}/realms/elsewhere/islands/I10`)
    expect([missing.status, await missing.text()]).toEqual([404, ''])
    expect(await json(`${prefix}/status`)).toMatchObject({ realms: [{ name: 'genesis', peers: 3 }] })
    const withRealm = (peer: object) => ({ ...peer, realm: 'genesis' })
    for (const all of ['all', 'all=true', 'all=1'])
      expect(await json(`${prefix}/peers?${all}`)).toEqual({ ok: true, peers: [a, b, c].map(withRealm) })
    expect(await json(`${prefix}/peers?all=false`)).toEqual({ ok: true, peers: [c, a, b] })
    expect((await get(`${prefix}/health`)).status).toBe(200)
    expect(await json(`${prefix}/peers?id=${ana}`)).toEqual({ ok: true, peers: [withRealm(a)] })
  }
})

test('a realm without players is none, and the number of players is below /stats, where the root has the description of the realm', async (t) => {
  const { bus, json } = await aStats(t, { COMMIT_HASH: 'abc' })
  expect(await json('/realms')).toMatchObject({ realms: [] })
  publishers(bus, '').heartbeat(ana, [8, 0, 8])
  expect(await json('/stats/about')).toEqual({ commitHash: 'abc', userCount: 1 })
})

test('a list by realm has an ETag, and is not sent again to a client that has it', async (t) => {
  const { bus, get } = await aStats(t, { REALM_NAME: 'main' })
  publishers(bus, '').heartbeat(ana, [8, 0, 8])
  const etag = (await get('/realms/main/peers')).headers.get('etag') ?? ''
  expect(etag).not.toBe('')
  const again = await get('/realms/main/peers', { headers: { 'if-none-match': etag } })
  expect(again.status).toBe(304)
})

test('a heartbeat moves a peer and a disconnect removes it, although answers are cached', async (t) => {
  const { bus, json } = await aStats(t)
  const cell = publishers(bus, '')
  cell.heartbeat(ana, [8, 0, 8])
  expect(await json('/parcels')).toEqual({ parcels: [{ peersCount: 1, parcel: { x: 0, y: 0 } }] })
  cell.heartbeat(ana, [-8, 0, 40])
  expect(await json('/parcels')).toEqual({ parcels: [{ peersCount: 1, parcel: { x: -1, y: 2 } }] })
  cell.disconnect(ana)
  expect(await json('/parcels')).toEqual({ parcels: [] })
  expect(await json('/peers')).toEqual({ ok: true, peers: [] })
})

test('a peer whose disconnect message was lost expires after a minute of silence', async (t) => {
  const { bus, clock, json, get, metrics } = await aStats(t)
  const cell = publishers(bus, '')
  cell.heartbeat(ana, [8, 0, 8])
  cell.heartbeat(ben, [8, 0, 8])
  await bus.flush()
  for (let second = 0; second < 63; second++) {
    if (second === 30) cell.heartbeat(ben, [8, 0, 8])
    await get('/status') // lets the sweeps of the past second run
    clock.advance(1250)
  }
  expect(await json('/peers')).toMatchObject({ peers: [{ id: ben }] })
  expect(await metrics.registry.metrics()).toContain('realm_stats_peers_expired_total 1')
})

test('no peer expires while the bus is down, nor before each peer had a minute to send a heartbeat again', async (t) => {
  const { bus, setBusState, clock, get, json } = await aStats(t)
  const after = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      await get('/status') // lets the sweeps of the past second run
      clock.advance(1000)
    }
    return json('/peers')
  }
  publishers(bus, '').heartbeat(ana, [8, 0, 8])
  await bus.flush()
  setBusState('disconnected')
  expect(await after(300_000)).toMatchObject({ peers: [{ id: ana }] })
  setBusState('connected')
  expect(await after(58_000)).toMatchObject({ peers: [{ id: ana }] })
  expect(await after(6_000)).toMatchObject({ peers: [] })
})

test('stats goes on answering with what it knows while the bus is away', async (t) => {
  const { bus, setBusState, clock, get, json } = await aStats(t)
  publishers(bus, '').heartbeat(ana, [8, 0, 8])
  setBusState('disconnected')
  clock.advance(60_000)
  expect((await get('/health/ready')).status).toBe(200)
  expect((await get('/status')).status).toBe(200)
  expect(await json('/peers')).toMatchObject({ peers: [{ id: ana }] })
})

test('islands are shown with their known peers, and islands without a centre are left out', async (t) => {
  const { bus, clock, json } = await aStats(t)
  const cell = publishers(bus, '')
  cell.heartbeat(ana, [8, 0, 8])
  cell.islands(
    { id: 'I1', peers: [ana, ben] },
    { id: 'I2', peers: [ana], center: undefined },
    { id: 'I3', peers: [ana], center: { x: Number.NaN, y: 0, z: 0 } },
  )
  const island = { id: 'I1', maxPeers: 100, center: [8, 0, 8], radius: 0, peers: [shown(ana, clock.now(), [0, 0], [8, 0, 8])] }
  expect(await json('/islands')).toEqual({ ok: true, islands: [island] })
  expect(await json('/comms/islands/I1')).toEqual(island)
  cell.islands()
  expect(await json('/islands')).toEqual({ ok: true, islands: [] })
})

test('core-status is healthy while the last discovery message is less than 90 s old, and keeps the last user count', async (t) => {
  const { bus, clock, json } = await aStats(t)
  const cell = publishers(bus, '')
  expect(await json('/core-status')).toEqual({ healthy: false, userCount: 0 })
  cell.discovery(clock.now(), 3)
  expect(await json('/core-status')).toEqual({ healthy: true, userCount: 3 })
  clock.advance(89_999)
  expect(await json('/core-status')).toEqual({ healthy: true, userCount: 3 })
  clock.advance(1)
  expect(await json('/core-status')).toEqual({ healthy: false, userCount: 3 })
  cell.discovery(clock.now() + 10_000_000, 4)
  await bus.flush()
  clock.advance(90_000)
  expect(await json('/core-status')).toEqual({ healthy: false, userCount: 4 })
})

test('stats of a realm cover every cell, keep islands with the same id apart and count each cell by its last message', async (t) => {
  const { bus, clock, json } = await aStats(t, { BUS_SCOPE: 'ns.city.*' })
  const [west, east, otherRealm] = [publishers(bus, 'ns.city.0'), publishers(bus, 'ns.city.1'), publishers(bus, 'ns.other.0')]
  west.heartbeat(ana, [0, 0, 0])
  east.heartbeat(ben, [0, 0, 0])
  otherRealm.heartbeat(cleo, [0, 0, 0])
  west.islands({ id: 'I1', peers: [ana] })
  east.islands({ id: 'I1', peers: [ben] })
  west.discovery(clock.now(), 1)
  east.discovery(clock.now(), 5)
  expect(await json('/islands')).toMatchObject({
    islands: [
      { id: 'I1', peers: [{ id: ana }] },
      { id: 'I1', peers: [{ id: ben }] },
    ],
  })
  expect(await json('/peers')).toMatchObject({ peers: [{ id: ana }, { id: ben }] })
  expect(await json('/core-status')).toEqual({ healthy: true, userCount: 6 })
  east.islands()
  expect(await json('/islands')).toMatchObject({ islands: [{ id: 'I1', peers: [{ id: ana }] }] })

  clock.advance(60_000)
  west.discovery(clock.now(), 7)
  clock.advance(30_000)
  expect(await json('/core-status')).toEqual({ healthy: true, userCount: 7 })
  expect(await json('/cells')).toEqual({
    ok: true,
    cells: [
      { slot: 0, healthy: true, userCount: 7 },
      { slot: 1, healthy: false, userCount: 5 },
    ],
  })
})

test('a late disconnect message from the previous cell of a peer does not remove it from its new cell', async (t) => {
  const { bus, json } = await aStats(t, { BUS_SCOPE: 'ns.city.*' })
  publishers(bus, 'ns.city.0').heartbeat(ana, [0, 0, 0])
  publishers(bus, 'ns.city.1').heartbeat(ana, [32, 0, 0])
  publishers(bus, 'ns.city.0').disconnect(ana)
  expect(await json('/peers')).toMatchObject({ peers: [{ id: ana, parcel: [2, 0] }] })
})

test('malformed messages and positions that are not finite are counted and change nothing', async (t) => {
  const { bus, json, metrics } = await aStats(t)
  const cell = publishers(bus, '')
  cell.heartbeat(ana, [8, 0, 8])
  const garbage = new Uint8Array([1, 2, 3, 4, 5, 6])
  bus.publish(`peer.${ben}.heartbeat`, garbage)
  bus.publish('peer.not-a-wallet.heartbeat', new Uint8Array())
  cell.heartbeat(ben, [Number.NaN, 0, 0])
  cell.heartbeat(ana, [0, Number.POSITIVE_INFINITY, 0])
  bus.publish('peer.not-a-wallet.disconnect', garbage)
  bus.publish('engine.islands', garbage)
  bus.publish('engine.discovery', garbage)
  bus.publish('engine.discovery', new Uint8Array())
  bus.publish(`peer.${ben}.heartbeat`, new Uint8Array()) // valid, but without a position there is nothing to show
  expect(await json('/peers')).toMatchObject({ peers: [{ id: ana, position: [8, 0, 8] }] })
  const counted = await metrics.registry.metrics()
  for (const line of ['heartbeat"} 4', 'disconnect"} 1', 'islands"} 1', 'discovery"} 2']) {
    expect(counted).toContain(`realm_stats_bus_malformed_total{kind="${line}`)
  }
})

test('HEAD works on every GET route, other methods get 405 with Allow, other paths a plain 404', async (t) => {
  const { bus, get } = await aStats(t)
  publishers(bus, '').heartbeat(ana, [8, 0, 8])
  const paths = ['/peers', `/peers/${ana}`, '/parcels', '/islands', '/hot-scenes', '/core-status', '/status', '/stats/status']
  for (const path of [...paths, '/health/live', '/health/ready', '/health/startup', '/metrics']) {
    const head = await get(path, { method: 'HEAD' })
    expect([path, head.status, await head.text()]).toEqual([path, 200, ''])
  }
  for (const path of paths) {
    const refused = await get(path, { method: 'POST', body: '{}' })
    expect([path, refused.status, refused.headers.get('allow')]).toEqual([path, 405, 'HEAD, GET'])
  }
  for (const path of ['/', '/comms', '/comms/status', '/nothing', '/peers/%zz', `/peers/${'x'.repeat(500)}`]) {
    const missing = await get(path)
    expect([path, missing.status, await missing.text()]).toEqual([path, 404, 'Not found'])
  }
})

test('status shows the build to any origin, and the other routes allow the requesting origin', async (t) => {
  const { clock, get } = await aStats(t, { CURRENT_VERSION: '1.2.3', COMMIT_HASH: 'abc' })
  const status = await get('/status')
  expect(status.headers.get('access-control-allow-origin')).toBe('*')
  expect(await status.json()).toEqual({
    version: '1.2.3',
    currentTime: clock.now(),
    commitHash: 'abc',
    realms: [{ name: 'main', peers: 0 }],
  })
  const peers = await get('/peers', { headers: { origin: 'https://play.example' } })
  expect(peers.headers.get('access-control-allow-origin')).toBe('https://play.example')
  expect(await (await get('/health/live')).text()).toBe('alive')
})

test('a long answer is not rebuilt for every client while all peers move', async (t) => {
  const { bus, clock, get } = await aStats(t)
  const cell = publishers(bus, '')
  for (let n = 0; n < 2000; n++) cell.heartbeat(peerId(n), [n, 0, 0])
  const before = await (await get('/peers')).text()
  cell.heartbeat(peerId(0), [0, 0, 999])
  expect(await (await get('/peers')).text()).toBe(before)
  clock.advance(100)
  expect(await (await get('/peers')).text()).not.toBe(before)
})
