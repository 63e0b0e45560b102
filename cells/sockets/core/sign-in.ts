import { type PeerId, parsePeerId } from '../../wire/peer.ts'

/** How far a client has come until its wallet is known (comms.md §4.1, §13); a service adds the states that follow. */
export type SignInState =
  | { readonly at: 'start' }
  | { readonly at: 'challenged'; readonly challenge: string }
  | { readonly at: 'verifying' }

/** The state of a socket whose end was decided. */
export interface ClosedState {
  readonly at: 'closed'
}

/** A message that was decoded; the fields are there in the messages that sign in. */
export interface SignInMessage {
  readonly kind: string
  readonly address?: string
  readonly authChainJson?: string
}

/** What may happen to a socket of any service. */
export type SocketEvent<Message, Reason> =
  /** A frame arrived; undefined when its bytes are not protobuf. */
  | { is: 'message'; message: Message | undefined }
  /** The service ends the socket, or it was closed by the client or by the network. */
  | { is: 'ended'; reason: Reason }

/** What a service does for any socket, in the order of the effects. */
export type SocketEffect<Reason> =
  | { do: 'challenge'; challenge: string; alreadyConnected: boolean }
  | { do: 'verify'; authChainJson: string; challenge: string }
  /** Close the socket in the way its reason prescribes. */
  | { do: 'close'; reason: Reason }

/** The result of one event. */
export interface Transition<State, Effect> {
  state: State
  effects: readonly Effect[]
}

/** Why a message before the welcome closes the socket, in every service. */
export type SignInFailure = 'unexpected' | 'bad_address'

/** What a sign-in depends on outside the state machine. */
export interface SignInFacts<Refusal extends string = never> {
  /** A challenge that cannot be guessed and is never issued twice: `dcl-` and no colon after it (comms.md §0.1; Bevy checks it). */
  freshChallenge(): string
  /** Whether the wallet is connected already, by another socket. */
  isConnected(peer: PeerId): boolean
  /** Why the wallet may not sign in; undefined when it may. */
  refusalOf(peer: PeerId): Refusal | undefined
}

/** The state in which every socket begins. */
export const START: SignInState = { at: 'start' }

const CLOSED: ClosedState = { at: 'closed' }
const VERIFYING: SignInState = { at: 'verifying' }
const NO_EFFECTS: readonly never[] = []

/** An event that changes nothing. */
export const unchanged = <State>(state: State): Transition<State, never> => ({ state, effects: NO_EFFECTS })

/** The end of a socket that has no session. */
export const closed = <Reason extends string>(reason: Reason): Transition<ClosedState, { do: 'close'; reason: Reason }> => ({
  state: CLOSED,
  effects: [{ do: 'close', reason }],
})

/** A message before the wallet is known: an address, then the signed challenge, each of them once. */
export function signIn<Refusal extends string>(
  state: SignInState,
  message: SignInMessage,
  facts: SignInFacts<Refusal>,
): Transition<SignInState | ClosedState, SocketEffect<SignInFailure | Refusal>> {
  if (state.at === 'start' && message.address !== undefined) return issueChallenge(message.address, facts)
  if (state.at === 'challenged' && message.authChainJson !== undefined) {
    // A second signature while the first is verified is out of order: a socket gets one signature check.
    return { state: VERIFYING, effects: [{ do: 'verify', authChainJson: message.authChainJson, challenge: state.challenge }] }
  }
  return closed('unexpected')
}

function issueChallenge<Refusal extends string>(
  address: string,
  facts: SignInFacts<Refusal>,
): Transition<SignInState | ClosedState, SocketEffect<SignInFailure | Refusal>> {
  const claimed = parsePeerId(address)
  if (!claimed) return closed('bad_address')
  const refusal = facts.refusalOf(claimed)
  if (refusal) return closed(refusal)
  const challenge = facts.freshChallenge()
  return {
    state: { at: 'challenged', challenge },
    effects: [{ do: 'challenge', challenge, alreadyConnected: facts.isConnected(claimed) }],
  }
}
