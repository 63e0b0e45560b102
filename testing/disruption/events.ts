import { setTimeout as sleep } from 'node:timers/promises'
import { PRODUCT_VERSION } from '../cluster/product.ts'
import type { Party } from './player-group.ts'
import type { Platform, Pod } from './platform.ts'
import { NEXT_VERSION } from './realm.ts'

/** Something a platform does to a realm; over when `happen` resolves and the platform has settled. */
export interface Event {
  name: string
  happen(platform: Platform, party: Party): Promise<void>
}

/** A pod that was killed restarts on the spot, so fast that a look at the state of things might miss it. */
const NOTICED_MS = 3_000

const first = (pods: readonly Pod[]): Pod => {
  const [pod] = pods
  if (!pod) throw new Error('there is no such pod')
  return pod
}

const killed = (what: string, which: (platform: Platform) => Promise<Pod>): Event => ({
  name: `${what} killed with -9`,
  happen: async (platform) => {
    await platform.kill(await which(platform))
    await sleep(NOTICED_MS)
  },
})

/** Share of the party that comes while there are three cells. */
export const LATE_SHARE = 0.4

/** Everything in the order in which it happens; `players` is how many there are to be in the end. */
export const events = (players: number) =>
  ({
    nothing: { name: 'nothing', happen: () => sleep(10_000) },
    out: {
      name: 'scaled from 1 cell to 3',
      happen: async (platform, party) => {
        await platform.scale(3)
        await platform.settled()
        // Who is here stays where he is; the new cells are for those who come.
        await party.welcome(players - party.travellers.length)
      },
    },
    in: { name: 'scaled from 3 cells to 1', happen: (platform) => platform.scale(1) },
    rollout: { name: 'another version', happen: (platform) => platform.patch({ version: NEXT_VERSION }) },
    rollback: { name: 'back to the version before', happen: (platform) => platform.patch({ version: PRODUCT_VERSION }) },
    connectors: {
      name: 'connectors given more memory',
      happen: (platform) =>
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
      happen: async (platform) => {
        const node = (await platform.fullestConnector()).spec?.nodeName ?? ''
        await platform.drain(node)
        await platform.settled()
        await platform.cluster.kubectl('uncordon', node)
      },
    },
    eviction: {
      name: 'a connector and the active archipelago evicted',
      happen: async (platform) => {
        await platform.evict(await platform.fullestConnector())
        await platform.evict(await platform.activeArchipelago())
      },
    },
  }) satisfies Record<string, Event>
