import { onTestFinished } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import { laptopSite } from '../desired/site.ts'
import type { Census } from '../observers/players/census.ts'
import type { Publication } from '../observers/publication/publication.ts'
import { startReconcilers } from '../reconcile/loop.ts'
import { createLocalCluster } from './local-cluster.ts'
import type { CellOrder, Host, RunningPart, ServiceOrder } from './runtime.ts'

/** A host that runs nothing and remembers everything. */
export class FakeHost implements Host {
  readonly events: string[] = []
  readonly running = new Map<string, CellOrder | ServiceOrder>()
  slots: readonly { slot: number; cell: string }[] = []
  /** Thrown by starts, until taken away. */
  failure: Error | undefined
  ready = true
  /** What an update answers. */
  updates = true
  onStop = (_name: string) => {}
  /** Stops wait for this. */
  draining: Promise<void> = Promise.resolve()

  startCell = (order: CellOrder) => this.#start(order.cell.metadata.name, order)
  startService = (order: ServiceOrder) => this.#start(order.plan.component, order)
  route = (_: unknown, slots: FakeHost['slots']) => {
    this.slots = slots
  }

  async #start<Order extends CellOrder | ServiceOrder>(name: string, order: Order): Promise<RunningPart<Order>> {
    this.events.push(`start ${name}`)
    if (this.failure) throw this.failure
    if (this.running.has(name)) throw new Error(`${name} runs twice`)
    this.running.set(name, order)
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

/** A laptop whose time moves by hand, with a census the test writes. */
export function aLaptop() {
  const clock = new ManualClock()
  const host = new FakeHost()
  const cluster = createLocalCluster({ host, clock, log: silentLog })
  const publication: Publication = {
    sighting: () => ({ state: 'serving', aboutUrl: 'http://127.0.0.1:3000/main/about' }),
    forget: () => {},
    onChange: () => () => {},
  }
  const site = laptopSite({ baseUrl: () => 'http://127.0.0.1:3000', providerUrl: 'http://127.0.0.1:3000', livekit: undefined })
  const census = new Map<number, number>()
  const players: Census = {
    attend: () => {},
    players: () => census,
    peak: () => undefined,
    isLost: () => false,
    forget: () => {},
    onChange: () => () => {},
  }
  const loop = startReconcilers({ cluster, site, publication, census: players, clock, log: silentLog })
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
  return { host, cluster, census, key, settle, declare, status, condition }
}
