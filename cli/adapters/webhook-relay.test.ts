import { expect, test } from 'vitest'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { aWebServer } from '../../testing/web-server.ts'
import { createWebhookRelay } from './webhook-relay.ts'

test('an event is passed on to every gatekeeper of the moment, and repeated when one does not take it', async (t) => {
  const received: string[] = []
  const gatekeeper = (name: string, status: () => number) =>
    aWebServer((path) => {
      received.push(`${name} ${path}`)
      return { status: status(), json: {} }
    })
  let firstStatus = 200
  // The second one refuses the signature, which repeating the event does not change.
  const [first, second] = [await gatekeeper('first', () => firstStatus), await gatekeeper('second', () => 401)]
  let gatekeepers = [first]
  const http = await listen(
    createWebhookRelay(() => gatekeepers, silentLog),
    { host: '127.0.0.1', port: 0 },
  )
  t.onTestFinished(() => http.stop())
  const send = async () => (await fetch(http.url, { method: 'POST', body: '{}' })).status

  expect(await send()).toBe(200)
  gatekeepers = [first, second]
  expect(await send()).toBe(200)
  firstStatus = 503
  expect(await send()).toBe(503)
  gatekeepers = ['http://127.0.0.1:1']
  expect(await send()).toBe(503)
  gatekeepers = []
  expect(await send()).toBe(200)
  const both = ['first /livekit-webhook', 'second /livekit-webhook']
  expect(received.toSorted()).toEqual(['first /livekit-webhook', ...both, ...both].toSorted())
})
