import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { MAX_HOT_SCENES } from '../wire/hot-scene.ts'
import { hotPointers, hotScenes, MAX_POINTERS } from './core/hot-scenes.ts'
import { aStats, peerId, publishers } from './fixtures.ts'

const onParcel = (x: number, y: number, peersCount: number) => ({ peersCount, parcel: { x, y } })
const aScene = (id: string, parcels: string[], display: Record<string, unknown> = {}) => ({
  id,
  content: [{ file: 'images/map.png', hash: 'bafkthumb' }],
  metadata: { display, scene: { base: parcels[0], parcels } },
})

test('the scenes with most players come first, counted over all of their parcels', () => {
  const plaza = aScene('plaza', ['0,0', '0,1'], { title: 'Plaza', navmapThumbnail: 'images/map.png', description: 'Fountain' })
  const cafe = { ...aScene('cafe', ['-3,7']), metadata: { ...aScene('', ['-3,7']).metadata, contact: { name: 'Ada' } } }
  expect(
    hotScenes([onParcel(-3, 7, 2), onParcel(0, 0, 1), onParcel(0, 1, 4)], [cafe, plaza, plaza], 'https://c.example'),
  ).toEqual([
    {
      id: 'plaza',
      name: 'Plaza',
      baseCoords: [0, 0],
      usersTotalCount: 5,
      parcels: [
        [0, 0],
        [0, 1],
      ],
      thumbnail: 'https://c.example/contents/bafkthumb',
      description: 'Fountain',
    },
    { id: 'cafe', baseCoords: [-3, 7], usersTotalCount: 2, parcels: [[-3, 7]], creator: 'Ada' },
  ])
})

test('absolute thumbnails are kept, thumbnails that are no file of the scene are left out', () => {
  const parcels = [onParcel(0, 0, 1)]
  const thumbnailOf = (navmapThumbnail: string) =>
    hotScenes(parcels, [aScene('s', ['0,0'], { navmapThumbnail })], 'https://c.example')[0]?.thumbnail
  expect(thumbnailOf('https://img.example/x.png')).toBe('https://img.example/x.png')
  expect(thumbnailOf('missing.png')).toBeUndefined()
})

test('entities of a content server that are not valid scenes are skipped', () => {
  const invalid = [null, 7, 'x', {}, { id: 'a' }, { id: 'b', metadata: { scene: { base: '0,0' } } }, aScene('', ['0,0'])]
  expect(hotScenes([onParcel(0, 0, 1)], [...invalid, aScene('bad', ['a,b']), aScene('ok', ['0,0', 'x', ''])], '')).toMatchObject([
    { id: 'ok', parcels: [[0, 0]] },
  ])
  expect(hotScenes([onParcel(0, 0, 1)], { not: 'a list' }, '')).toEqual([])
})

test('at most a hundred scenes are listed, and the request is limited to a number of parcels on the map', () => {
  const parcels = Array.from({ length: MAX_POINTERS + 50 }, (_, x) => onParcel(x, 0, x))
  const scenes = parcels.map(({ parcel: { x } }) => aScene(`s${x}`, [`${x},0`]))
  expect(hotScenes(parcels, scenes, '')).toHaveLength(MAX_HOT_SCENES)
  const pointers = hotPointers([...parcels, onParcel(1e30, 0, 1e9)])
  expect(pointers).toHaveLength(MAX_POINTERS)
  expect(pointers[0]).toBe(`${MAX_POINTERS + 49},0`)
})

test('hot scenes come from a cache that survives an outage of the content server, and no request queries it', async (t) => {
  let requests: unknown[] = []
  let respond: (received: unknown) => [number, string] = () => [
    200,
    JSON.stringify([aScene('plaza', ['0,0'], { title: 'Plaza' })]),
  ]
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const received = [request.method, request.url, JSON.parse(Buffer.concat(chunks).toString())]
    requests.push(received)
    const [status, body] = respond(received)
    response.writeHead(status).end(body)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { bus, clock, json, metrics } = await aStats(t, {
    CONTENT_URL: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/content/`],
  })
  publishers(bus, '').heartbeat(peerId(1), [8, 0, 8])
  expect(await json('/hot-scenes')).toEqual([])
  expect(requests).toEqual([])

  const hot = [{ id: 'plaza', name: 'Plaza', baseCoords: [0, 0], usersTotalCount: 1, parcels: [[0, 0]] }]
  clock.advance(12_000)
  await expect.poll(() => json('/hot-scenes')).toEqual(hot)
  expect(requests).toEqual([['POST', '/content/entities/active', { pointers: ['0,0'] }]])

  const failures = ['realm_stats_content_failures_total 1', 'realm_stats_content_failures_total 2']
  for (const [n, broken] of [[500, '[]'] as [number, string], [200, '<html>'] as [number, string]].entries()) {
    requests = []
    respond = () => broken
    clock.advance(12_000)
    await vi.waitFor(async () => expect(await metrics.registry.metrics()).toContain(failures[n]))
    expect(requests).toHaveLength(1)
    expect(await json('/hot-scenes')).toEqual(hot)
  }
})

test('names and thumbnails come from whichever content server answers, and that one is asked first from then on', async (t) => {
  const requests: string[] = []
  const aContentServer = async (name: string) => {
    const state = { status: 200 }
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        requests.push(name)
        const scene = aScene(`of-${name}`, ['0,0'], { title: name, navmapThumbnail: 'images/map.png' })
        response.writeHead(state.status).end(JSON.stringify([scene]))
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => {
      server.close().closeAllConnections()
    })
    return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }
  const [first, second] = [await aContentServer('first'), await aContentServer('second')]
  first.state.status = 503
  const { bus, clock, json } = await aStats(t, { CONTENT_URL: ['http://127.0.0.1:1', first.url, second.url] })
  publishers(bus, '').heartbeat(peerId(1), [8, 0, 8])
  await bus.flush()
  const of = (name: string, { url }: { url: string }) => [{ name, thumbnail: `${url}/contents/bafkthumb` }]
  clock.advance(12_000)
  await expect.poll(() => json('/hot-scenes')).toMatchObject(of('second', second))
  expect(requests).toEqual(['first', 'second'])
  first.state.status = 200
  clock.advance(12_000)
  await expect.poll(() => requests).toEqual(['first', 'second', 'second'])
  second.state.status = 503
  clock.advance(12_000)
  await expect.poll(() => json('/hot-scenes')).toMatchObject(of('first', first))
})

test('without a content server no scene is hot', async (t) => {
  const { bus, json } = await aStats(t)
  publishers(bus, '').heartbeat(peerId(1), [8, 0, 8])
  expect(await json('/hot-scenes')).toEqual([])
})
