import { setTimeout as sleep } from 'node:timers/promises'
import { PRODUCT_VERSION } from '../cluster/product.ts'
import type { Platform, Pod } from './platform.ts'
import type { PlayerGroup } from './player-group.ts'
import { NEXT_VERSION } from './realm.ts'

/** A disruption of a realm. It is over when `cause` resolved and the platform has settled. */
export interface Event {
  name: string
  cause(platform: Platform, group: PlayerGroup): Promise<void>
}

/** A container that was killed restarts at once: without a pause, the platform might be read before it shows the failure. */
const NOTICED_MS = 3_000

const first = (pods: readonly Pod[]): Pod => {
  const [pod] = pods
  if (!pod) throw new Error('there is no such pod')
  return pod
}

const killed = (what: string, which: (platform: Platform) => Promise<Pod>): Event => ({
  name: `${what} killed with -9`,
  cause: async (platform) => {
    await platform.kill(await which(platform))
    await sleep(NOTICED_MS)
  },
})

/** Share of the players who connect while there are three cells. */
export const LATE_SHARE = 0.4

/** All events in the order in which they are caused; `players` is the number of players in the end, the last of whom connect over `addMs`. */
export const events = (players: number, addMs?: number) =>
  ({
    nothing: { name: 'nothing', cause: () => sleep(10_000) },
    out: {
      name: 'scaled from 1 cell to 3',
      cause: async (platform, group) => {
        await platform.scale(3)
        await platform.settled()
        // Connected players keep their cell; new players are sent to the new cells.
        await group.add(players - group.players.length, addMs)
      },
    },
    in: { name: 'scaled from 3 cells to 1', cause: (platform) => platform.scale(1) },
    upgrade: { name: 'operator and provider upgraded', cause: (platform) => platform.upgrade(NEXT_VERSION) },
    rollout: { name: 'another version', cause: (platform) => platform.patch({ version: NEXT_VERSION }) },
    rollback: { name: 'back to the version before', cause: (platform) => platform.patch({ version: PRODUCT_VERSION }) },
    downgrade: {
      name: 'operator and provider back at the release before',
      cause: (platform) => platform.upgrade(PRODUCT_VERSION),
    },
    connectors: {
      name: 'connectors given more memory',
      cause: (platform) =>
        platform.patch({ cells: { template: { connectors: { resources: { requests: { memory: '96Mi' } } } } } }),
    },
    leader: killed('operator leader', (platform) => platform.leader()),
    connector: killed('connector', (platform) => platform.fullestConnector()),
    archipelago: killed('active archipelago', (platform) => platform.activeArchipelago()),
    gatekeeper: killed('gatekeeper', async (platform) => first(await platform.podsOf('gatekeeper'))),
    provider: killed('realm provider', async (platform) => first(await platform.productPods('provider'))),
    nats: killed('NATS server', (platform) => platform.fullestNats()),
    drain: {
      name: 'kubectl drain of a worker',
      cause: async (platform) => {
        const node = (await platform.fullestConnector()).spec?.nodeName ?? ''
        await platform.drain(node)
        await platform.settled()
        await platform.cluster.kubectl('uncordon', node)
      },
    },
    compact: {
      name: 'another topology: Compact',
      cause: (platform) =>
        // The archipelago is no container of its own any more.
        platform.patch({ cells: { template: { topology: 'Compact', archipelago: { resources: null } } } }),
    },
    eviction: {
      name: 'a connector and the active archipelago evicted',
      cause: async (platform) => {
        await platform.evict(await platform.fullestConnector())
        await platform.evict(await platform.activeArchipelago())
      },
    },
  }) satisfies Record<string, Event>
