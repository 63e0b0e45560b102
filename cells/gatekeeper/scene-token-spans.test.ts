import { expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { aTracedService } from '../../testing/trace-collector.ts'
import { aBan, aGatekeeper } from './fixtures.ts'

const [ana, ben] = [createWallet('ana'), createWallet('ben')]
const scene = { realmName: 'main', sceneId: 'bafkTEST' }

test('the span of a scene token has what was answered, and neither the wallet nor the token', async (t) => {
  const { tracer, spans } = await aTracedService()
  const bans = [aBan({ bannedAddress: ben.peer })]
  const { ask, url } = await aGatekeeper(t, { tracer, bans })
  const { adapter } = (await (await ask(ana, scene)).json()) as { adapter: string }
  await ask(ben, scene)
  await fetch(`${url}/get-scene-adapter`, {
    method: 'POST',
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  })
  const received = await spans()
  const [granted, banned, unsigned] = received.filter(({ name }) => name === 'scene token')
  expect(granted).toMatchObject({ kind: 'server', parent: '', fields: { outcome: 'granted', status: 200 }, failed: false })
  expect(banned).toMatchObject({ fields: { outcome: 'banned', status: 403 }, failed: false })
  expect(unsigned).toMatchObject({ fields: { outcome: 'unsigned' }, parent: '', links: [expect.stringContaining('0af7')] })
  expect(received.find(({ name }) => name === 'open room')).toMatchObject({ parent: granted?.id, trace: granted?.trace })
  const sent = JSON.stringify(received).toLowerCase()
  for (const secret of [ana.peer, ben.peer, adapter.split('=').at(-1) ?? '?']) expect(sent).not.toContain(secret.toLowerCase())
})

test('a scene token that cannot be made now is a failed span', async (t) => {
  const { tracer, spans } = await aTracedService()
  const { ask } = await aGatekeeper(t, { tracer, broken: 'the database is away' })
  expect((await ask(ana, scene)).status).toBe(503)
  expect((await spans())[0]).toMatchObject({ fields: { outcome: 'unavailable', 'error.type': 'unavailable' }, failed: true })
})
