import type { ChainVerdict } from '../../identity/verifier.ts'
import {
  type ClosedState,
  closed,
  type SignInFacts,
  type SignInState,
  type SocketEffect,
  type SocketEvent,
  signIn,
  type Transition,
  unchanged,
} from '../../sockets/core/sign-in.ts'
import type { ClientMessage, HeartbeatMessage } from '../../wire/packets.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { ConnectorCloseReason } from './connector-close-reasons.ts'

/** How far a socket has come (comms.md §4.1). */
export type ConnectorState = SignInState | { readonly at: 'welcomed'; readonly peer: PeerId } | ClosedState

export type ConnectorEvent =
  | SocketEvent<ClientMessage, ConnectorCloseReason>
  /** The signature was checked, and the wallet looked up among the banned. */
  | { is: 'verdict'; verdict: ChainVerdict; banned: boolean }

/** What there is to do after an event, in order. */
export type ConnectorEffect =
  | SocketEffect<ConnectorCloseReason>
  /** Register the session in place of an older one of the same wallet, send the welcome, publish the connect message. */
  | { do: 'welcome'; peer: PeerId }
  | { do: 'heartbeat'; heartbeat: HeartbeatMessage; payload: Uint8Array }
  /** Publish the disconnect message of the session. */
  | { do: 'disconnect'; peer: PeerId; reason: ConnectorCloseReason }

/** A wallet on the deny list is refused when it is claimed, and again when it signed. */
export type ConnectorFacts = SignInFacts<'denied'>

export type ConnectorTransition = Transition<ConnectorState, ConnectorEffect>

/** The transition for an event. Total: every event is handled in every state, and a closed socket stays closed. */
export function connectorTransition(state: ConnectorState, event: ConnectorEvent, facts: ConnectorFacts): ConnectorTransition {
  if (state.at === 'closed') return unchanged(state)
  switch (event.is) {
    case 'ended':
      return ended(state, event.reason)
    case 'verdict':
      return state.at === 'verifying' ? verified(event.verdict, event.banned, facts) : unchanged(state)
    case 'message':
      if (!event.message) return ended(state, 'malformed')
      return state.at === 'welcomed' ? received(state, event.message) : signIn(state, event.message, facts)
  }
}

function received(state: ConnectorState, message: ClientMessage): ConnectorTransition {
  // §4.1: any other message that decodes is ignored, so that clients may learn new messages before the connector does.
  if (message.kind !== 'heartbeat') return unchanged(state)
  return { state, effects: [{ do: 'heartbeat', heartbeat: message.heartbeat, payload: message.payload }] }
}

/** §4.7: the wallet that signed is welcomed, even where another one was claimed at the start. */
function verified(verdict: ChainVerdict, banned: boolean, facts: ConnectorFacts): ConnectorTransition {
  if (!verdict.ok) return closed(verdict.undecided ? 'busy' : 'bad_chain')
  const { peer } = verdict
  const refusal = facts.refusalOf(peer)
  if (refusal) return closed(refusal)
  if (banned) return closed('banned')
  return { state: { at: 'welcomed', peer }, effects: [{ do: 'welcome', peer }] }
}

function ended(state: ConnectorState, reason: ConnectorCloseReason): ConnectorTransition {
  const end = closed(reason)
  // A superseded player has a newer session: a disconnect message would take them off their island.
  if (state.at !== 'welcomed' || reason === 'superseded') return end
  return { state: end.state, effects: [...end.effects, { do: 'disconnect', peer: state.peer, reason }] }
}
