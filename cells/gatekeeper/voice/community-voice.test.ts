import { expect, type TestContext, test } from 'vitest'
import type { Storage } from '../adapters/storage.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { aBan, aGatekeeper } from '../fixtures.ts'
import { aVoiceWorld, claimsOf } from './fixtures.ts'

const [owner, mod] = [`0x${'Aa'.repeat(20)}`, `0x${'bB'.repeat(20)}`]
const [cem, dan] = [`0x${'cc'.repeat(20)}`, `0x${'dd'.repeat(20)}`]
const MINUTE = 60_000
const room = (id: string) => `voice-chat-community-${id}`
const NOT_THERE = [404, { error: 'The player is not in the voice chat' }]
const SPEAKER = { canPublish: true, canSubscribe: true, canPublishData: true, canPublishSources: ['MICROPHONE'] }
const done = (message: string) => [200, { message }]

async function aCommunityWorld(t: TestContext, storage: Storage | undefined, more: Parameters<typeof aGatekeeper>[1] = {}) {
  const world = await aVoiceWorld(t, storage, more)
  const { call, rooms } = world
  const request = (action: string, user_address: string, user_role?: string, more: object = {}) =>
    call('POST', '/community-voice-chat', { community_id: 'c1', action, user_address, ...(user_role && { user_role }), ...more })
  const url = async (...question: Parameters<typeof request>) =>
    ((await request(...question))[1] as { connection_url: string }).connection_url
  /** A player gets a token and joins. */
  async function comes(...question: Parameters<typeof request>) {
    const event = world.enter(await url(...question))
    expect(await world.deliver(event)).toBe(200)
    return event
  }
  const change = (method: string, address: string, what: string, body?: unknown) =>
    call(method, `/community-voice-chat/c1/users/${address}${what}`, body)
  const status = async (id = 'c1') => (await call('GET', `/community-voice-chat/${id}/status`))[1]
  const isIn = async (address: string) =>
    ((await call('GET', `/users/${address}/community-voice-chat-status`))[1] as { isInCommunityVoiceChat: boolean })
      .isInCommunityVoiceChat
  const end = () => call('DELETE', '/community-voice-chat/c1', { user_address: owner })
  const inRoom = (address: string) => rooms.get(room('c1'))?.get(address.toLowerCase())
  const shown = (address: string): unknown => JSON.parse(inRoom(address)?.metadata ?? 'null')
  return { ...world, request, url, comes, change, status, isIn, end, inRoom, shown }
}

const memberCount = (participants: number, moderators: number) => ({
  ...{ active: moderators > 0, participant_count: participants, moderator_count: moderators },
})

onEachDatabase('voice chats of communities', (empty) => {
  test('who creates a chat speaks, and who joins it listens, a moderator too', async (t) => {
    const { url } = await aCommunityWorld(t, await empty())
    const profile_data = { name: 'Ana', has_claimed_name: true, profile_picture_url: 'https://example.org/a.png' }
    const claims = claimsOf(await url('create', owner, 'owner', { profile_data }))
    expect(claims).toMatchObject({
      sub: owner.toLowerCase(),
      video: {
        ...{ room: room('c1'), canPublish: true, canSubscribe: true, canPublishData: true, canUpdateOwnMetadata: false },
        canPublishSources: ['microphone'],
      },
    })
    expect(JSON.parse(claims.metadata ?? '')).toEqual({
      ...{ role: 'owner', isSpeaker: true, muted: false },
      ...{ name: 'Ana', hasClaimedName: true, profilePictureUrl: 'https://example.org/a.png' },
    })
    const others = [await url('join', mod, 'moderator'), await url('join', cem), await url('create', dan, 'member')].map(claimsOf)
    expect(others.map(({ video, metadata = '' }) => [video.canPublish, JSON.parse(metadata)])).toEqual([
      [false, { role: 'moderator', isSpeaker: false, muted: false }],
      [false, { role: 'none', isSpeaker: false, muted: false }],
      [false, { role: 'member', isSpeaker: false, muted: false }],
    ])
  })

  test('a chat is active while a moderator is in it, and is counted in every list', async (t) => {
    const { comes, url, call, status, isIn, deliver, leave } = await aCommunityWorld(t, await empty())
    expect([await status(), await isIn(cem)]).toEqual([memberCount(0, 0), false])
    const creator = await comes('create', owner, 'owner')
    await comes('join', cem)
    await url('join', mod, 'moderator')
    expect([await status(), await isIn(cem), await isIn(mod), await isIn(dan)]).toEqual([memberCount(3, 2), true, true, false])
    await call('POST', '/community-voice-chat', { community_id: 'b0', action: 'join', user_address: dan })
    expect(await call('POST', '/community-voice-chat/status', { community_ids: ['c1', 'a0', 'c1', 'b0'] })).toEqual([
      200,
      {
        data: [
          { community_id: 'a0', ...memberCount(0, 0) },
          { community_id: 'b0', ...memberCount(1, 0) },
          { community_id: 'c1', ...memberCount(3, 2) },
          { community_id: 'c1', ...memberCount(3, 2) },
        ],
      },
    ])
    expect(await call('GET', '/community-voice-chat/active')).toEqual([
      200,
      { data: [{ communityId: 'c1', participantCount: 3, moderatorCount: 2 }], total: 1 },
    ])
    await deliver(leave(creator))
    expect(await status()).toEqual(memberCount(2, 1))
  })

  test('a listener asks to speak, is promoted and demoted, and always has the whole set of permissions', async (t) => {
    const { comes, change, inRoom, shown } = await aCommunityWorld(t, await empty())
    await comes('create', owner, 'owner')
    await comes('join', cem, 'member', { profile_data: { name: 'Cem' } })
    const cemShows = { role: 'member', name: 'Cem', muted: false, isSpeaker: false }
    expect(shown(cem)).toEqual(cemShows)
    expect(await change('POST', cem, '/speak-request')).toEqual(done('Request to speak sent successfully'))
    expect(shown(cem)).toEqual({ ...cemShows, isRequestingToSpeak: true })
    expect(await change('DELETE', cem, '/speak-request')).toEqual(done('Speak request rejected successfully'))
    expect(shown(cem)).toEqual({ ...cemShows, isRequestingToSpeak: false })
    expect(await change('PATCH', cem, '/mute', { muted: true })).toEqual(done('User muted successfully'))
    expect(await change('POST', cem.toUpperCase().replace('0X', '0x'), '/speaker')).toEqual(
      done('User promoted to speaker successfully'),
    )
    expect(shown(cem)).toEqual({ ...cemShows, muted: true, isRequestingToSpeak: false, isSpeaker: true })
    expect(inRoom(cem)?.permission).toEqual(SPEAKER)
    expect(await change('PATCH', cem, '/mute', { muted: false })).toEqual(done('User unmuted successfully'))
    expect(inRoom(cem)?.permission).toEqual(SPEAKER)
    expect(await change('DELETE', cem, '/speaker')).toEqual(done('User demoted to listener successfully'))
    expect(shown(cem)).toEqual({ ...cemShows, isRequestingToSpeak: false })
    expect(inRoom(cem)?.permission).toEqual({ canSubscribe: true, canPublishData: true, canPublishSources: ['MICROPHONE'] })
    for (const [method, what, body] of [
      ['POST', '/speak-request'],
      ['DELETE', '/speak-request'],
      ['POST', '/speaker'],
      ['DELETE', '/speaker'],
      ['PATCH', '/mute', { muted: true }],
      ['DELETE', ''],
    ] as const)
      expect(await change(method, dan, what, body)).toEqual(NOT_THERE)
  })

  test('changes of one member at the same time, at several replicas, are all in the room in the end', async (t) => {
    const storage = await empty()
    const { comes, change, shown, api, clock } = await aCommunityWorld(t, storage)
    const config = { LIVEKIT_API_URL: api, COMMS_GATEKEEPER_AUTH_TOKEN: 'services-token-01234' }
    const two = await aGatekeeper(t, { storage, clock, config })
    await comes('create', owner, 'owner')
    await comes('join', cem)
    const headers = { authorization: `Bearer ${config.COMMS_GATEKEEPER_AUTH_TOKEN}` }
    const atOtherReplica = async (method: string, what: string) =>
      (await fetch(`${two.url}/community-voice-chat/c1/users/${cem}${what}`, { method, headers })).status
    const answers = await Promise.all([
      change('PATCH', cem, '/mute', { muted: true }),
      atOtherReplica('POST', '/speaker'),
      change('PATCH', cem, '/mute', { muted: true }),
    ])
    expect(answers.flat().filter((answer) => typeof answer === 'number')).toEqual([200, 200, 200])
    expect(shown(cem)).toEqual({ role: 'none', muted: true, isSpeaker: true, isRequestingToSpeak: false })
  })

  test('a moderator who comes back is what the moderator was, and no other member is', async (t) => {
    const { comes, change, url, leave, deliver } = await aCommunityWorld(t, await empty())
    const creator = await comes('create', owner, 'owner')
    await comes('join', mod, 'moderator')
    await comes('join', cem)
    for (const address of [mod, cem]) await change('POST', address, '/speaker')
    await deliver(leave(creator, 'signal close'))
    const speaks = async (...question: Parameters<typeof url>) => {
      const { metadata = '', video } = claimsOf(await url(...question))
      return [(JSON.parse(metadata) as { role: string }).role, video.canPublish]
    }
    expect(await speaks('join', owner)).toEqual(['owner', true])
    expect(await speaks('join', mod, 'moderator')).toEqual(['moderator', true])
    expect(await speaks('join', cem)).toEqual(['none', false])
    expect(await speaks('join', mod, 'member')).toEqual(['member', false])
    expect(await speaks('join', mod, 'moderator')).toEqual(['moderator', false])
  })

  test('an old token gives back no right that was taken away', async (t) => {
    const { comes, change, url, enter, deliver, inRoom, shown, leave } = await aCommunityWorld(t, await empty())
    const speakersUrl = await url('create', owner, 'owner')
    await deliver(enter(speakersUrl))
    await comes('join', mod, 'moderator')
    await change('DELETE', owner, '/speaker')
    const back = enter(speakersUrl)
    expect(inRoom(owner)?.permission.canPublish).toBe(true)
    await deliver(back)
    expect(inRoom(owner)?.permission.canPublish).toBeUndefined()
    expect(shown(owner)).toMatchObject({ isSpeaker: false })

    const listenersUrl = await url('join', cem)
    await deliver(enter(listenersUrl))
    expect(await change('DELETE', cem, '')).toEqual(done('User kicked from voice chat successfully'))
    expect(inRoom(cem)).toBeUndefined()
    const kicked = enter(listenersUrl)
    await deliver(kicked)
    expect(inRoom(cem)).toBeUndefined()
    await deliver(leave(kicked, 'participant removed'))
    await comes('join', cem)
    expect(inRoom(cem)).toBeDefined()
  })

  test('one who was kicked is no member any more, and the kick holds where the webhook is lost', async (t) => {
    const { comes, change, isIn, url, enter, inRoom, pass, status } = await aCommunityWorld(t, await empty())
    await comes('create', owner, 'owner')
    const old = await url('join', cem)
    await comes('join', cem)
    await change('DELETE', cem, '')
    expect([await isIn(cem), await status()]).toEqual([false, memberCount(1, 1)])
    enter(old)
    await pass(MINUTE)
    expect([inRoom(cem), await isIn(cem)]).toEqual([undefined, false])
  })

  test('a chat that was ended is closed for all, and an old token opens no new one', async (t) => {
    const { comes, url, enter, deliver, end, rooms, status, pass, isIn } = await aCommunityWorld(t, await empty())
    await comes('create', owner, 'owner')
    const old = await url('join', cem)
    expect(await end()).toEqual(done('Community voice chat ended successfully'))
    expect([rooms.has(room('c1')), await status(), await isIn(owner)]).toEqual([false, memberCount(0, 0), false])
    await deliver(enter(old))
    expect(rooms.has(room('c1'))).toBe(false)
    enter(old)
    await pass(MINUTE)
    expect(rooms.has(room('c1'))).toBe(false)
    expect(await end()).toEqual(done('Community voice chat ended successfully'))
  })

  test('a chat ends when the last moderator leaves, and not when another one is there', async (t) => {
    const { comes, leave, deliver, rooms, status } = await aCommunityWorld(t, await empty())
    const events = [await comes('create', owner, 'owner'), await comes('join', mod, 'moderator')]
    const listener = await comes('join', cem)
    await deliver(leave(listener))
    await deliver(leave(events[0] as (typeof events)[0]))
    expect([rooms.has(room('c1')), await status()]).toEqual([true, memberCount(1, 1)])
    await deliver(leave(events[1] as (typeof events)[0]))
    expect([rooms.has(room('c1')), await status()]).toEqual([false, memberCount(0, 0)])
  })

  test.for(['signal close', 'participant removed'] as const)(
    'a chat whose last moderator is gone by %s goes on for five minutes more',
    async (reason, t) => {
      const { comes, leave, deliver, rooms, pass, status } = await aCommunityWorld(t, await empty())
      const creator = await comes('create', owner, 'owner')
      await comes('join', cem)
      await deliver(leave(creator, reason))
      await pass(4 * MINUTE)
      expect(rooms.has(room('c1'))).toBe(true)
      const again = await comes('join', owner, 'owner')
      await pass(6 * MINUTE)
      expect([rooms.has(room('c1')), await status()]).toEqual([true, memberCount(2, 1)])
      await deliver(leave(again, reason))
      await pass(5 * MINUTE)
      expect(rooms.has(room('c1'))).toBe(false)
    },
  )

  test('a chat that a moderator never comes to ends five minutes after its first member', async (t) => {
    const { comes, rooms, pass, status } = await aCommunityWorld(t, await empty())
    await comes('join', cem)
    await pass(4 * MINUTE)
    await comes('join', dan)
    expect([rooms.has(room('c1')), await status()]).toEqual([true, memberCount(2, 0)])
    await pass(MINUTE)
    expect(rooms.has(room('c1'))).toBe(false)
  })

  test('late and doubled webhooks of a connection before change nothing', async (t) => {
    const { comes, leave, deliver, isIn, clock, rooms, pass } = await aCommunityWorld(t, await empty())
    const first = await comes('create', owner, 'owner')
    clock.advance(1_000)
    const left = leave(first)
    clock.advance(5_000)
    const second = await comes('join', owner, 'owner')
    for (const event of [left, first, second, left]) expect(await deliver(event)).toBe(200)
    expect([await isIn(owner), rooms.has(room('c1'))]).toEqual([true, true])
    await pass(10 * MINUTE)
    expect(await isIn(owner)).toBe(true)
  })

  test('what lost webhooks would have told is found in LiveKit', async (t) => {
    const { url, enter, leave, deliver, status, pass, rooms, change } = await aCommunityWorld(t, await empty())
    const creator = enter(await url('create', owner, 'owner'))
    enter(await url('join', cem))
    await pass(6 * MINUTE)
    expect(await status()).toEqual(memberCount(2, 1))
    expect((await change('POST', cem, '/speaker'))[0]).toBe(200)
    leave(creator)
    await pass(MINUTE)
    await pass(5 * MINUTE)
    expect([await status(), rooms.has(room('c1'))]).toEqual([memberCount(0, 0), false])
    const again = enter(await url('create', owner, 'owner'))
    await deliver(again)
    await deliver(leave(again, 'room deleted'))
    expect(await status()).toEqual(memberCount(0, 0))
  })

  test('while LiveKit does not answer a change is refused, and can be repeated', async (t) => {
    const { comes, change, state, shown } = await aCommunityWorld(t, await empty())
    await comes('create', owner, 'owner')
    await comes('join', cem)
    state.isBroken = true
    expect((await change('POST', cem, '/speaker'))[0]).toBe(503)
    state.isBroken = false
    expect((await change('POST', cem, '/speaker'))[0]).toBe(200)
    expect(shown(cem)).toMatchObject({ isSpeaker: true })
  })
})

test('a banned player does not enter', async (t) => {
  const { request } = await aCommunityWorld(t, undefined, { bans: [aBan({ bannedAddress: cem })] })
  expect(await request('join', cem)).toEqual([403, { error: 'Access denied, platform-banned user' }])
})

test('requests that are not as declared are refused', async (t) => {
  const { call, request } = await aCommunityWorld(t, undefined)
  expect((await request('shout', cem))[0]).toBe(400)
  expect((await request('join', cem, 'king'))[0]).toBe(400)
  expect((await request('join', 'cem'))[0]).toBe(400)
  expect((await call('POST', '/community-voice-chat/status', { community_ids: [''] }))[0]).toBe(400)
  expect((await call('PATCH', `/community-voice-chat/c1/users/${cem}/mute`, { muted: 'yes' }))[0]).toBe(400)
  expect((await call('DELETE', '/community-voice-chat/c1', {}))[0]).toBe(400)
  expect(await call('POST', '/community-voice-chat/c1/users/cem/speaker')).toEqual([400, { error: 'Invalid address' }])
})
