import type { ObjectKey } from './object.ts'
import type { Realm, RealmStatus } from './types.gen.ts'

export type { CommsCell, CommsCellSpec, CommsCellStatus, Realm, RealmSpec, RealmStatus } from './types.gen.ts'

/** API group and version of Realm and CommsCell. */
export const API_VERSION = 'comms.decentraland.org/v1alpha1'

/** metav1.Condition. */
export interface Condition<Type extends string = string, Reason extends string = string> {
  type: Type
  status: 'True' | 'False' | 'Unknown'
  observedGeneration?: number
  lastTransitionTime: string
  reason: Reason
  message: string
}

/**
 * The conditions of a Realm with the closed set of reasons of each, so that tools can match on them.
 *
 * `Reconciling` and `Stalled` are the conditions kstatus (kubectl wait, Flux, Argo CD) defines: abnormal when true, never both true. They are
 * written also while they are False, because `kubectl wait --for=condition=Stalled=False` waits for ever on a condition that is absent, and
 * because their lastTransitionTime then says since when the realm is at rest. kstatus takes False and absent for the same.
 *
 * - `Ready`: every cell and service of the realm works; of a world, its gatekeeper serves it. A hibernated realm is ready once its last cell is gone: it is as its spec asks, and
 *   kstatus calls an object Current only while `Ready` is not False. `AcceptingPlayers` says that players cannot connect.
 * - `Published`: the realm provider was seen serving this realm with these endpoints.
 * - `AcceptingPlayers`: at least one cell takes new players, or the gatekeeper of a world serves it.
 * - `DependenciesReady`: the NATS and the LiveKit of the realm are ready, or reachable from the operator.
 * - `MovementReachable`: the movement relay of the realm accepts connections of the operator. No other condition depends on it.
 * - `CertificateValid`: players can trust the certificate at the public address. Absent where they do not use HTTPS at its usual port. No other
 *   condition depends on it.
 * - `RouteAccepted`: the controller of the Ingress or of the Gateway serves the realm at its host, or its load balancer has an address. Absent for a
 *   realm without routes of the operator. No other condition depends on it.
 * - `DataDurable`: bans and what is recorded for moderators outlive the pod of the gatekeeper. No other condition depends on it.
 * - `ExplorersSupported`: Unity, Bevy and Godot explorers can enter the realm as its spec says. No other condition depends on it.
 * - `Progressing`: the operator is changing something at the moment.
 * - `Reconciling`: the realm is not yet as its spec says. True also while a rollout is paused or its canary cells await promotion, when the
 *   operator changes nothing and `Progressing` is False.
 * - `Stalled`: the operator cannot go on until a person changes something; the message says what.
 */
export interface RealmReasons {
  Ready:
    | 'AllServing'
    | 'CellsNotReady'
    | 'ServicesNotReady'
    | 'HostNotUsable'
    | 'AddressPending'
    | 'AddressTaken'
    | 'Hibernated'
    | 'ApplyFailed'
  Published:
    | 'ServedByProvider'
    | 'WaitingForProvider'
    | 'ProviderUnreachable'
    | 'ProviderNotConfigured'
    | 'NameTaken'
    | 'AddressTaken'
    | 'NothingToPublish'
  DependenciesReady: 'Reachable' | 'Unreachable' | 'NotReady' | 'MediaAddressMissing' | 'WebhooksMissing' | 'NotChecked'
  MovementReachable: 'Reachable' | 'Full' | 'NoAnswer' | 'HostNotResolved' | 'NotChecked' | 'NotConfigured' | 'NoRelay'
  AcceptingPlayers: 'CellsServing' | 'NoCellServing' | 'WorldServed' | 'WorldNotServed' | 'Hibernated'
  CertificateValid: 'Valid' | 'ExpiresSoon' | 'Expired' | 'NotYetValid' | 'OtherHost' | 'Untrusted' | 'NotReached' | 'NotChecked'
  RouteAccepted:
    | 'Accepted'
    | 'Waiting'
    | 'NotAccepted'
    | 'BackendsNotResolved'
    | 'NotAnswered'
    | 'NoAddress'
    | 'AddressPending'
    | 'ClassMissing'
    | 'GatewayMissing'
    | 'GatewayApiMissing'
  DataDurable: 'ExternalDatabase' | 'OnVolume' | 'EndsWithPod' | 'NoGatekeeper'
  ExplorersSupported: 'AllExplorers' | 'NoTls' | 'EmbeddedRooms' | 'InsideClusterOnly' | 'SeveralScenes'
  Progressing: RealmChange | RealmHold | 'Settled' | 'Stalled'
  Reconciling: RealmChange | RealmHold | 'Settled' | 'Stalled'
  Stalled: 'NotStalled' | RealmBlocker
}
/** What the operator is doing to a realm. */
type RealmChange =
  | 'CellsStarting'
  | 'CellsDraining'
  | 'RollingOut'
  | 'ServicesStarting'
  /** Cells wait for the address of the realm's load balancer, which their URLs name. */
  | 'AddressPending'
  | 'WaitingForPublication'
  /** The last attempt to write an object failed in a way that may pass. */
  | 'Retrying'
/** Why a rollout waits for a person although nothing is wrong. */
type RealmHold = 'RolloutPaused' | 'AwaitingPromotion'
/** What keeps the operator from bringing a realm to its spec. */
type RealmBlocker =
  | WorkloadBlocker
  | 'NameTaken'
  | 'AddressTaken'
  | 'ProviderNotConfigured'
  | 'JoinFailed'
  | 'ProgressDeadlineExceeded'
  | 'NewCellsUnhealthy'
  | 'JoinRateTooLow'
  | 'NoSlotFree'
  | 'HostNotUsable'
/** What keeps the objects or the pods of a realm or a cell from being as declared. */
type WorkloadBlocker = 'PodsFailing' | 'PodsRefused' | 'SecretMissing' | 'ApplyRefused' | 'BusMissing' | 'CrdOutdated'
export type RealmConditionType = keyof RealmReasons

/**
 * The conditions of a CommsCell with the reasons of each; `Reconciling` and `Stalled` as in a Realm.
 * - `Ready`: its connectors and its archipelago work, or it is drained, as its spec asks.
 * - `Cordoned`: new players are sent to other cells.
 * - `Draining`: its players are being disconnected, so that they connect to another cell.
 */
export interface CellReasons {
  Ready: 'Serving' | 'ConnectorsNotReady' | 'ArchipelagoNotReady' | 'ApplyFailed' | 'Draining' | 'Drained'
  Cordoned: 'NotCordoned' | 'CordonRequested'
  Draining: 'NotDraining' | 'DisconnectingPlayers' | 'Drained'
  Reconciling: 'Starting' | 'PodsWaiting' | 'Updating' | 'Draining' | 'Retrying' | 'Settled' | 'Stalled'
  Stalled: 'NotStalled' | WorkloadBlocker
}

/** The name players see. */
export const realmNameOf = (realm: Realm): string => realm.spec.realmName ?? realm.metadata.name

/** The condition of one type, if the object has it. */
export const conditionOf = (object: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === type)

/** The bus scope of a realm: two tokens of a subject, because neither a namespace nor the name of a Realm contains a dot. */
export const realmScope = ({ namespace, name }: ObjectKey): string => `${namespace}.${name}`

/** Where players connect at one slot, and whether they can. */
export type Endpoint = NonNullable<RealmStatus['endpoints']>[number]
