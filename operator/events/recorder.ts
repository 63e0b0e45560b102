import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Clock, type Moment, momentOf } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import type { KubeClient, WriteOptions } from '../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import type { ObjectKey } from '../../crds/object.ts'
import { API_VERSION } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import { MANAGER } from '../desired/naming.ts'
import type { Leadership } from '../leader/leadership.ts'
import { microTime } from '../leader/lease.ts'
import type { EventMetrics, EventOutcome } from './event-metrics.ts'
import { EventRateLimit } from './event-rate-limit.ts'
import { type EventNote, eventReasons } from './event-reasons.ts'

/** The object an Event is about. */
export interface EventSubject extends ObjectKey {
  kind: Kind
  uid: string
}

/** `instance` identifies the process in its Events. */
export interface RecorderOptions {
  client: Pick<KubeClient, 'create' | 'merge'>
  leadership: Leadership
  instance: string
  clock: Clock
  log: Log
  metrics?: EventMetrics | undefined
}

/** The same note within this time is counted in the Event that exists, as a series. */
export const SERIES_MS = 120_000
/** The growing count of a series is written at most this often. */
export const SERIES_WRITE_MS = 30_000
/** Events waiting to be sent; more are dropped. */
const MAX_QUEUE = 256
/** Series that are remembered; the one that was repeated longest ago is forgotten first. */
const MAX_SERIES = 4096
const MAX_NOTE_LENGTH = 1024 // the limit of the API server
const TIMEOUT_MS = 3000

interface EventSeries {
  subject: EventSubject
  note: EventNote
  /** Name of the Event object. */
  name: string
  count: number
  lastAt: Moment
  /** Cancels the next write of the count; undefined while none is planned. */
  cancel: (() => void) | undefined
}

/**
 * Creates Events one after the other, from a queue of bounded length, only while leading, and never more than the rate limit
 * allows.
 */
export class EventRecorder implements Running {
  readonly #options: RecorderOptions
  readonly #series = new LRUCache<string, EventSeries>({
    max: MAX_SERIES,
    dispose: ({ cancel }, _, reason) => reason !== 'set' && cancel?.(),
  })
  readonly #rateLimit: EventRateLimit
  readonly #queue: (() => Promise<void>)[] = []
  #sending: Promise<void> | undefined
  #stopped = false

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#rateLimit = new EventRateLimit(options.clock)
  }

  /** Sends an Event in the background, or drops it: the caller does not wait for it. */
  record(subject: EventSubject, { reason, note: text }: EventNote): void {
    const { clock, client, instance } = this.#options
    const note = { reason, note: text.slice(0, MAX_NOTE_LENGTH) }
    const now = momentOf(clock)
    const key = `${subject.uid} ${reason} ${note.note}`
    const series = this.#series.get(key)
    if (series && now.monotonicMs - series.lastAt.monotonicMs < SERIES_MS) {
      series.lastAt = now
      this.#repeat(series)
      return
    }
    if (!this.#rateLimit.take(subject.uid)) {
      this.#count(note, 'capped')
      return
    }
    const name = `${subject.name}.${randomBytes(8).toString('hex')}`
    this.#series.set(key, { subject, note, name, count: 1, lastAt: now, cancel: undefined })
    const event = eventOf({ subject, note, name, instance, at: now.epochMs })
    this.#enqueue(note, (options) => client.create(resources.EventV1, event, options))
  }

  /** Drops what waits; an Event that is being sent is waited for. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#series.clear()
    this.#queue.length = 0
    await this.#sending
  }

  #repeat(series: EventSeries): void {
    const { clock, client } = this.#options
    series.count++
    this.#count(series.note, 'repeated')
    series.cancel ??= clock.after(SERIES_WRITE_MS, () => {
      series.cancel = undefined
      const change = { series: { count: series.count, lastObservedTime: microTime(series.lastAt.epochMs) } }
      const key = { namespace: series.subject.namespace, name: series.name }
      this.#enqueue(series.note, (options) => client.merge(resources.EventV1, key, change, options))
    })
  }

  #enqueue(note: EventNote, send: (options: WriteOptions) => Promise<unknown>): void {
    if (this.#stopped || this.#queue.length >= MAX_QUEUE) {
      this.#count(note, 'capped')
      return
    }
    this.#queue.push(() => this.#send(note, send))
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) await next()
  }

  async #send(note: EventNote, send: (options: WriteOptions) => Promise<unknown>): Promise<void> {
    const { leadership, log } = this.#options
    try {
      await send({ fieldManager: MANAGER, timeoutMs: TIMEOUT_MS, ...(await leadership.fence()) })
      this.#count(note, 'sent')
    } catch (error) {
      this.#count(note, 'failed')
      log.debug({ reason: note.reason, error: messageOf(error) }, 'could not send an Event')
    }
  }

  #count({ reason }: EventNote, outcome: EventOutcome): void {
    this.#options.metrics?.events.inc({ reason, outcome })
  }
}

interface EventDraft {
  subject: EventSubject
  note: EventNote
  name: string
  instance: string
  /** Milliseconds since the epoch. */
  at: number
}

function eventOf({ subject, note: { reason, note }, name, instance, at }: EventDraft): KubeObject {
  const { kind, namespace, uid } = subject
  const { type, action } = eventReasons[reason]
  const event = {
    apiVersion: resources.EventV1.apiVersion,
    kind: 'Event',
    metadata: { name, namespace },
    eventTime: microTime(at),
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
