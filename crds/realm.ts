import type { ObjectKey } from './object.ts'
import type { Realm, RealmStatus } from './types.gen.ts'

export type { CommsCell, CommsCellSpec, CommsCellStatus, Realm, RealmSpec, RealmStatus } from './types.gen.ts'

/** API group and version of everything we define. */
export const API_VERSION = 'comms.decentraland.org/v1alpha1'

/** One statement about an object: metav1.Condition. */
export interface Condition<Type extends string = string, Reason extends string = string> {
  type: Type
  status: 'True' | 'False' | 'Unknown'
  observedGeneration?: number
  lastTransitionTime: string
  reason: Reason
  message: string
}

/**
 * What a Realm's status says, and why; a closed set, so that tools can match on it.
 * - `Ready`: every cell and service of the realm works.
 * - `Published`: the realm provider was seen serving this realm with these endpoints.
 * - `AcceptingPlayers`: at least one cell takes players.
 * - `DependenciesReady`: the NATS and the LiveKit it needs are there, as far as the operator can reach them.
 * - `Progressing`: the operator is still changing something.
 * - `Stalled`: nothing will change until somebody changes something; the message says what.
 */
export interface RealmReasons {
  Ready: 'AllServing' | 'CellsNotReady' | 'ServicesNotReady' | 'Hibernated' | 'ApplyFailed'
  Published: 'SeenServing' | 'WaitingForProvider' | 'ProviderUnreachable' | 'ProviderUnknown' | 'NameTaken' | 'NothingToPublish'
  DependenciesReady: 'AllReached' | 'Unreachable' | 'NotReady' | 'NotChecked'
  AcceptingPlayers: 'CellsServing' | 'NoCellServing' | 'Hibernated'
  Progressing:
    | 'Settled'
    | 'CellsStarting'
    | 'CellsDraining'
    | 'RollingOut'
    | 'Paused'
    | 'CanaryServing'
    | 'ServicesStarting'
    | 'Publishing'
    | 'Retrying'
  Stalled:
    | 'Moving'
    | 'PodsFailing'
    | 'SecretMissing'
    | 'Refused'
    | 'JoinFailed'
    | 'ProgressDeadlineExceeded'
    | 'NewCellsUnhealthy'
    | 'JoinRate'
    | 'NoSlotFree'
}
export type RealmConditionType = keyof RealmReasons
export type RealmCondition = { [Type in RealmConditionType]: Condition<Type, RealmReasons[Type]> }[RealmConditionType]

/**
 * What a CommsCell's status says, and why.
 * - `Ready`: its connectors and its archipelago work.
 * - `Cordoned`: newcomers are led elsewhere.
 * - `Draining`: its players are sent elsewhere, or were.
 */
export interface CellReasons {
  Ready: 'Serving' | 'ConnectorsNotReady' | 'ArchipelagoNotReady' | 'ApplyFailed' | 'Drained'
  Cordoned: 'TakesPlayers' | 'AsAsked'
  Draining: 'PlayersStay' | 'SendingAway' | 'Empty'
  Stalled: 'Moving' | 'PodsFailing' | 'SecretMissing' | 'Refused' | 'BusMissing'
}
export type CellConditionType = keyof CellReasons
export type CellCondition = { [Type in CellConditionType]: Condition<Type, CellReasons[Type]> }[CellConditionType]

/** The name players see. */
export const realmNameOf = (realm: Realm): string => realm.spec.realmName ?? realm.metadata.name

/** The condition of one type, if the object has it. */
export const conditionOf = (object: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === type)

/** The bus scope of a realm: two tokens, because neither a namespace nor a realm's name holds a dot. */
export const realmScope = ({ namespace, name }: ObjectKey): string => `${namespace}.${name}`

/** Where players connect at one slot, and whether they can. */
export type Endpoint = NonNullable<RealmStatus['endpoints']>[number]
