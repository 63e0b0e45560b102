import { randomBytes } from 'node:crypto'
import type { Clock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import type { Transport, WriteOptions } from '../../cells/kube/transport.ts'
import type { ObjectKey } from '../../crds/object.ts'
import { API_VERSION } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import { MANAGER } from '../desired/naming.ts'
import type { Leadership } from '../leader/elector.ts'
import { microTime } from '../leader/lease.ts'
import type { EventMetrics, EventOutcome } from './event-metrics.ts'
import { createEventRateLimit, type EventRateLimit } from './event-rate-limit.ts'
import { type EventNote, eventReasons } from './event-reasons.ts'

/** What an Event is about. */
export interface EventSubject extends ObjectKey {
  kind: Kind
  uid: string
}

/** Tells people what happened. */
export interface Recorder extends Running {
  /** Tells in the background, or drops it: nobody waits for an Event. */
  record(subject: EventSubject, news: EventNote): void
}

/** What a recorder is made of. */
export interface RecorderOptions {
  transport: Pick<Transport, 'create' | 'merge'>
  leadership: Leadership
  /** Names this process. */
  instance: string
  clock: Clock
  log: Log
  metrics?: EventMetrics | undefined
}

/** The same thing told again within this time is counted in the Event there is. */
export const SERIES_MS = 120_000
/** A count that grows is written this often at most. */
export const SERIES_WRITE_MS = 30_000
/** Events on their way; more are dropped. */
const MAX_QUEUE = 256
/** Things told lately that are remembered; the oldest goes first. */
const MAX_REMEMBERED = 4096
const MAX_NOTE_LENGTH = 1024 // the API server takes no more
const TIMEOUT_MS = 3000

interface EventSeries {
  subject: EventSubject
  news: EventNote
  /** Name of the Event. */
  name: string
  count: number
  lastAt: number
  /** When its count is written next. */
  cancel: (() => void) | undefined
}

/** Creates Events one after the other, by a queue of bounded length, only while leading, and never more than allowed. */
export function createRecorder({ transport, leadership, instance, clock, log, metrics }: RecorderOptions): Recorder {
  /** What was told lately, in the order in which it last happened. */
  const told = new Map<string, EventSeries>()
  const allowance: EventRateLimit = createEventRateLimit(clock)
  const queue: (() => Promise<void>)[] = []
  let pumping: Promise<void> | undefined
  let stopped = false

  const count = ({ reason }: EventNote, outcome: EventOutcome) => metrics?.events.inc({ reason, outcome })

  function forgetOld(now: number): void {
    for (const [key, { lastAt, cancel }] of told) {
      if (told.size <= MAX_REMEMBERED && (now - lastAt < SERIES_MS || cancel)) return
      cancel?.()
      told.delete(key)
    }
  }

  function repeat(known: EventSeries): void {
    known.count++
    count(known.news, 'repeated')
    known.cancel ??= clock.after(SERIES_WRITE_MS, () => {
      known.cancel = undefined
      const series = { count: known.count, lastObservedTime: microTime(known.lastAt) }
      const key = { namespace: known.subject.namespace, name: known.name }
      enqueue(known.news, (options) => transport.merge(resources.EventV1, key, { series }, options))
    })
  }

  function enqueue(news: EventNote, send: (options: WriteOptions) => Promise<unknown>): void {
    if (stopped || queue.length >= MAX_QUEUE) {
      count(news, 'capped')
      return
    }
    queue.push(async () => {
      try {
        await send({ fieldManager: MANAGER, timeoutMs: TIMEOUT_MS, ...(await leadership.fence()) })
        count(news, 'sent')
      } catch (error) {
        count(news, 'failed')
        log.debug({ reason: news.reason, error: messageOf(error) }, 'an Event was not taken')
      }
    })
    pumping ??= pump().finally(() => {
      pumping = undefined
    })
  }

  async function pump(): Promise<void> {
    for (let next = queue.shift(); next; next = queue.shift()) await next()
  }

  return {
    record(subject, { reason, note: whole }) {
      const news = { reason, note: whole.slice(0, MAX_NOTE_LENGTH) }
      const now = clock.now()
      const key = `${subject.uid} ${reason} ${news.note}`
      const known = told.get(key)
      if (known && now - known.lastAt < SERIES_MS) {
        known.lastAt = now
        told.delete(key)
        told.set(key, known)
        return repeat(known)
      }
      forgetOld(now)
      if (!allowance.take(subject.uid)) return count(news, 'capped')
      const name = `${subject.name}.${randomBytes(8).toString('hex')}`
      told.set(key, { subject, news, name, count: 1, lastAt: now, cancel: undefined })
      const event = eventOf({ subject, news, name, instance, now })
      enqueue(news, (options) => transport.create(resources.EventV1, event, options))
    },
    async stop() {
      stopped = true
      for (const { cancel } of told.values()) cancel?.()
      told.clear()
      queue.length = 0
      await pumping
    },
  }
}

interface EventDraft {
  subject: EventSubject
  news: EventNote
  name: string
  instance: string
  now: number
}

function eventOf({ subject, news: { reason, note }, name, instance, now }: EventDraft): KubeObject {
  const { kind, namespace, uid } = subject
  const { type, action } = eventReasons[reason]
  const event = {
    apiVersion: resources.EventV1.apiVersion,
    kind: 'Event',
    metadata: { name, namespace },
    eventTime: microTime(now),
    reportingController: `comms.decentraland.org/${MANAGER}`,
    reportingInstance: instance.slice(0, 128),
    type,
    reason,
    action,
    note,
    regarding: { apiVersion: API_VERSION, kind, namespace, name: subject.name, uid },
  }
  return event
}
