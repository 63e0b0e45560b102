import { problemsOfRealm, type ShownProblem, worstFirst } from '../../cells/realm-provider/core/problems.ts'
import { factsOf } from '../../cells/realm-provider/core/realm-facts.ts'
import { type CommsCell, type Condition, conditionOf, type Realm, realmNameOf } from '../../crds/realm.ts'

/** A cell of a realm, as a report shows it. */
export interface ReportedCell {
  slot: number
  name: string
  /** In one word; a cell that no operator has seen yet is Starting. */
  state: string
  connectors: { ready: number; existing: number; wanted: number }
  /** About how many, such as 100+. */
  players: string | null
  /** How its services run: in pods of their own, or in one process. */
  topology: 'Split' | 'Compact'
  version: string
  /** What it was created from; empty for one that a person created. */
  revision: string
}

/** What is known of a realm from its objects. With `-o json` this is the output; fields may be added, and none changes its meaning. */
export interface RealmReport {
  namespace: string
  name: string
  realmName: string
  mode: 'City' | 'World'
  version: string
  /** Every cell and service works. */
  ready: boolean
  /** The operator cannot go on until a person changes something. */
  stalled: boolean
  /** Ready, and nothing is being changed: the realm is as its spec says. */
  settled: boolean
  acceptingPlayers: boolean
  published: boolean
  about: string | null
  players: string | null
  cells: { wanted: number; existing: number; ready: number; updated: number }
  slots: ReportedCell[]
  /** What a person should know, the worst first; the console of the realm provider lists the same. */
  problems: Pick<ShownProblem, 'severity' | 'subject' | 'reason' | 'message' | 'since'>[]
  conditions: Condition[]
}

/** Reads the objects of a realm. */
export function reportOf(realm: Realm, cells: readonly CommsCell[]): RealmReport {
  const { metadata, spec, status = {} } = realm
  const is = (type: string) => conditionOf(realm, type)?.status === 'True'
  const isSeen = status.observedGeneration !== undefined && status.observedGeneration === metadata.generation
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    realmName: realmNameOf(realm),
    mode: spec.mode,
    version: spec.version,
    ready: is('Ready'),
    stalled: is('Stalled'),
    settled: isSeen && is('Ready') && !is('Reconciling') && !is('Stalled'),
    acceptingPlayers: is('AcceptingPlayers'),
    published: is('Published'),
    about: status.urls?.about ?? null,
    players: status.players ?? null,
    cells: {
      wanted: spec.cells.replicas,
      existing: status.replicas ?? 0,
      ready: status.readyReplicas ?? 0,
      updated: status.updatedReplicas ?? 0,
    },
    slots: cells.map((cell) => ({
      slot: cell.spec.slot,
      name: cell.metadata.name,
      state: cell.status?.state ?? 'Starting',
      connectors: {
        ready: cell.status?.readyReplicas ?? 0,
        existing: cell.status?.replicas ?? 0,
        wanted: cell.spec.connectors.replicas,
      },
      players: cell.status?.players ?? null,
      topology: cell.spec.topology,
      version: cell.spec.version,
      revision: cell.spec.revision ?? '',
    })),
    problems: problemsOfRealm(factsOf(realm))
      .sort(worstFirst)
      .map(({ severity, subject, reason, message, since }) => ({ severity, subject, reason, message, since })),
    conditions: status.conditions ?? [],
  }
}
