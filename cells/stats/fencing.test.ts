import { expect, test } from 'vitest'
import { withFencingToken, withPart } from '../wire/extension-fields.ts'
import { busPayloads } from '../wire/packets.ts'
import { encodeDisconnect } from '../wire/session-messages.ts'
import { subjects } from '../wire/subjects.ts'
import { aStats, peerId } from './fixtures.ts'

const [OLDER, NEWER] = ['000000001-a', '000000002-b']
const at = subjects('')
const [A, B] = [peerId(1), peerId(2)]
const heartbeat = (x: number) => busPayloads.encodeHeartbeat({ position: { x, y: 0, z: 0 } })
const anIsland = (id: string) => ({ id, peers: [A], maxPeers: 100, center: { x: 0, y: 0, z: 0 }, radius: 0 })
const report = (...ids: string[]) => busPayloads.encodeIslands({ data: ids.map(anIsland) })
const ids = async (stats: Awaited<ReturnType<typeof aStats>>) =>
  ((await stats.json('/islands')) as { islands: { id: string }[] }).islands.map(({ id }) => id)

test('the late end of an old session does not remove a peer that has reconnected', async (context) => {
  const stats = await aStats(context)
  stats.bus.publish(at.heartbeat(A), withFencingToken(heartbeat(1), OLDER))
  stats.bus.publish(at.heartbeat(A), withFencingToken(heartbeat(2), NEWER))
  stats.bus.publish(at.disconnect(A), encodeDisconnect({ session: OLDER, reason: 'dropped' }))
  stats.bus.publish(at.heartbeat(A), withFencingToken(heartbeat(3), OLDER))
  expect(await stats.json('/peers')).toMatchObject({ peers: [{ id: A, position: [2, 0, 0] }] })
  stats.bus.publish(at.disconnect(A), encodeDisconnect({ session: NEWER, reason: 'left' }))
  expect(await stats.json('/peers')).toMatchObject({ peers: [] })
})

test('messages of connectors without sessions are processed', async (context) => {
  const stats = await aStats(context)
  stats.bus.publish(at.heartbeat(B), withFencingToken(heartbeat(1), NEWER))
  stats.bus.publish(at.heartbeat(B), heartbeat(2))
  stats.bus.publish(at.disconnect(B), new Uint8Array())
  expect(await stats.json('/peers')).toMatchObject({ peers: [] })
})

test('reports of an archipelago that another one took over from are ignored', async (context) => {
  const stats = await aStats(context)
  stats.bus.publish(at.islands, withFencingToken(report('old'), OLDER))
  expect(await ids(stats)).toEqual(['old'])
  stats.bus.publish(at.islands, withFencingToken(report('new'), NEWER))
  stats.bus.publish(at.islands, withFencingToken(report('stale'), OLDER))
  const status = { currentTime: stats.clock.now(), commitHash: undefined, userCount: 7 }
  stats.bus.publish(at.discovery, withFencingToken(busPayloads.encodeDiscovery({ serverName: 'archipelago', status }), OLDER))
  expect(await ids(stats)).toEqual(['new'])
  expect(await stats.json('/core-status')).toMatchObject({ userCount: 0 })
})

test('a report in several messages is shown once it is complete', async (context) => {
  const stats = await aStats(context)
  const part = (index: number, ...islands: string[]) =>
    withFencingToken(withPart(report(...islands), { message: 1, index, count: 2 }), NEWER)
  stats.bus.publish(at.islands, report('before'))
  stats.bus.publish(at.islands, part(0, 'one', 'two'))
  expect(await ids(stats)).toEqual(['before'])
  stats.bus.publish(at.islands, part(1, 'three'))
  expect(await ids(stats)).toEqual(['one', 'two', 'three'])
})
