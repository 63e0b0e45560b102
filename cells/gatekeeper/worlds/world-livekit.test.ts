import { expect, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import { aBan } from '../fixtures.ts'
import { aLivekitWorld } from '../livekit/fixtures.ts'
import { aWorld, aWorldGatekeeper } from './fixtures.ts'

const SECONDS = 1_000
vi.setConfig({ testTimeout: 60 * SECONDS })
const SOON = { timeout: 10 * SECONDS, interval: 50 }

withPart('livekit', 'worlds in a LiveKit', (binary) => {
  withPart('rtc', 'with players', (rtc) => {
    const livekit = aLivekitWorld(binary, rtc)

    test('a world counts who is in its room; a banned player, one off its list and those in a closed one are removed', async (t) => {
      const [ana, ben, eve] = [createWallet('ana'), createWallet('ben'), createWallet('eve')]
      const world = aWorld({ room: 'world:realms.plaza', capacity: 2 })
      const { enter, storage, url, clock, worldsFile } = await aWorldGatekeeper(t, {
        ...{ worlds: [world], rooms: undefined, transport: undefined as never },
        config: livekit.config,
      })
      livekit.gatekeepers = [url]
      const adapterOf = async (answer: Response) => ((await answer.json()) as { fixedAdapter: string }).fixedAdapter
      const join = async (wallet: typeof ana) => {
        const answer = await enter(wallet)
        expect(answer.status).toBe(200)
        return livekit.join(await adapterOf(answer))
      }
      const [first, second] = [await join(ana), await join(ben)]
      // Both are there, and not only on their way.
      clock.advance(16_000)
      expect((await enter(eve)).status).toBe(503)
      expect((await enter(ben)).status).toBe(200)
      const soon = (check: () => unknown) =>
        vi.waitFor(async () => {
          clock.advance(1_200)
          await check()
        }, SOON)
      storage.bans = [aBan({ bannedAddress: ben.peer })]
      await soon(() => expect([first.ended, second.ended]).toEqual([false, true]))
      await soon(async () => expect((await enter(eve)).status).toBe(200))
      worldsFile.write({ ...world, access: { type: 'Allowlist', wallets: [eve.peer] } })
      await soon(() => expect(first.ended).toBe(true))
      const third = await join(eve)
      worldsFile.write()
      await soon(() => expect(third.ended).toBe(true))
    })
  })
})
