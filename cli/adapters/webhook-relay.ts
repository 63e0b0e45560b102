import { request } from 'undici'
import { messageOf } from '../../cells/chassis/errors.ts'
import { type App, createApp, json, ok, route } from '../../cells/chassis/http.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'

/** Where the app is mounted; no realm has such a name. */
export const WEBHOOKS_PATH = '/-/livekit-webhook'

const TIMEOUT_MS = 5_000

/**
 * Passes the events of the LiveKit of this machine on to the gatekeepers of all realms: the server is told one address when it
 * starts, and realms come and go afterwards. Where a gatekeeper does not take an event, LiveKit repeats it for all.
 *
 * @param gatekeepers their base URLs, now
 */
export function createWebhookRelay(gatekeepers: () => readonly string[], log: Log): App {
  const passOn = async (gatekeeper: string, headers: Record<string, string>, body: Buffer): Promise<boolean> => {
    try {
      const answer = await request(`${gatekeeper}/livekit-webhook`, {
        ...{ method: 'POST', headers, body },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      await answer.body.dump()
      return answer.statusCode < 500
    } catch (error) {
      log.warn({ gatekeeper, error: messageOf(error) }, 'an event of LiveKit could not be passed on to a gatekeeper')
      return false
    }
  }
  return createApp({
    log,
    metrics: new Metrics('livekit-webhooks'),
    routes: [
      route('POST', '/', async (event) => {
        const body = await event.body()
        const { authorization = '', 'content-type': type = 'application/webhook+json' } = event.headers
        const taken = await Promise.all(
          gatekeepers().map((gatekeeper) => passOn(gatekeeper, { authorization, 'content-type': type }, body)),
        )
        return taken.every(Boolean) ? ok({}) : json(503, { error: 'a gatekeeper did not take the event' })
      }),
    ],
  })
}
