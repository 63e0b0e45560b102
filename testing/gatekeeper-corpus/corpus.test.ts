import { expect, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { onEachDatabase } from '../../cells/gatekeeper/database.fixtures.ts'
import { aGatekeeper } from '../../cells/gatekeeper/fixtures.ts'
import { ask, questions } from './corpus.ts'

const [moderator, service] = ['moderators-token-0123', 'services-token-01234']
const config = { MODERATOR_TOKEN: moderator, COMMS_GATEKEEPER_AUTH_TOKEN: service }

onEachDatabase('the requests of clients', (empty) => {
  test('are answered by this gatekeeper as the protocol says, at the root and below its path', { timeout: 60_000 }, async (t) => {
    const { url } = await aGatekeeper(t, { config, storage: await empty(), clock: systemClock as never })
    for (const base of [url, `${url}/gatekeeper`])
      expect(await ask(base, { moderator, service })).toEqual({ asked: questions.length, differences: [] })
  })

  test('that are answered otherwise are told with what was found', async (t) => {
    const { url } = await aGatekeeper(t, {
      config: { LIVEKIT_HOST: undefined },
      storage: await empty(),
      clock: systemClock as never,
    })
    const { asked, differences } = await ask(url, {})
    expect(asked).toBeLessThan(questions.length)
    expect(differences.map(({ question, found }) => [question.title, found.slice(0, 4)])).toEqual([
      ['a room of a scene', '503 '],
      ['private messages', '503 '],
      ['a webhook that LiveKit did not sign', '404 '],
    ])
  })
})
