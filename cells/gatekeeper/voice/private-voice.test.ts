import { expect, type TestContext, test } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import type { Storage } from '../adapters/storage.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { aGatekeeper } from '../fixtures.ts'
import { aVoiceWorld, claimsOf } from './fixtures.ts'

const [ana, ben] = [`0x${'Aa'.repeat(20)}`, `0x${'bB'.repeat(20)}`]
const [cem, dan] = [`0x${'cc'.repeat(20)}`, `0x${'dd'.repeat(20)}`]
const MODERATOR_TOKEN = 'moderators-token-0123'
const MINUTE = 60_000
const room = (id: string) => `voice-chat-private-${id}`

async function aCallWorld(t: TestContext, storage: Storage | undefined, more: Parameters<typeof aGatekeeper>[1] = {}) {
  const world = await aVoiceWorld(t, storage, more)
  const { call } = world
  const start = (id: string, pair: readonly string[] = [ana, ben]) =>
    call('POST', '/private-voice-chat', { user_addresses: pair, room_id: id })
  /** The connection URLs of a new call, in the order of the pair. */
  const urls = async (id: string, pair: readonly string[] = [ana, ben]): Promise<string[]> => {
    const [, body] = await start(id, pair)
    return pair.map(
      (address) => (body as Record<string, { connection_url: string }>)[address.toLowerCase()]?.connection_url ?? '',
    )
  }
  /** A call in which both are. */
  async function talking(id: string, pair?: readonly string[]) {
    const entered = (await urls(id, pair)).map(world.enter)
    for (const event of entered) expect(await world.deliver(event)).toBe(200)
    return entered as [(typeof entered)[0], (typeof entered)[0]]
  }
  const isIn = async (address: string) =>
    ((await call('GET', `/users/${address}/voice-chat-status`))[1] as { is_user_in_voice_chat: boolean }).is_user_in_voice_chat
  const end = (id: string, address: string) => call('DELETE', `/private-voice-chat/${id}`, { address })
  return { ...world, start, urls, talking, isIn, end }
}

onEachDatabase('calls of two people', (empty) => {
  test('each of the two gets a token to talk with, and both count as in a call until they hang up', async (t) => {
    const { start, isIn, end, rooms, talking, requests } = await aCallWorld(t, await empty())
    expect(await isIn(ana)).toBe(false)
    const [status, body] = await start('c1')
    const answer = body as Record<string, { connection_url: string }>
    expect([status, Object.keys(answer)]).toEqual([200, [ana, ben].map((address) => address.toLowerCase())])
    const url = answer[ana.toLowerCase()]?.connection_url ?? ''
    expect(url).toMatch(/^livekit:wss:\/\/livekit\.example\.org\?access_token=/)
    expect(claimsOf(url)).toMatchObject({
      sub: ana.toLowerCase(),
      video: {
        ...{ room: room('c1'), roomJoin: true, canPublish: true, canSubscribe: true, canPublishData: true },
        ...{ canUpdateOwnMetadata: false, canPublishSources: ['microphone'] },
      },
    })
    expect([await isIn(ana), await isIn(ana.toLowerCase()), await isIn(ben), await isIn(cem)]).toEqual([true, true, true, false])

    await talking('c1')
    expect(await end('c1', cem)).toEqual([404, { error: 'Room c1 does not exist' }])
    expect(await end('c1', ben)).toEqual([200, { users_in_voice_chat: [ana, ben].map((address) => address.toLowerCase()) }])
    expect([await isIn(ana), rooms.has(room('c1')), requests.includes(`DeleteRoom ${room('c1')}`)]).toEqual([false, false, true])
    expect((await end('c1', ben))[0]).toBe(404)
  })

  test('a call is started once for a pair, and never taken over by another one', async (t) => {
    const { start, talking, isIn } = await aCallWorld(t, await empty())
    await talking('c1')
    expect((await start('c1', [ben, ana]))[0]).toBe(200)
    expect(await start('c1', [ana, cem])).toEqual([
      409,
      { error: 'Conflict', message: 'The voice chat c1 is one of other people' },
    ])
    expect(await isIn(cem)).toBe(false)
    const starts = await Promise.all([start('c2'), start('c2', [cem, ben]), start('c2', [ana, cem])])
    expect(starts.map(([status]) => status).sort()).toEqual([200, 409, 409])
  })

  test('no call is started with a player who is banned, or whose last device is', async (t) => {
    const { start, url, storage } = await aCallWorld(t, await empty(), { config: { MODERATOR_TOKEN } })
    const headers = { authorization: `Bearer ${MODERATOR_TOKEN}` }
    const ban = async (method: string, address: string) => {
      const body = JSON.stringify({ reason: 'spam' })
      const answer = await fetch(`${url}/users/${address}/bans?moderator=ruth`, {
        method,
        headers,
        ...(method === 'POST' && { body }),
      })
      expect(answer.ok).toBe(true)
    }
    const refused = [403, { error: 'Access denied, platform-banned user' }]
    await storage.recordConnections(
      [ana, cem].map((address) => ({ address: address.toLowerCase() as PeerId, ipAddress: undefined, deviceId: 'phone' })),
      1,
    )
    expect((await start('c1'))[0]).toBe(200)
    await ban('POST', ana)
    expect([await start('c2'), await start('c3', [ben, ana]), await start('c4', [ben, cem])]).toEqual([refused, refused, refused])
    await ban('DELETE', ana)
    expect((await start('c2'))[0]).toBe(200)
  })

  test('a call is over when one of the two hangs up or is removed, and not when a connection is lost or replaced', async (t) => {
    const { talking, leave, deliver, rooms, isIn } = await aCallWorld(t, await empty())
    for (const [reason, over] of [
      ['client initiated', true],
      ['participant removed', true],
      ['signal close', false],
      ['duplicate identity', false],
    ] as const) {
      const [event] = await talking(reason)
      await deliver(leave(event, reason))
      expect([reason, rooms.has(room(reason)), await isIn(ana), await isIn(ben)]).toEqual([reason, !over, !over, !over])
    }
  })

  test('one whose connection was interrupted has five minutes to come back', async (t) => {
    const { talking, leave, deliver, enter, isIn, pass, urls, rooms } = await aCallWorld(t, await empty())
    const [event] = await talking('c1')
    await deliver(leave(event, 'signal close'))
    await pass(4 * MINUTE)
    expect(await isIn(ana)).toBe(true)
    const [url = ''] = await urls('c1')
    await deliver(enter(url))
    await pass(6 * MINUTE)
    expect([await isIn(ana), rooms.get(room('c1'))?.size]).toEqual([true, 2])
    const [again] = await talking('c1')
    await deliver(leave(again, 'signal close'))
    await pass(5 * MINUTE)
    expect(rooms.has(room('c1'))).toBe(false)
    expect([await isIn(ana), await isIn(ben)]).toEqual([false, false])
  })

  test('a call that one of the two never joins ends after five minutes', async (t) => {
    const { urls, enter, deliver, isIn, pass, rooms, end } = await aCallWorld(t, await empty())
    const [url = ''] = await urls('c1')
    await deliver(enter(url))
    await pass(4 * MINUTE)
    expect(await isIn(ben)).toBe(true)
    await pass(MINUTE)
    expect([rooms.has(room('c1')), (await end('c1', ana))[0]]).toEqual([false, 404])
  })

  test('who joins another call has left the one before, which ends', async (t) => {
    const { talking, urls, enter, deliver, rooms, isIn } = await aCallWorld(t, await empty())
    await talking('c1')
    const [url = ''] = await urls('c2', [ana, cem])
    expect(await deliver(enter(url))).toBe(200)
    expect([rooms.has(room('c1')), rooms.has(room('c2')), await isIn(ana)]).toEqual([false, true, true])
  })

  test('an old token opens no call that is over, and no other wallet gets into one', async (t) => {
    const { urls, talking, end, enter, deliver, rooms } = await aCallWorld(t, await empty())
    const [old = ''] = await urls('c1')
    await talking('c1')
    await end('c1', ana)
    await deliver(enter(old))
    expect(rooms.has(room('c1'))).toBe(false)
    await talking('c2')
    const [event] = (await urls('c3', [cem, ana])).map(enter)
    await deliver({ ...(event as NonNullable<typeof event>), room: { name: room('c2') } })
    expect([...(rooms.get(room('c2'))?.keys() ?? [])]).toEqual([ana, ben].map((address) => address.toLowerCase()))
  })

  test('a connection that was lost and made anew counts as one, in whatever order webhooks arrive, and doubled', async (t) => {
    const { urls, enter, leave, deliver, isIn, pass, clock, rooms } = await aCallWorld(t, await empty())
    const orders = [
      [0, 1, 2],
      [1, 0, 2],
      [1, 2, 0],
      [0, 2, 1],
      [2, 1, 0],
    ]
    const players = orders.map((_, n) => `0x${String(n).repeat(40)}`)
    for (const [n, order] of orders.entries()) {
      const [mine = '', other = ''] = await urls(`c${n}`, [players[n] ?? '', `0x${String(n + 5).repeat(40)}`])
      await deliver(enter(other))
      const first = enter(mine)
      clock.advance(1_000)
      const lost = leave(first, 'signal close')
      clock.advance(1_000)
      const events = [first, lost, enter(mine)]
      for (const which of [...order, ...order]) expect(await deliver(events[which] as (typeof events)[0])).toBe(200)
    }
    await pass(6 * MINUTE)
    expect(await Promise.all(players.map(isIn))).toEqual(orders.map(() => true))
    expect(orders.map((_, n) => rooms.get(room(`c${n}`))?.size)).toEqual(orders.map(() => 2))
  })

  test('what lost webhooks would have told is found in LiveKit', async (t) => {
    const { urls, enter, leave, isIn, pass, rooms } = await aCallWorld(t, await empty())
    const [one] = (await urls('c1')).map(enter)
    await pass(6 * MINUTE)
    expect([await isIn(ana), await isIn(ben), rooms.get(room('c1'))?.size]).toEqual([true, true, 2])
    leave(one as NonNullable<typeof one>)
    await pass(MINUTE)
    expect(await isIn(ana)).toBe(true)
    await pass(5 * MINUTE)
    expect(rooms.has(room('c1'))).toBe(false)
    expect([await isIn(ana), await isIn(ben)]).toEqual([false, false])
  })

  test('the end of a room counts for those who were in it, and not for those who came after', async (t) => {
    const { talking, roomFinished, deliver, isIn, pass, urls, enter, clock } = await aCallWorld(t, await empty())
    await talking('c1')
    clock.advance(2_000)
    const finished = roomFinished(room('c1'))
    await deliver(finished)
    expect(await isIn(ana)).toBe(true)
    clock.advance(2_000)
    for (const url of await urls('c1')) await deliver(enter(url))
    await deliver(finished)
    await pass(6 * MINUTE)
    expect([await isIn(ana), await isIn(ben)]).toEqual([true, true])
  })

  test('a room that LiveKit deleted ends the call, unless it is an old one', async (t) => {
    const { talking, leave, deliver, isIn, start, clock } = await aCallWorld(t, await empty())
    const [event] = await talking('c1')
    const deleted = leave(event, 'room deleted')
    await deliver(deleted)
    expect(await isIn(ben)).toBe(false)
    clock.advance(5_000)
    await start('c1')
    await deliver(deleted)
    expect(await isIn(ben)).toBe(true)
  })

  test('while LiveKit does not answer no call ends by itself, and one that was ended is closed afterwards', async (t) => {
    const { talking, end, state, rooms, pass, isIn } = await aCallWorld(t, await empty())
    await talking('c1')
    await talking('c2', [cem, dan])
    state.isBroken = true
    expect((await end('c1', ana))[0]).toBe(200)
    await pass(6 * MINUTE)
    expect([rooms.has(room('c1')), await isIn(cem)]).toEqual([true, true])
    state.isBroken = false
    await pass(MINUTE)
    expect([rooms.has(room('c1')), rooms.has(room('c2'))]).toEqual([false, true])
  })

  test('two replicas that look at the same calls end each once, and one does so alone', async (t) => {
    const storage = await empty()
    const world = await aCallWorld(t, storage)
    const two = await aGatekeeper(t, { storage, clock: world.clock, config: { LIVEKIT_API_URL: world.api } })
    const events = await world.talking('c1')
    expect(await world.deliver(world.leave(events[1], 'signal close'), two.url)).toBe(200)
    await world.pass(5 * MINUTE)
    expect([world.rooms.has(room('c1')), await world.isIn(ana)]).toEqual([false, false])
  })
})

test.for([
  [{ broken: 'gone' }, 503, 'The bans have not been read yet'],
  [{ config: { DENYLIST_URL: 'http://127.0.0.1:9/' } }, 503, 'The deny list has not been read yet'],
  [{ config: { LIVEKIT_HOST: undefined } }, 501, 'This realm has no LiveKit, which this needs'],
] as const)('with %j no call is started', async ([options, status, error], t) => {
  const { start, isIn } = await aCallWorld(t, undefined, options)
  expect(await start('c1')).toEqual([status, { error }])
  if (status === 501) expect(await isIn(ana)).toBe(false)
})

test('a call without two different wallets or without a name is refused', async (t) => {
  const { call } = await aCallWorld(t, undefined)
  for (const body of [
    { room_id: 'c1' },
    { user_addresses: [ana], room_id: 'c1' },
    { user_addresses: [ana, ben, cem], room_id: 'c1' },
    { user_addresses: [ana, ana.toLowerCase()], room_id: 'c1' },
    { user_addresses: [ana, 'ben'], room_id: 'c1' },
    { user_addresses: [ana, ben], room_id: '  ' },
    { user_addresses: [ana, ben], room_id: 'a\0b' },
    { user_addresses: [ana, ben], room_id: 'x'.repeat(300) },
  ])
    expect(await call('POST', '/private-voice-chat', body)).toMatchObject([400, { ok: false, message: 'Invalid JSON body' }])
  expect(await call('GET', '/users/ana/voice-chat-status')).toEqual([400, { error: 'Invalid address' }])
  expect(await call('DELETE', '/private-voice-chat/c1', {})).toMatchObject([400, { ok: false }])
})
