import type { WebhookEvent, WebhookReceiver } from 'livekit-server-sdk'
import { messageOf, Refusal } from '../../chassis/errors.ts'
import { type Handler, json } from '../../chassis/http.ts'
import type { Log } from '../../chassis/log.ts'
import type { GatekeeperMetrics } from '../metrics.ts'

/** A part that acts on events of rooms. They may be late, doubled, out of order, or never arrive. */
export type RoomEventListener = (event: WebhookEvent) => void | Promise<void>

export interface WebhookOptions {
  apiKey: string
  apiSecret: string
  listeners: readonly RoomEventListener[]
  log: Log
  metrics: Pick<GatekeeperMetrics, 'webhooks'>
}

/** The clock of LiveKit may differ from the one of this machine. */
const CLOCK_TOLERANCE = '10s'
const KNOWN_EVENTS = new Set([
  'room_started',
  'room_finished',
  'participant_joined',
  'participant_left',
  'participant_connection_aborted',
  'ingress_started',
  'ingress_ended',
])

/**
 * `POST /livekit-webhook` (gatekeeper.md §4.9). LiveKit repeats an event that is not answered with success, so an event that
 * cannot be processed now is answered 503.
 */
export function livekitWebhook({ apiKey, apiSecret, listeners, log, metrics }: WebhookOptions): Handler {
  let receiver: WebhookReceiver | undefined
  const loadReceiver = async () => new (await import('livekit-server-sdk')).WebhookReceiver(apiKey, apiSecret)
  return async (request) => {
    const body = (await request.body()).toString()
    const { authorization } = request.headers
    if (authorization === undefined) return json(400, { error: 'Authorization header not found' })
    receiver ??= await loadReceiver()
    let event: WebhookEvent
    try {
      event = await receiver.receive(body, authorization, false, CLOCK_TOLERANCE)
    } catch (error) {
      metrics.webhooks.inc({ event: 'refused' })
      log.debug({ error: messageOf(error) }, 'a webhook was refused')
      return json(400, { error: 'Invalid webhook event' })
    }
    metrics.webhooks.inc({ event: KNOWN_EVENTS.has(event.event) ? event.event : 'other' })
    try {
      for (const listen of listeners) await listen(event)
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'UNAVAILABLE') throw error
      return json(503, { error: 'Error handling webhook event' }, { 'retry-after': '1' })
    }
    return { status: 200 }
  }
}
