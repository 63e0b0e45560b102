import { expect, onTestFinished, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import { ManualClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { Metrics } from '../../chassis/metrics.ts'
import { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import { openPglite } from '../adapters/pglite.ts'
import { SqlStorage } from '../adapters/storage.ts'
import { aGatekeeper } from '../fixtures.ts'
import { aLivekitWorld } from '../livekit/fixtures.ts'
import { migrate } from '../migrations/migrate.ts'

vi.setConfig({ testTimeout: 60_000 })
const SOON = { timeout: 10_000, interval: 50 }
const COMMS_GATEKEEPER_AUTH_TOKEN = 'services-token-01234'
const MODERATOR_TOKEN = 'moderators-token-0123'

withPart('livekit', 'voice chats with a LiveKit', (binary) => {
  withPart('rtc', 'and players in its rooms', (rtc) => {
    const world = aLivekitWorld(binary, rtc)

    test('a call and a community chat follow what players and moderators do, and a ban holds in them', async (t) => {
      const clock = new ManualClock(Date.now())
      const opened = await openPglite()
      onTestFinished(() => opened.stop())
      await migrate(opened, silentLog)
      const storage = new SqlStorage({
        query: opened.query,
        transaction: (work) => opened.transaction(work),
        stop: async () => {},
      })
      const config = { ...world.config, COMMS_GATEKEEPER_AUTH_TOKEN, MODERATOR_TOKEN }
      const replicas = [await aGatekeeper(t, { config, storage, clock }), await aGatekeeper(t, { config, storage, clock })]
      world.gatekeepers = replicas.map(({ url }) => url)
      let next = 0
      const call = async (method: string, path: string, body?: unknown) => {
        const headers = { authorization: `Bearer ${COMMS_GATEKEEPER_AUTH_TOKEN}` }
        const to = world.gatekeepers[next++ % 2]
        const answer = await fetch(to + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
        expect([path, answer.status]).toEqual([path, 200])
        return (await answer.json()) as Record<string, unknown>
      }
      const [ana, ben] = [createWallet().peer, createWallet().peer]
      const { url = '', apiKey = '', apiSecret = '' } = world.livekit
      const rooms = new LivekitRooms({ url, apiKey, apiSecret, clock, log: silentLog, metrics: new Metrics('gatekeeper') })

      const urls = await call('POST', '/private-voice-chat', { user_addresses: [ana, ben], room_id: 'c1' })
      const join = (connection: unknown) => world.join((connection as { connection_url: string }).connection_url)
      const [anas, bens] = [await join(urls[ana]), await join(urls[ben])]
      await vi.waitFor(() => expect(anas.others()).toEqual([ben]), SOON)
      await anas.leave()
      await vi.waitFor(() => expect(bens.ended).toBe(true), SOON)
      const inCall = async () => (await call('GET', `/users/${ben}/voice-chat-status`)).is_user_in_voice_chat
      await vi.waitFor(async () => expect(await inCall()).toBe(false), SOON)

      const enter = (action: string, user_address: string, user_role: string) =>
        call('POST', '/community-voice-chat', { community_id: 'k1', action, user_address, user_role })
      const owners = await join(await enter('create', ana, 'owner'))
      const listeners = await join(await enter('join', ben, 'member'))
      const member = `/community-voice-chat/k1/users/${ben}`
      const permission = async () => (await rooms.participant('voice-chat-community-k1', ben))?.permission
      expect(await permission()).toMatchObject({ canPublish: false, canUpdateMetadata: false })
      await call('POST', `${member}/speaker`)
      expect(await permission()).toMatchObject({
        ...{ canPublish: true, canSubscribe: true, canPublishData: true, canUpdateMetadata: false, canPublishSources: [2] },
      })
      await vi.waitFor(() => expect(JSON.parse(listeners.metadata)).toMatchObject({ isSpeaker: true, muted: false }), SOON)
      await call('DELETE', member)
      await vi.waitFor(() => expect(listeners.ended).toBe(true), SOON)
      const status = () => call('GET', '/community-voice-chat/k1/status')
      await vi.waitFor(
        async () => expect(await status()).toEqual({ active: true, participant_count: 1, moderator_count: 1 }),
        SOON,
      )
      const again = await enter('join', ben, 'member')
      const back = await join(again)
      const headers = { authorization: `Bearer ${MODERATOR_TOKEN}` }
      const body = JSON.stringify({ reason: 'spam' })
      const banned = await fetch(`${replicas[0]?.url}/users/${ben}/bans?moderator=ruth`, { method: 'POST', headers, body })
      expect(banned.status).toBe(201)
      await vi.waitFor(() => expect(back.ended).toBe(true), SOON)
      clock.advance(1_000)
      const old = await join(again)
      await vi.waitFor(() => expect(old.ended).toBe(true), SOON)
      await owners.leave()
      await vi.waitFor(async () => expect(await status()).toMatchObject({ active: false, participant_count: 0 }), SOON)
      expect(await call('GET', '/community-voice-chat/active')).toEqual({ data: [], total: 0 })
    })
  })
})
