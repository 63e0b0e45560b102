import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { type CommsCell, type CommsCellSpec, type Realm, realmNameOf } from '../../crds/realm.ts'
import type { ObservedCell, Workload } from '../observed/workload.ts'
import type { BusUser } from './bus-users.ts'
import type { Site } from './site.ts'

/** Whether the connectors of a cell are its archipelagos too. */
export const isCompact = ({ topology }: Pick<CommsCellSpec, 'topology'>): boolean => topology === 'Compact'

/** Whether the cells that a realm asks for are Compact. On a laptop every cell is one process, whatever it says, beside statistics of their own. */
export const isDeclaredCompact = ({ spec }: Realm, { distributed }: Pick<Site, 'distributed'>): boolean =>
  distributed && isCompact(spec.cells.template)

/** How many of so many connectors a cell may have: of the embedded rooms of a Compact cell there may be only one process. */
export const connectorsWithin = (spec: Pick<CommsCellSpec, 'topology' | 'livekit'>, replicas: number): number =>
  isCompact(spec) && !spec.livekit ? 1 : replicas

/** The workloads of a cell, as far as they exist. Beside the one of a Compact cell another is a remnant. */
export const workloadsOf = ({ spec }: CommsCell, { connectors, archipelago }: ObservedCell): readonly (Workload | undefined)[] =>
  isCompact(spec) ? [connectors] : [connectors, archipelago]

const STATS_USER: BusUser = 'stats'

/** The content servers that know the scenes of a realm's parcels. */
export const contentUrlsOf = ({ spec }: Realm): string[] =>
  spec.content.catalysts.map((catalyst) => `${withoutTrailingSlash(catalyst)}/content`)

/** What the statistics in the cells of a realm need beyond what is in the cells already. */
export function statisticsOf(realm: Realm, site: Site): NonNullable<CommsCellSpec['statistics']> {
  const user = site.nats(realm, STATS_USER)?.credentials?.user
  const contentUrls = contentUrlsOf(realm)
  return {
    realmName: realmNameOf(realm),
    ...(user && { natsUser: user }),
    ...(site.providerUrl && { providerUrl: site.providerUrl }),
    ...(contentUrls.length > 0 && { contentUrls }),
  }
}
