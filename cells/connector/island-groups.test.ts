import { expect, test } from 'vitest'
import { connectorOf } from '../wire/connector-id.ts'
import { withFencingToken } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { anyIslandGroup } from '../wire/island-group.fixtures.ts'
import { IslandGroupWriter } from '../wire/island-group.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { encodePeerList } from '../wire/peer-list.ts'
import { decodeConnect } from '../wire/session-messages.ts'
import { decodeSessionPage, encodeSyncRequest } from '../wire/state-sync.ts'
import { subjects } from '../wire/subjects.ts'
import { aConnector, type TestConnector, until } from './fixtures.ts'

const [FIRST_TERM, SECOND_TERM] = ['000000001-a', '000000002-b']
const at = subjects('')
const STRANGER: PeerId = `0x${'9'.repeat(40)}`

/** The id under which a connector issues its sessions, as archipelagos learn it. */
function idOf({ published }: TestConnector) {
  const connect = published.find(({ topic }) => topic === 'connect')
  const id = connectorOf(decodeConnect(connect?.payload ?? Buffer.alloc(0))?.session ?? '')
  if (!id) throw new Error('the session names no connector')
  return id
}

const positionOf = (peer: PeerId) => ({ peer, position: { x: 1, y: 2, z: 3 } })
const ownFields = (peer: PeerId, islandId: string) => ({ islandId, connStr: `test:${peer}`, fromIslandId: 'before' })

/** A group of an island whose list holds the members; each finds itself once more behind it. */
function aGroup(islandId: string, peers: readonly PeerId[], term: FencingToken): Uint8Array {
  const group = new IslandGroupWriter()
  group.begin(islandId, encodePeerList(peers.map(positionOf)))
  for (const peer of peers) group.add(peer, ownFields(peer, islandId), encodePeerList([positionOf(peer)]))
  return withFencingToken(group.message, term)
}

test('each player of a group is sent the packet that a message of their own makes', async () => {
  const connector = await aConnector()
  const [anna, ben] = [await connector.join(), await connector.join()]
  const peers = [anna.peer, STRANGER, ben.peer]
  connector.bus.publish(at.islandGroup(idOf(connector)), aGroup('island-1', peers, FIRST_TERM))
  for (const player of [anna, ben]) {
    const inGroup = await player.nextIsland(5_000)
    const position = { x: 1, y: 2, z: 3 }
    expect(inGroup).toEqual({
      ...ownFields(player.peer, 'island-1'),
      peers: Object.fromEntries(peers.map((peer) => [peer, position])),
    })
    connector.bus.publish(at.islandChanged(player.peer), withFencingToken(busPayloads.encodeIslandChanged(inGroup), FIRST_TERM))
    expect(await player.nextIsland(5_000)).toEqual(inGroup)
  }
  expect(await connector.metric('island_changes_total{outcome="delivered"}')).toBe(4)
})

test('a group is for the connector that its subject names', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  connector.bus.publish(at.islandGroup('k00000000000a'), aGroup('elsewhere', [player.peer], FIRST_TERM))
  connector.bus.publish(at.islandGroup(idOf(connector)), aGroup('here', [player.peer], FIRST_TERM))
  expect((await player.nextIsland(5_000)).islandId).toBe('here')
})

test('a group of an archipelago that another one took over from is ignored', async () => {
  const connector = await aConnector()
  const [anna, ben] = [await connector.join(), await connector.join()]
  const subject = at.islandGroup(idOf(connector))
  connector.place(anna.peer, 'new', 0, SECOND_TERM)
  connector.bus.publish(subject, aGroup('stale', [anna.peer, ben.peer], FIRST_TERM))
  connector.bus.publish(subject, aGroup('newer', [anna.peer, ben.peer], SECOND_TERM))
  expect([(await anna.nextIsland(5_000)).islandId, (await anna.nextIsland(5_000)).islandId]).toEqual(['new', 'newer'])
  expect((await ben.nextIsland(5_000)).islandId).toBe('newer')
  expect(await connector.metric('island_changes_total{outcome="stale"}')).toBe(2)
})

test('a connector reports the room of a group to archipelagos that ask for its sessions', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  connector.bus.publish(at.islandGroup(idOf(connector)), aGroup('island-1', [player.peer], FIRST_TERM))
  await player.nextIsland(5_000)
  const pages: ReturnType<typeof decodeSessionPage>[] = []
  connector.bus.subscribe(at.syncReply('requester'), (payload) => pages.push(decodeSessionPage(payload)))
  connector.bus.publish(at.syncRequest, encodeSyncRequest('requester'))
  await until(() => expect(pages).toMatchObject([{ entries: [{ peer: player.peer, room: 'island-1', term: FIRST_TERM }] }]))
})

test('hostile groups end nothing, and honest ones are still sent', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  const subject = at.islandGroup(idOf(connector))
  const honest = aGroup('island-1', [player.peer], FIRST_TERM)
  const long = anyIslandGroup({
    room: 'island-1',
    list: Buffer.alloc(500_000),
    members: Array.from({ length: 100 }, () => ({ peer: player.peer, before: Buffer.alloc(0) })),
  })
  const hostile = [Buffer.alloc(0), Buffer.from('nonsense'), honest.subarray(0, 20), Buffer.alloc(1_000_000, 0x0a), long]
  for (const payload of hostile) connector.bus.publish(subject, payload)
  connector.bus.publish(subject, honest)
  expect((await player.nextIsland(5_000)).islandId).toBe('island-1')
  expect(player.islands).toHaveLength(1)
  expect(await connector.metric('island_changes_total{outcome="malformed"}')).toBe(hostile.length)
  expect(await connector.metric('bugs_total{scope="message"}')).toBe(0)
})
