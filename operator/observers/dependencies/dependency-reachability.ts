import type { Clock } from '../../../cells/chassis/clock.ts'
import { createLanes } from '../../../cells/chassis/lanes.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { Reachability } from '../../observed/reachability.ts'
import type { Dependencies } from './dependencies.ts'
import { probeUrl as knockOutside, type ReachabilityProbe } from './reachability-probe.ts'

/** What watching takes. */
export interface DependencyOptions {
  clock: Clock
  /** Over the network unless told. */
  knock?: ReachabilityProbe
  /** A number from 0 to 1 that spreads looks in time; chance unless told. */
  random?: () => number
}

/** Looks under way at once, whatever the number of realms. */
const MAX_PARALLEL = 16
/** From one look to the next while it is not reached: from this, doubling, up to that; and while all is well. */
const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 15_000
const REST_MS = 30_000
/** What was reached counts as unreachable only after this many failures in a row: it may be restarting. */
const PATIENCE = 3

/** One thing outside, however many realms need it. */
interface Outside {
  url: string
  realms: Map<string, ObjectKey>
  state: 'unknown' | 'reachable' | 'unreachable'
  message: string
  failures: number
  cancel: () => void
}

/** Looks at each External LiveKit and NATS from time to time. */
export function watchDependencies({
  clock,
  knock = knockOutside,
  random = Math.random,
}: DependencyOptions): Dependencies & Running {
  const outsides = new Map<string, Outside>()
  const lanes = createLanes(MAX_PARALLEL)
  const listeners = new Set<(key: ObjectKey) => void>()
  const isNeeded = (outside: Outside) => outsides.get(outside.url) === outside

  function outsideOf(url: string): Outside {
    const known = outsides.get(url)
    if (known) return known
    const outside: Outside = { url, realms: new Map(), state: 'unknown', message: '', failures: 0, cancel: () => {} }
    outsides.set(url, outside)
    void lanes.run(() => look(outside))
    return outside
  }

  async function look(outside: Outside): Promise<void> {
    if (!isNeeded(outside)) return
    const problem = await knock(outside.url)
    if (!isNeeded(outside)) return
    const before = outside.state
    outside.failures = problem === undefined ? 0 : outside.failures + 1
    if (problem === undefined) outside.state = 'reachable'
    else if (before !== 'reachable' || outside.failures >= PATIENCE) {
      // The first reason stands for as long as it lasts: reasons that take turns would be news without being new.
      if (before !== 'unreachable') outside.message = problem
      outside.state = 'unreachable'
    }
    const waitMs = problem === undefined ? REST_MS : Math.min(FIRST_WAIT_MS * 2 ** (outside.failures - 1), LAST_WAIT_MS)
    outside.cancel = clock.after(waitMs * (0.8 + 0.4 * random()), () => void lanes.run(() => look(outside)))
    if (outside.state !== before) for (const key of outside.realms.values()) for (const listener of listeners) listener(key)
  }

  function leave(realm: string, except: ReadonlySet<string> = new Set()): void {
    for (const [url, outside] of outsides) {
      if (except.has(url) || !outside.realms.delete(realm) || outside.realms.size > 0) continue
      outside.cancel()
      outsides.delete(url)
    }
  }

  return {
    reach(realm) {
      const { namespace, name } = realm.metadata
      const needs = needsOf(realm)
      const key = keyText({ namespace, name })
      leave(key, new Set(needs.map(({ url }) => url)))
      return needs.map(({ dependency, url }) => {
        const { realms, state, message } = outsideOf(url)
        realms.set(key, { namespace, name })
        return state === 'unreachable' ? { dependency, url, state, message } : { dependency, url, state }
      })
    },
    forget: (key) => leave(keyText(key)),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const { cancel } of outsides.values()) cancel()
      outsides.clear()
      listeners.clear()
    },
  }
}

function needsOf({ spec: { livekit, nats } }: Realm): Pick<Reachability, 'dependency' | 'url'>[] {
  return [
    ...(livekit.type === 'External' && livekit.url ? [{ dependency: 'LiveKit' as const, url: livekit.url }] : []),
    ...(nats.type === 'External' ? (nats.urls ?? []).map((url) => ({ dependency: 'NATS' as const, url })) : []),
  ]
}
