import { expect, test } from 'vitest'
import { aWebServer } from '../../../testing/web-server.ts'
import { answerOf } from '../fixtures.ts'
import { aWorldGatekeeper } from './fixtures.ts'

const post = (url: string, sizeBytes: number) => fetch(url, { method: 'POST', body: 'x'.repeat(sizeBytes) })

test('the gatekeeper of a World answers at the host of the realm with what the realm provider says of it', async (t) => {
  const asked: string[] = []
  const provider = await aWebServer((path) => {
    asked.push(path)
    return { json: { healthy: true } }
  })
  const { url } = await aWorldGatekeeper(t, { config: { REALM_NAME: 'Plaza', REALM_PROVIDER_URL: provider } })
  expect(await answerOf(await fetch(`${url}//about`))).toEqual([200, { healthy: true }])
  expect((await fetch(`${url}/about`, { method: 'HEAD' })).status).toBe(200)
  expect((await fetch(`${url}/lambdas/profiles/0x1`)).status).toBe(200)
  expect(asked).toEqual(['/Plaza/about', '/Plaza/about', '/Plaza/lambdas/profiles/0x1'])
})

test('explorers may ask there for the scenes of many parcels, while other requests stay small', async (t) => {
  const provider = await aWebServer(() => ({ json: [] }))
  const { url } = await aWorldGatekeeper(t, { config: { REALM_PROVIDER_URL: provider } })
  expect((await post(`${url}/content/entities/active`, 200 * 1024)).status).toBe(200)
  expect((await post(`${url}/content/entities/active`, 300 * 1024)).status).toBe(413)
  expect((await post(`${url}/users/bans`, 200 * 1024)).status).toBe(413)
})

test('a gatekeeper without a realm provider describes no realm', async (t) => {
  const { url } = await aWorldGatekeeper(t)
  expect((await fetch(`${url}/about`)).status).toBe(404)
})
