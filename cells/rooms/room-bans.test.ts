import { afterEach, describe, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { aWebServer } from '../../testing/web-server.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { connect, joinRoom, signIn, startTestRooms } from './fixtures.ts'

const [ada, bob] = [createWallet('ada'), createWallet('bob')]
const DEADLINE = { timeout: 15_000, interval: 10 }
/** So rare that no sweep but the first one happens. */
const NEVER_MS = 80_000_000

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

/** Rooms whose gatekeeper answers as the test says. */
async function open(intervalMs = NEVER_MS) {
  const kicked: { address: string; secondsAgo: number }[] = []
  const gatekeeper = { banned: new Set<string>(), kicked, version: 1, isAway: false, queries: 0 }
  const url = await aWebServer((path) => {
    if (gatekeeper.isAway) return { status: 503, json: {} }
    const version = String(gatekeeper.version)
    if (path.endsWith('/version')) return { json: { data: { version } } }
    if (path === '/users/bans') {
      gatekeeper.queries++
      return { json: { data: { banned: [...gatekeeper.banned], kicked, version } } }
    }
    return { json: { data: { isBanned: gatekeeper.banned.has(path.split('/')[2] ?? '') } } }
  })
  server = await startTestRooms({ refused: { COMMS_GATEKEEPER_URL: url, BAN_SWEEP_INTERVAL_MS: intervalMs } })
  return { gatekeeper, ...server }
}

const BANNED = { code: 1008, reason: 'banned' }

test('a player who is kicked is out of every room once, and let in again', async () => {
  const { gatekeeper, url, admit, clock, rooms } = await open()
  await admit(ada.peer, 'island-1')
  await admit(ada.peer, 'scene-1', 'scene')
  const sockets = [await joinRoom(url, 'island-1', ada), await joinRoom(url, 'scene-1', ada)]
  clock.advance(2_000)
  gatekeeper.kicked.push({ address: ada.peer, secondsAgo: 0.5 })
  gatekeeper.version++
  await vi.waitFor(() => {
    clock.advance(10)
    for (const socket of sockets) expect(socket.unread()).toContain('peerKicked')
  }, DEADLINE)
  for (const socket of sockets) expect(await socket.closed).toEqual({ code: 1008, reason: 'kicked' })
  await joinRoom(url, 'island-1', ada)
  const asked = gatekeeper.queries
  gatekeeper.version++
  await vi.waitFor(() => {
    clock.advance(10)
    expect(gatekeeper.queries).toBeGreaterThan(asked)
  }, DEADLINE)
  expect(rooms.members('island-1')).toEqual([ada.peer])
})

describe('a player who is banned', () => {
  test('is out of every room without another sweep, and not let in again by what it was admitted to before', async () => {
    const { gatekeeper, url, admit, clock, rooms } = await open()
    for (const [peer, room] of [
      [ada.peer, 'island-1'],
      [bob.peer, 'island-1'],
    ] as const)
      await admit(peer, room)
    await admit(bob.peer, 'scene-1', 'scene')
    const [first, second, inScene] = [
      await joinRoom(url, 'island-1', ada),
      await joinRoom(url, 'island-1', bob),
      await joinRoom(url, 'scene-1', bob),
    ]
    gatekeeper.banned.add(bob.peer)
    gatekeeper.version++
    await vi.waitFor(() => {
      clock.advance(10)
      expect(second.unread()).toContain('peerKicked')
      expect(inScene.unread()).toContain('peerKicked')
    }, DEADLINE)
    expect([await second.closed, await inScene.closed]).toEqual([BANNED, BANNED])
    await first.next('peerJoinMessage')
    await first.next('peerLeaveMessage')
    expect([rooms.members('island-1'), rooms.members('scene-1')]).toEqual([[ada.peer], []])

    const again = await signIn(url, 'island-1', bob)
    expect((await again.next('peerKicked')).peerKicked.reason).toBe('you are banned')
    expect(await again.closed).toEqual(BANNED)

    gatekeeper.isAway = true
    expect(await (await signIn(url, 'island-1', bob)).closed).toEqual(BANNED)
    expect(rooms.members('island-1')).toEqual([ada.peer])

    gatekeeper.isAway = false
    gatekeeper.banned.clear()
    await joinRoom(url, 'island-1', bob)
  })

  test('is out while it waits for its admission', async () => {
    const { gatekeeper, url, clock } = await open()
    const waiting = await signIn(url, 'island-1', bob)
    await waiting.received()
    gatekeeper.banned.add(bob.peer)
    gatekeeper.version++
    await vi.waitFor(() => {
      clock.advance(1)
      expect(waiting.unread()).toEqual(['peerKicked'])
    }, DEADLINE)
    expect(await waiting.closed).toEqual(BANNED)
  })

  test('is found by the next sweep, whatever is said of the version', async () => {
    const { gatekeeper, url, admit, clock } = await open(30_000)
    await admit(bob.peer, 'island-1')
    const member = await joinRoom(url, 'island-1', bob)
    gatekeeper.banned.add(bob.peer)
    clock.advance(40_000)
    expect(await member.closed).toEqual(BANNED)
  })
})

test('a wallet on the deny list gets no challenge', async () => {
  const list = await aWebServer(() => ({ json: { users: [{ wallet: bob.address }] } }))
  server = await startTestRooms({ refused: { DENYLIST_URL: list, BAN_SWEEP_INTERVAL_MS: NEVER_MS } })
  await vi.waitFor(async () => expect(await server.metric('denied_wallets ')).toContain('realm_rooms_denied_wallets 1'), DEADLINE)
  const client = await connect(server.url, '/rooms/island-1')
  client.send(roomPackets.identification(bob.address))
  expect(await client.closed).toEqual({ code: 1008, reason: 'not admitted' })
})

test('a member who comes on the deny list is out of the room', async () => {
  const users: { wallet: string }[] = []
  const list = await aWebServer(() => (users.length > 0 ? { json: { users } } : { status: 503, json: {} }))
  server = await startTestRooms({ refused: { DENYLIST_URL: list, BAN_SWEEP_INTERVAL_MS: NEVER_MS } })
  for (const { peer } of [ada, bob]) await server.admit(peer, 'island-1')
  const [, denied] = [await joinRoom(server.url, 'island-1', ada), await joinRoom(server.url, 'island-1', bob)]
  users.push({ wallet: bob.address })
  server.clock.advance(40_000) // until it is tried again
  expect(await denied.closed).toEqual({ code: 1008, reason: 'not admitted' })
  expect(server.rooms.members('island-1')).toEqual([ada.peer])
})
