import type { ServerResponse } from 'node:http'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import type { PolledMap } from '../adapters/map-poller.ts'
import { RealmChanges } from '../core/realm-changes.ts'
import { POINT_MS, SeriesStore } from '../core/series.ts'
import { PointMaker } from './points.ts'
import { ProblemList } from './problem-list.ts'
import { sectionsOf } from './sections.ts'
import type { ConsoleSources } from './sources.ts'
import { type ViewerLimits, Viewers } from './viewers.ts'

const TICK_MS = 1_000

/**
 * The data of the console: once a second for all viewers together. What changed since the second before is encoded once, and the
 * same bytes are sent to each of them, so that a viewer costs no more than writing them to its socket.
 */
export class ConsoleFeed implements Running {
  readonly #sources: ConsoleSources
  readonly #log: Log
  readonly #series = new SeriesStore()
  readonly #points: PointMaker
  readonly #problems: ProblemList
  readonly #changes = new RealmChanges()
  readonly #viewers: Viewers
  readonly #stopListening: () => void
  #sections: ReadonlyMap<string, string> = new Map()
  /** Made when a viewer needs it; undefined when sections have changed since. */
  #snapshot: Buffer | undefined
  /** When the sections were made, by the monotonic clock. */
  #builtMs = Number.NEGATIVE_INFINITY
  #nextPointMs: number
  #cancel = () => {}

  constructor(sources: ConsoleSources, log: Log, limits?: ViewerLimits) {
    this.#sources = sources
    this.#log = log
    this.#points = new PointMaker(sources)
    this.#problems = new ProblemList(sources)
    this.#viewers = new Viewers((realm) => this.#everything(realm), sources.clock, limits)
    this.#stopListening = sources.maps.onMap((polled) => {
      if (this.#viewers.size > 0) this.#viewers.send(mapEvent(polled), polled.key)
    })
    this.#nextPointMs = sources.clock.monotonic()
    // Later, because the sources may not all be there yet.
    this.#cancel = sources.clock.after(0, () => this.#tick())
  }

  get viewers(): number {
    return this.#viewers.size
  }

  /** Whether one more viewer may come from an address. */
  hasRoom(address: string): boolean {
    return this.#viewers.hasRoom(address)
  }

  /** Sends everything, then what changes. @param realm whose map is sent as well, by namespace and name */
  view(response: ServerResponse, address: string, realm: string | undefined): void {
    this.#buildUnlessFresh()
    this.#viewers.add(response, address, realm)
  }

  /** All that a viewer without a realm would be sent, as JSON. */
  snapshotJson(): string {
    this.#buildUnlessFresh()
    return this.#snapshotText()
  }

  async stop(): Promise<void> {
    this.#cancel()
    this.#stopListening()
    this.#viewers.stop()
  }

  #tick(): void {
    this.#cancel = this.#sources.clock.after(TICK_MS, () => this.#tick())
    try {
      this.#update()
    } catch (error) {
      this.#log.error({ err: error }, 'a background task failed on a bug')
    }
  }

  #update(): void {
    const { clock, facts } = this.#sources
    const isPoint = clock.monotonic() >= this.#nextPointMs
    if (isPoint) {
      this.#nextPointMs += POINT_MS
      this.#series.add(this.#points.make())
      this.#changes.observe(facts(), new Date(clock.now()).toISOString())
    }
    if (this.#viewers.size > 0) this.#sendChanges(isPoint)
    // Also without viewers: the list says since when something is wrong.
    else if (isPoint) this.#problems.list()
  }

  /** With viewers the ticks do it. Without, any number of requests for the snapshot has it made as often as one viewer would. */
  #buildUnlessFresh(): void {
    if (this.#sources.clock.monotonic() - this.#builtMs >= TICK_MS) this.#build()
  }

  #build(): void {
    const { clock, facts } = this.#sources
    this.#builtMs = clock.monotonic()
    this.#changes.observe(facts(), new Date(clock.now()).toISOString())
    this.#sections = sectionsOf(this.#sources, {
      problems: this.#problems.list(),
      changes: this.#changes.latest,
      points: this.#series.current,
      viewers: this.#viewers.size,
    })
    this.#snapshot = undefined
  }

  #sendChanges(isPoint: boolean): void {
    const before = this.#sections
    this.#build()
    const changed = [...this.#sections].filter(([name, text]) => before.get(name) !== text)
    const gone = [...before.keys()].filter((name) => !this.#sections.has(name))
    const points = isPoint ? `,"points":${JSON.stringify(rounded(this.#series.current))}` : ''
    const data = `{"at":${this.#sources.clock.now()},"set":${joined(changed)},"gone":${JSON.stringify(gone)}${points}}`
    this.#viewers.send(eventOf('delta', data))
  }

  #everything(realm: string | undefined): Buffer[] {
    this.#snapshot ??= eventOf('snapshot', this.#snapshotText())
    const polled = realm === undefined ? undefined : this.#sources.maps.get(realm)
    return polled?.latest ? [this.#snapshot, mapEvent(polled)] : [this.#snapshot]
  }

  #snapshotText(): string {
    return `{"at":${this.#sources.clock.now()},"set":${joined([...this.#sections])},"series":${JSON.stringify(this.#series)}}`
  }
}

/** A server-sent event; JSON has no line breaks of its own. */
const eventOf = (name: string, data: string): Buffer => Buffer.from(`event: ${name}\ndata: ${data}\n\n`)

const joined = (sections: readonly (readonly [string, string])[]): string =>
  `{${sections.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`

const rounded = (points: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries(Array.from(points, ([key, value]) => [key, Math.round(value * 100) / 100]))

/** Encoded once per map, for all who look at its realm. */
const mapEvents = new WeakMap<object, Buffer>()

function mapEvent({ key, latest }: PolledMap): Buffer {
  const map = latest?.map
  if (!map) return Buffer.alloc(0)
  const known = mapEvents.get(map) ?? eventOf('map', JSON.stringify({ realm: key, map }))
  mapEvents.set(map, known)
  return known
}
