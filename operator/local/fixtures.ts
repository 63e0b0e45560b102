import { onTestFinished } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import { laptopSite } from '../desired/site.ts'
import { alwaysServing, aPlayerCounter } from '../observers/fixtures.ts'
import { startReconcilers } from '../reconcile/loop.ts'
import { LocalCluster } from './local-cluster.ts'
import type { CellRunSpec, LocalRuntime, RunningPart, ServiceRunSpec } from './runtime.ts'

/** A runtime that starts nothing and records the calls it gets. */
export class FakeRuntime implements LocalRuntime {
  readonly events: string[] = []
  readonly running = new Map<string, CellRunSpec | ServiceRunSpec>()
  slots: readonly { slot: number; cell: string }[] = []
  /** Thrown by starts, while it is set. */
  failure: Error | undefined
  ready = true
  /** The result of an update. */
  updates = true
  onStop = (_name: string) => {}
  /** Stops wait for this. */
  draining: Promise<void> = Promise.resolve()

  startCell = (spec: CellRunSpec) => this.#start(spec.cell.metadata.name, spec)
  startService = (spec: ServiceRunSpec) => this.#start(spec.plan.component, spec)
  route = (_: unknown, slots: FakeRuntime['slots']) => {
    this.slots = slots
  }

  async #start<Spec extends CellRunSpec | ServiceRunSpec>(name: string, spec: Spec): Promise<RunningPart<Spec>> {
    this.events.push(`start ${name}`)
    if (this.failure) throw this.failure
    if (this.running.has(name)) throw new Error(`${name} runs twice`)
    this.running.set(name, spec)
    return {
      readiness: () => (this.ready ? { ready: true } : { ready: false, reason: 'not yet' }),
      update: async (changed) => {
        this.events.push(`update ${name}`)
        if (this.updates) this.running.set(name, changed)
        return this.updates
      },
      stop: async () => {
        this.events.push(`stop ${name}`)
        this.onStop(name)
        await this.draining
        this.running.delete(name)
      },
    }
  }
}

/** A laptop whose time moves by hand, with player counts which the test sets. */
export function aLaptop() {
  const clock = new ManualClock()
  const runtime = new FakeRuntime()
  const cluster = new LocalCluster({ runtime, clock, log: silentLog })
  const site = laptopSite({ publicUrl: 'http://127.0.0.1:3000', localUrl: 'http://127.0.0.1:3000', livekit: () => undefined })
  const counts = new Map<number, number>()
  const loop = startReconcilers({
    cluster,
    site,
    publication: alwaysServing,
    playerCounts: aPlayerCounter(() => counts),
    clock,
    log: silentLog,
  })
  onTestFinished(async () => {
    await loop.stop()
    await cluster.stop()
  })
  const key = { namespace: 'metaverse', name: 'main' }
  const settle = async (ms = 300) => {
    for (let at = 0; at < ms; at += 5) {
      clock.advance(5)
      await new Promise(setImmediate)
    }
  }
  const declare = async (realm: Realm) => {
    cluster.declare(realm)
    await settle()
  }
  const status = () => cluster.realm(key)?.status
  const condition = (type: string) => conditionOf(cluster.realm(key) ?? {}, type)
  return { runtime, cluster, counts, key, settle, declare, status, condition }
}
